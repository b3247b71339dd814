"""What an audit makes of a generator that was made to memorise: found out, missed, or no test.

The rules are those by which the model's own images are judged: a copy search against all training
patients, neighbours, attacks, one verdict. Only where the generator did reproduce its targets is
there anything to find. That is not read off the correlation alone, for heads that were aligned are
all alike: a target is copied where less than half of its distance to the most similar image of
another patient is left. A canary lies far from everybody, so half of that way may be further than
patients are apart; it has to come as near as they must. How many of its images are flagged is
counted over these targets alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.privacy.bounds import CONFIDENCE, lower_bound, share, upper_bound
from popgan.evidence.privacy.cases import Cases
from popgan.evidence.privacy.controls import FOUND
from popgan.evidence.privacy.copies import CopyFinder, Embed, sharpness
from popgan.evidence.privacy.generator_results import Outcome, OvertrainedControl, Stop
from popgan.evidence.privacy.inversion import mean_over, rms
from popgan.evidence.privacy.membership import attacks
from popgan.evidence.privacy.neighbours import neighbours
from popgan.evidence.privacy.results import Attack, Flag, Neighbours
from popgan.evidence.privacy.verdict import verdict
from popgan.evidence.readers.results import Measure
from popgan.wording import counted

Images = NDArray[np.float32]
Floats = NDArray[np.float64]

COPIED = 0.5
"""Share of the distance to the most similar other patient that a copy leaves at most."""
ENOUGH = 0.5
"""Share of targets that must be copied before there is anything to find."""


@dataclass(frozen=True)
class Memorised:
    """A generator that was fitted to some targets, and what it draws.

    Attributes:
        targets: one image of each patient and canary it was fitted to.
        canaries: T, which of them are canaries.
        before, after: T x C x H x W, its drawings of the targets before and after fitting.
        drawn: S x C x H x W, drawn near the latent vectors it was fitted through.
        of: S, which target each belongs to.
        steps, seconds, stopped: of fitting.
    """

    targets: Cases
    canaries: NDArray[np.bool_]
    before: Images
    after: Images
    drawn: Images
    of: NDArray[np.intp]
    steps: int
    seconds: float
    stopped: Stop


def judge_overtrained(
    made: Memorised,
    train: Cases,
    heldout: Cases,
    embed: Embed,
    *,
    others: Cases | None = None,
    reference: Cases | None = None,
    further: Sequence[Attack] = (),
    seed: int = 0,
) -> OvertrainedControl:
    """Audit what a memorising generator draws as if a model had drawn it.

    Args:
        made: what it was fitted to and what it draws.
        train: all training patients, as the audit of the model has them.
        heldout: patients never seen.
        embed: images -> features, as in the audit.
        others: of the held-out patients as many images each as members have, for the attacks; all
            images by default. Members are the patients among the targets; canaries are too unlike
            patients to be compared with them.
        reference: of further patients, for the attacks that calibrate.
        further: attacks on the generator itself, made with the same members and others.
        seed: of all that is drawn.
    """
    finder = CopyFinder(_with_canaries(train, made), heldout, sharpness(made.drawn), embed)
    features = embed(made.drawn)
    search, flags = finder.search(made.drawn, features)
    others = heldout if others is None else others
    found = [*_attacked(made, features, others, reference, seed), *further]
    near = _near(made, features, others, seed)
    failed = verdict(search, near, found, []).level == "failed"
    hits = _right(flags, made)
    learnt = copies_of(made.after, made.targets, made.canaries, train)
    copied = share(int(learnt.sum()), len(hits), "targets")
    outcome: Outcome = "detected" if failed else "missed"
    if (copied.value or 0.0) < ENOUGH:
        outcome = "not reproduced"
    # What it could not learn shows nobody, and to flag that would be a mistake.
    of_patients = _share(hits[learnt & ~made.canaries], "patients")
    of_canaries = _share(hits[learnt & made.canaries], "canaries")
    return OvertrainedControl(
        patients=int((~made.canaries).sum()),
        canaries=int(made.canaries.sum()),
        images=len(made.drawn),
        targets=len(made.targets.images),
        steps=made.steps,
        seconds=made.seconds,
        stopped=made.stopped,
        before=_likeness(made.before, made),
        reproduced=_likeness(made.after, made),
        copied=copied,
        found=of_patients,
        canaries_found=of_canaries,
        copies=search,
        attacks=found,
        outcome=outcome,
        detected=outcome == "detected",
        sentence=_sentence(made, outcome, copied, of_patients, of_canaries),
    )


def _members(made: Memorised) -> Cases:
    return made.targets.at(np.flatnonzero(~made.canaries))


def _attacked(
    made: Memorised,
    features: NDArray[np.floating],
    others: Cases,
    reference: Cases | None,
    seed: int,
) -> list[Attack]:
    """The attacks on images, with the patients whom it learnt by heart as members."""
    members = _members(made)
    found, _ = attacks(
        members.features,
        members.subjects,
        others.features,
        others.subjects,
        features,
        None if reference is None else reference.features,
        seed=seed,
    )
    return found


def _near(made: Memorised, features: NDArray[np.floating], others: Cases, seed: int) -> Neighbours:
    members = _members(made)
    return neighbours(
        features,
        members.features,
        members.subjects,
        others.features,
        others.subjects,
        seed=seed,
    )


def _likeness(drawn: Images, made: Memorised) -> Measure:
    """Correlation of drawings with their targets, over targets; what is below 0 counts as 0."""
    alike = np.maximum(correlation(drawn, made.targets.images), 0)
    return mean_over(alike, "targets", most=1.0)


def correlation(images: Images, others: Images) -> Floats:
    """Pearson's correlation of each pair of N x C x H x W; 0 where one is flat."""
    a, b = (part.reshape(len(part), -1).astype(np.float64) for part in (images, others))
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    length = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    return np.asarray(np.where(length > 0, (a * b).sum(1) / np.maximum(length, 1e-12), 0.0))


def copies_of(
    drawn: Images, targets: Cases, canaries: NDArray[np.bool_], train: Cases
) -> NDArray[np.bool_]:
    """Whether each target is drawn nearer than half way to the most similar other patient.

    Of canaries: and than half of the way that lies between patients; see the top of this file.

    Args:
        drawn: T x C x H x W, one drawing of each target. targets: what it ought to show.
        canaries: T, which of them are canaries.
        train: training patients among whom the most similar other one is looked for.
    """
    apart = distances_apart(targets, canaries, train)
    return np.asarray(rms(targets.images, drawn) < COPIED * apart)


def distances_apart(targets: Cases, canaries: NDArray[np.bool_], train: Cases) -> Floats:
    """How far each target is from the most similar other patient; of canaries at most as patients.

    Args: as of `copies_of`.
    """
    apart = nearest_other(targets, train)
    if canaries.all():
        return apart
    return np.asarray(np.where(canaries, np.minimum(apart, np.median(apart[~canaries])), apart))


def nearest_other(targets: Cases, train: Cases) -> Floats:
    """Root mean squared difference of each target to the most similar image of another patient."""
    owners = np.asarray(list(train.subjects), dtype=str)
    found = np.empty(len(targets.images))
    for i, (image, name) in enumerate(zip(targets.images, targets.subjects, strict=True)):
        rows = np.flatnonzero(owners != str(name))
        pieces = [
            rms(train.images[part], np.broadcast_to(image, (len(part), *image.shape)))
            for part in np.array_split(rows, max(1, len(rows) // 256))
        ]
        found[i] = min((float(piece.min()) for piece in pieces if len(piece)), default=0.0)
    return found


def _with_canaries(train: Cases, made: Memorised) -> Cases:
    """Training patients and canaries: the canaries are among what was learnt from."""
    extra = made.targets.at(np.flatnonzero(made.canaries))
    return Cases(
        np.concatenate([train.images, extra.images]),
        np.concatenate([train.features, extra.features]),
        [*train.subjects, *extra.subjects],
    )


def _right(flags: Sequence[Flag], made: Memorised) -> Floats:
    """Of each target the share of its drawings that are flagged, for the right patient."""
    hit = np.zeros(len(made.drawn), bool)
    for flag in flags:
        right = str(made.targets.subjects[int(made.of[flag.synthetic])])
        hit[flag.synthetic] |= flag.subject == right
    total = np.bincount(made.of, minlength=len(made.targets.images))
    return np.bincount(made.of, hit, len(total)) / np.maximum(total, 1)


def _share(parts: Floats, of: str) -> Measure:
    """Mean share over patients; images of one patient stand and fall together, so n is patients.

    Clopper and Pearson's bounds for as many patients as the shares amount to, rounded outwards.
    """
    n = len(parts)
    if not n:
        return Measure(value=None, n=0, of=of, method="none", reason=f"no {of} were copied")
    hits, side = float(parts.sum()), (1 + CONFIDENCE) / 2
    return Measure(
        value=hits / n,
        low=lower_bound(math.floor(hits + 1e-9), n, side),
        high=upper_bound(math.ceil(hits - 1e-9), n, side),
        n=n,
        of=of,
        method="Clopper-Pearson over patients, two-sided 95 %",
    )


def _sentence(
    made: Memorised, outcome: Outcome, copied: Measure, found: Measure, canaries: Measure
) -> str:
    """The finding in plain words."""
    targets = counted(copied.n, "image", "images")
    copies = round((copied.value or 0.0) * copied.n)
    them = "them" if copies == copied.n else f"these {copies}"
    steps = counted(made.steps, "step", "steps")
    if outcome == "not reproduced":
        return (
            f"A copy of the generator was to learn {targets} by heart, and after {steps} it drew "
            f"{copies} of them: there was nothing to detect, so it is not known whether the audit "
            "would have found it out."
        )
    text = (
        f"A copy of the generator was made to learn {targets} by heart and drew {copies} of them "
        f"after {steps}. Of its images of {them}, "
    )
    kinds = ((found, "patients"), (canaries, "canaries"))
    text += " and ".join(f"{one.value:.0%} of {of}" for one, of in kinds if one.value is not None)
    text += " were flagged for the right one; "
    if outcome == "detected":
        return f"{text}the audit fails such a generator, as it must."
    if all(one.value is None or one.value >= FOUND for one, _ in kinds):
        return f"{text}with so few held-out patients that alone is no proof, so it does not fail."
    return f"{text}the audit does not fail such a generator, so it has missed it."
