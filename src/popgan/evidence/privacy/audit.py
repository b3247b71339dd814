"""The audit of released images: all measures on one set, a shareable and a private result."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from popgan.errors import UserError
from popgan.evidence.privacy.bounds import rate_at_most
from popgan.evidence.privacy.cases import Cases, check_apart, check_images
from popgan.evidence.privacy.controls import EACH, measure_power, plant
from popgan.evidence.privacy.copies import CopyFinder, Embed, Images, sharpness
from popgan.evidence.privacy.membership import attacks
from popgan.evidence.privacy.neighbours import neighbours
from popgan.evidence.privacy.results import (
    AuditResult,
    Exposed,
    Flag,
    PrivacyAudit,
    PrivateDetails,
)
from popgan.evidence.privacy.verdict import verdict

_WORST = 10


def audit(
    images: Images,
    features: NDArray[np.floating],
    train: Cases,
    heldout: Cases,
    embed: Embed,
    *,
    reference: Cases | None = None,
    planted: int = EACH,
    seed: int = 0,
) -> AuditResult:
    """Audit synthetic images that are to be released without their generator.

    Args:
        images: S x C x H x W in [-1, 1], all images of the set. features: S x D.
        train: images of the patients trained with. heldout: of patients never seen.
        embed: images -> features, the same as those given; for planted and blurred images.
        reference: of patients on neither side, for the attacks that calibrate.
        planted: copies of each kind.
        seed: of all that is drawn.

    Returns:
        A part without pseudonyms, and a private one.

    Raises:
        UserError: a patient on two sides, images of different shape, values that are not finite.
    """
    check_images(images, features)
    if reference is not None:
        check_apart(train, reference)
        if set(reference.subjects) & set(heldout.subjects):
            raise UserError("patients are both in the reference set and held out")
    finder = CopyFinder(train, heldout, sharpness(images), embed)
    copies, flags = finder.search(images, features)
    near = neighbours(
        features, train.features, train.subjects, heldout.features, heldout.subjects, seed=seed
    )
    found, exposed = attacks(
        train.features,
        train.subjects,
        heldout.features,
        heldout.subjects,
        features,
        None if reference is None else reference.features,
        seed=seed,
    )
    copied = plant(train, each=planted, seed=seed)
    controls = measure_power(finder, copied, embed(copied.images))
    worst = _worst(flags, exposed)
    most = max(patient.flags for patient in worst)
    shared = PrivacyAudit(
        synthetic=len(images),
        copies=copies,
        neighbours=near,
        attacks=found,
        controls=controls,
        worst_patient=rate_at_most(most, len(images), "synthetic images"),
        verdict=verdict(copies, near, found, controls),
    )
    return AuditResult(shared=shared, private=PrivateDetails(flags=flags, worst=worst))


def _worst(flags: Sequence[Flag], exposed: Mapping[str, float]) -> list[Exposed]:
    """The most exposed patients: by the images that are flagged for them, then by the attacks."""
    images: dict[str, set[int]] = defaultdict(set)
    for flag in flags:
        images[flag.subject].add(flag.synthetic)
    rows = [Exposed(subject=s, flags=len(images[s]), score=v) for s, v in exposed.items()]
    return sorted(rows, key=lambda row: (-row.flags, -row.score))[:_WORST]
