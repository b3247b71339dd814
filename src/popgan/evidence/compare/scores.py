"""Distance of each model to one held-out reference, kept so that differences can be jackknifed.

All models are held against the same patients. What makes these patients unusual shifts every
model's distance alike, so a difference is known much better than either distance: the groups of
reference subjects are left out of both at once. Only the drawn images are independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.fidelity.clipped import clipped
from popgan.evidence.fidelity.kid import kernel_sums, kid_with_replicates
from popgan.evidence.statistics import Replicates, image_groups, owners_of, subject_groups

Floats = NDArray[np.float64]
NEIGHBOURS = 5


@dataclass(frozen=True)
class Reference:
    """Held-out images as features.

    Attributes:
        features: N x D.
        groups: N, jackknife groups of subjects, 0 .. G-1.
        owners: N, number of the subject of each image, 0 .. S-1.
    """

    features: NDArray[np.floating]
    groups: NDArray[np.int64]
    owners: NDArray[np.int64]

    @classmethod
    def of(cls, features: NDArray[np.floating], subjects: Sequence[str], seed: int) -> Reference:
        """From the names of the images' subjects.

        Raises:
            UserError: fewer than two subjects.
        """
        groups = subject_groups(subjects, seed=seed)
        return cls(features, groups, owners_of(subjects))

    @property
    def subjects(self) -> int:
        """How many there are."""
        return int(self.owners.max()) + 1


@dataclass(frozen=True)
class Scored:
    """One metric of one model.

    Attributes:
        value: of all images.
        reference: without each group of held-out subjects, in one order for all models.
        synthetic: without each group of drawn images.
        of_subjects: S, the metric to each held-out subject alone, less what depends on the subject
            and not on the model; only differences between models mean something. None where it
            cannot be had.
    """

    value: float
    reference: Replicates
    synthetic: Replicates
    of_subjects: Floats | None = None


def score_kid(reference: Reference, features: NDArray[np.floating], seed: int) -> Scored:
    """KID of a model's images, with what differences need.

    The distance to the images x of one subject alone is mean k(x, x') + mean k(y, y') -
    2 mean k(x, y). The first term is the same for all models, so it is left out; the second is the
    same for all subjects, and follows from the distance to all of them.

    Args:
        features: M x D of drawn images.
        seed: of the groups of images.
    """
    groups = image_groups(len(features), seed=seed)
    value, left, right = kid_with_replicates(
        reference.features, reference.groups, features, groups, x_owners=reference.owners
    )
    one = np.zeros(len(features), np.int64)
    across = kernel_sums(reference.features, reference.owners, features, one).between[:, 0]
    images = np.bincount(reference.owners)
    overall = across.sum() / (images.sum() * len(features))
    return Scored(value, left, right, value + 2 * overall - 2 * across / (images * len(features)))


def score_coverage(
    reference: Reference, features: NDArray[np.floating], seed: int
) -> Scored | None:
    """Clipped coverage of a model's images; None with too few of them for the jackknife."""
    groups = image_groups(len(features), seed=seed)
    for part in (reference.groups, groups):
        # Without its largest group a set must still hold more than k images.
        if len(part) - int(np.bincount(part).max()) <= NEIGHBOURS + 1:
            return None
    found = clipped(
        reference.features,
        features,
        k=NEIGHBOURS,
        real_groups=reference.groups,
        synthetic_groups=groups,
    )
    name = "clipped_coverage"
    return Scored(found.value[name], found.without_real[name], found.without_synthetic[name])
