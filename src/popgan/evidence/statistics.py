"""Uncertainty with the patient as the unit: the delete-a-group jackknife.

Slices of one subject resemble each other, so they are not independent measurements: whole
subjects (or groups of subjects) are left out at a time. Nothing is drawn with replacement:
a bootstrap puts the same image into a sample twice, which makes nearest neighbours trivially
close and inflates Frechet distances so much that its intervals miss the truth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from popgan.errors import UserError
from popgan.seeds import numpy_rng

MAX_GROUPS = 20


class Estimate(BaseModel):
    """A measured number with its uncertainty and the sample that it rests on.

    `low` and `high` bound the 95 % interval; both are None where there is no valid one, and
    `method` then says why. `n_subjects` counts the subjects behind the real images.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    value: float
    low: float | None
    high: float | None
    n_real: int
    n_synthetic: int
    n_subjects: int
    method: str

    @model_validator(mode="after")
    def _both_or_none(self) -> Estimate:
        if (self.low is None) != (self.high is None):
            raise ValueError("an interval has two ends or none")
        return self


@dataclass(frozen=True)
class Replicates:
    """A statistic recomputed with each group of one sample left out.

    values: G statistics. sizes: G numbers, how many items (images) the left-out group has.
    """

    values: np.ndarray
    sizes: np.ndarray


def subject_groups(
    subjects: Sequence[str], *, max_groups: int = MAX_GROUPS, seed: int = 0
) -> np.ndarray:
    """Number of the jackknife group of each image: one group a subject, at most `max_groups`.

    More subjects than groups are dealt out in random order like cards, so that groups differ by
    at most one subject. Images of one subject are always in one group.

    Args:
        subjects: N names, one an image.
        max_groups: upper limit of the number of groups.
        seed: decides which subjects share a group.

    Returns:
        N integers 0 .. G-1.

    Raises:
        UserError: fewer than two different subjects.
    """
    names, member = members(subjects)
    if len(names) < 2:
        raise UserError(
            f"{len(names)} subject where two or more are needed for an interval",
            do="add subjects; slices of one subject are not independent",
        )
    order = numpy_rng(seed, "jackknife groups of subjects").permutation(len(names))
    group_of_subject = np.empty(len(names), np.int64)
    group_of_subject[order] = np.arange(len(names)) % min(max_groups, len(names))
    return group_of_subject[member]


def owners_of(subjects: Sequence[str]) -> np.ndarray:
    """Number of the subject of each image, N integers 0 .. S-1, as their images lie."""
    return members(subjects)[1]


def members(subjects: Sequence[str] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Who there is, and who each image is of.

    Not in the order of their names: pseudonyms come from a key that every run makes anew, so what
    is drawn among sorted ones would be other people whenever the same scans are ingested again.

    Args:
        subjects: N names, one an image.

    Returns:
        The S names, each once, in the order of their first images; and N integers 0 .. S-1.
    """
    names, first, sorted_place = np.unique(
        np.asarray(list(subjects), dtype=str), return_index=True, return_inverse=True
    )
    order = np.argsort(first)
    place = np.empty(len(order), np.intp)
    place[order] = np.arange(len(order))
    return names[order], place[sorted_place]


def image_groups(count: int, *, max_groups: int = MAX_GROUPS, seed: int = 0) -> np.ndarray:
    """Groups of independent images (synthetic ones: every image is its own draw)."""
    order = numpy_rng(seed, "jackknife groups of images").permutation(count)
    groups = np.empty(count, np.int64)
    groups[order] = np.arange(count) % min(max_groups, count)
    return groups


def jackknife_variance(value: float, replicates: Replicates) -> float:
    """Variance of a statistic by the delete-a-group jackknife for groups of unequal size.

    Busing, Meijer & van der Leeden 1999, "Delete-m jackknife for unequal m". With equal groups it
    is the textbook (G-1)/G * sum (t_g - mean t)^2, and for a mean of one-item groups exactly s^2/n.

    Args:
        value: the statistic of the whole sample.
        replicates: the statistic without each group.
    """
    without = np.asarray(replicates.values, float)
    sizes = np.asarray(replicates.sizes, float)
    ratio = sizes.sum() / sizes  # h_g = n / m_g
    pseudo = ratio * value - (ratio - 1) * without
    centre = len(without) * value - ((1 - 1 / ratio) * without).sum()
    return float(np.mean((pseudo - centre) ** 2 / (ratio - 1)))


def interval(
    value: float,
    *samples: Replicates,
    level: float = 0.95,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> tuple[float, float]:
    """Interval of a statistic of one or several independent samples.

    The variances of the samples (say real subjects and synthetic images) add up. The width uses
    Student's t with Welch-Satterthwaite degrees of freedom, because six test subjects give a
    variance that is itself uncertain.

    Args:
        value: the statistic of the whole samples.
        samples: for each sample the statistic without each of its groups (two or more).
        level: coverage probability.
        bounds: the range that the statistic cannot leave.
    """
    from scipy.special import stdtrit

    variances = [jackknife_variance(value, sample) for sample in samples]
    total, freedom = welch(variances, [len(sample.values) - 1 for sample in samples])
    if total <= 0:
        return value, value
    half = float(stdtrit(freedom, 0.5 + level / 2)) * math.sqrt(total)
    return max(value - half, bounds[0]), min(value + half, bounds[1])


def welch(variances: Sequence[float], freedoms: Sequence[int]) -> tuple[float, float]:
    """Sum of independent variance estimates, and its degrees of freedom by Satterthwaite 1946.

    Args:
        variances: >= 0. freedoms: of each, >= 1.

    Returns:
        The sum and its degrees of freedom; infinitely many where the sum is 0.
    """
    total = float(sum(variances))
    if total <= 0:
        return 0.0, math.inf
    each = sum(part**2 / freedom for part, freedom in zip(variances, freedoms, strict=True))
    return total, total**2 / each
