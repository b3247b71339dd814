"""What inversion shows: errors of reconstruction by patient, as coverage and as an attack.

A generator that learnt its training images by heart draws them better than images of patients whom
it has never seen (Chen et al. 2020, white-box). So the error of a patient's best reconstructions is
a membership score, and the difference between both sides a sign of memory. Every patient has the
same number of images, since the best of many is better than the best of few.

How well held-out patients are drawn says how much of the population the generator covers. A search
that fails looks like a generator that cannot, so images of its own are searched as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.errors import UserError
from popgan.evidence.paired.metrics import psnr, ssim
from popgan.evidence.privacy import roc
from popgan.evidence.privacy.generator_results import InversionAttack, InversionCoverage
from popgan.evidence.privacy.membership import AGGREGATES, attack_of
from popgan.evidence.privacy.results import Attack
from popgan.evidence.readers.results import Measure
from popgan.evidence.statistics import members
from popgan.wording import counted

Images = NDArray[np.float32]
Floats = NDArray[np.float64]

LEAST = 3
"""Patients below which a mean has no interval."""
FOUND_AGAIN = 0.5
"""Share of the distance to its mean image that may be left of the generator's own images."""


@dataclass(frozen=True)
class Rebuilt:
    """Images with the best that a generator makes of them.

    Attributes:
        images: N x C x H x W in [-1, 1]. drawn: the same shape.
        subjects: N, whose they are; each image its own where they are independent.
    """

    images: Images
    drawn: Images
    subjects: Sequence[str]

    @property
    def error(self) -> Floats:
        """N root mean squared differences, unit intensities."""
        return rms(self.images, self.drawn)


def rms(images: Images, others: Images) -> Floats:
    """Root mean squared difference of each pair of N x C x H x W in [-1, 1], unit intensities."""
    gap = (np.asarray(images, np.float64) - others) / 2
    return np.asarray(np.sqrt((gap**2).mean((1, 2, 3))))


def inversion_result(
    train: Rebuilt,
    heldout: Rebuilt,
    own: Rebuilt,
    mean_image: Images,
    *,
    steps: int,
    restarts: int,
    seed: int = 0,
) -> InversionAttack:
    """Judge reconstructions of members, of others, and of the generator's own images.

    Args:
        train: of patients trained with. heldout: of patients never seen, as many images each.
        own: of images that the generator drew.
        mean_image: C x H x W, mean of the training images.
        steps, restarts: of the search, for the record.
        seed: of the control's halves.

    Raises:
        UserError: a patient on both sides, or no images.
    """
    if set(train.subjects) & set(heldout.subjects):
        raise UserError("patients are both members and others, so no attack can be measured")
    if not min(len(train.images), len(heldout.images), len(own.images)):
        raise UserError("there are no images to invert")
    errors = [
        mean_over(_of_patients(part.error, part.subjects), "patients") for part in (train, heldout)
    ]
    own_error = mean_over(own.error, "own images")
    gap, p = difference(
        _of_patients(heldout.error, heldout.subjects), _of_patients(train.error, train.subjects)
    )
    # What a search that finds nothing would leave of them.
    apart = float(rms(own.images, np.broadcast_to(own.images.mean(0), own.images.shape)).mean())
    searched = (own_error.value or 0.0) <= FOUND_AGAIN * apart
    attacks = inversion_attacks(train, heldout, seed)
    return InversionAttack(
        steps=steps,
        restarts=restarts,
        images=len(train.images) + len(heldout.images),
        members=len(set(train.subjects)),
        others=len(set(heldout.subjects)),
        attacks=attacks,
        train_error=errors[0],
        heldout_error=errors[1],
        gap=gap,
        p_gap=p,
        own_error=own_error,
        coverage=coverage_by_inversion(train, heldout, own, mean_image),
        searched=searched,
        sentence=_sentence(errors[0], errors[1], gap, own_error, apart, attacks[0], searched),
    )


def inversion_attacks(train: Rebuilt, heldout: Rebuilt, seed: int = 0) -> list[Attack]:
    """Membership by minus the error: mean over a patient's images, and the best one of several."""
    here, there = (np.asarray(part.subjects, dtype=str) for part in (train, heldout))
    several = 2 if len(np.unique(here)) + len(np.unique(there)) < len(here) + len(there) else 1
    found = []
    for how in AGGREGATES[:several]:
        of = np.mean if how == "mean" else np.max
        scores = roc.Scores(
            roc.per_patient(-train.error, here, of), roc.per_patient(-heldout.error, there, of)
        )
        found.append(attack_of("inversion", how, scores, seed=seed))
    return found


def coverage_by_inversion(
    train: Rebuilt, heldout: Rebuilt, own: Rebuilt, mean_image: Images
) -> InversionCoverage:
    """PSNR and SSIM of the best reconstructions, with the floor and the ceiling of both."""
    flat = Rebuilt(
        heldout.images, np.broadcast_to(mean_image, heldout.images.shape), heldout.subjects
    )
    found: dict[str, Measure] = {}
    for name, part in (("train", train), ("heldout", heldout), ("mean_image", flat), ("own", own)):
        of = "own images" if part is own else "patients"
        signal, structure = _quality(part)
        found[f"{name}_psnr"] = mean_over(signal, of)
        found[f"{name}_ssim"] = mean_over(structure, of, most=1.0)
    return InversionCoverage(**found)


def mean_over(values: Floats, of: str, most: float = math.inf) -> Measure:
    """Mean of one non-negative number a patient, with Student's interval.

    Args:
        values: one a patient.
        of: what they are of.
        most: the largest possible value.
    """
    from scipy.special import stdtrit

    n, method = len(values), f"Student's t over {of}, two-sided 95 %"
    if not n:
        return Measure(value=None, n=0, of=of, method=method, reason=f"there are no {of}")
    mean = float(values.mean())
    if n < LEAST:
        reason = f"fewer than three {of} have no interval"
        return Measure(value=mean, n=n, of=of, method=method, reason=reason)
    half = float(stdtrit(n - 1, 0.975)) * float(values.std(ddof=1)) / math.sqrt(n)
    low, high = max(0.0, mean - half), min(most, mean + half)
    return Measure(value=mean, low=low, high=high, n=n, of=of, method=method)


def difference(more: Floats, less: Floats) -> tuple[Measure, float | None]:
    """Difference of two means over patients: Welch's interval, and one-sided p of more > less."""
    from scipy.special import stdtr, stdtrit

    n, method = len(more) + len(less), "Welch over patients, two-sided 95 %"
    value = float(more.mean() - less.mean())
    if min(len(more), len(less)) < LEAST:
        reason = "fewer than three patients a side have no interval"
        return Measure(value=value, n=n, of="patients", method=method, reason=reason), None
    a, b = more.var(ddof=1) / len(more), less.var(ddof=1) / len(less)
    if a + b <= 0:
        reason = "all patients of a side are alike"
        return Measure(value=value, n=n, of="patients", method=method, reason=reason), None
    freedom = (a + b) ** 2 / (a**2 / (len(more) - 1) + b**2 / (len(less) - 1))
    error = math.sqrt(a + b)
    half = float(stdtrit(freedom, 0.975)) * error
    measure = Measure(
        value=value, low=value - half, high=value + half, n=n, of="patients", method=method
    )
    return measure, float(stdtr(freedom, -value / error))


def _of_patients(values: Floats, subjects: Sequence[str]) -> Floats:
    return roc.per_patient(values, np.asarray(subjects, dtype=str), np.mean)


def _quality(part: Rebuilt) -> tuple[Floats, Floats]:
    """PSNR of the pooled error and mean SSIM of each patient, as of translations."""
    names, member = members(part.subjects)
    signal, structure = [], []
    for number in range(len(names)):
        rows = member == number
        # Contrasts are pictures of their own to both measures.
        pair = [
            (stack[rows].reshape(-1, *stack.shape[2:]).astype(np.float64) + 1) / 2
            for stack in (part.images, part.drawn)
        ]
        signal.append(psnr(pair[0], pair[1]) or 0.0)
        structure.append(max(0.0, ssim(pair[0], pair[1]) or 0.0))
    return np.array(signal), np.array(structure)


def _sentence(
    train: Measure,
    heldout: Measure,
    gap: Measure,
    own: Measure,
    apart: float,
    attack: Attack,
    searched: bool,
) -> str:
    """The finding in plain words."""
    members = counted(attack.members, "training patient", "training patients")
    others = counted(attack.others, "held-out patient", "held-out patients")
    weak = (
        f"The search leaves {own.value or 0:.3f} of the generator's own images, which it can draw "
        f"exactly, where the mean image leaves {apart:.3f}: it finds too little to say that nobody "
        "is given away."
    )
    text = (
        f"The best reconstructions miss {members} by {train.value or 0:.3f} and {others} by "
        f"{heldout.value or 0:.3f} of the range of intensities (its own images by "
        f"{own.value or 0:.3f}); "
    )
    if gap.low is None or gap.high is None or gap.value is None:
        text += "there are too few patients to say whether that is a difference."
        return text if searched else weak
    text += f"the difference is {gap.value:+.3f} (95 % CI {gap.low:+.3f} to {gap.high:+.3f})"
    if gap.low > 0:
        return f"{text}: it draws those better whom it was trained with."
    if not searched:
        return weak
    if gap.high < 0:
        return f"{text}: it draws those better whom it was not trained with, so they are easier."
    return f"{text}: that is no more than chance."
