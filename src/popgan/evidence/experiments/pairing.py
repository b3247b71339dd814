"""Trainings that share a seed as pairs: Student's interval and test of their mean difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.experiments.groups import LEVEL, Gap

Floats = NDArray[np.float64]
_ROUNDING = 1e-12
"""Share of the size of values below which a spread is one of rounding."""


@dataclass(frozen=True)
class Difference(Gap):
    """A mean difference with the pairs as replicates.

    Attributes:
        pairs: the differences.
        p: two-sided; None with one pair, or where all pairs differ alike and not by 0.
        alike: whether all pairs differ alike, so that there is no spread to test against.
    """

    pairs: Floats
    p: float | None
    alike: bool

    @property
    def n(self) -> int:
        """Pairs."""
        return len(self.pairs)


def common(first: Sequence[float | None], second: Sequence[float | None]) -> tuple[Floats, Floats]:
    """Values of the seeds that both sides have.

    Args:
        first, second: of the same seeds in the same order; None where there is no value.
    """
    both = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    values = np.array(both, np.float64).reshape(-1, 2)
    return values[:, 0], values[:, 1]


def difference(first: Floats, second: Floats) -> Difference | None:
    """First minus second, pair by pair; None without a pair.

    Args:
        first, second: one value a seed, in the same order.
    """
    from scipy.special import stdtr, stdtrit

    pairs = first - second
    n = len(pairs)
    if not n:
        return None
    mean = float(pairs.mean())
    if n == 1:
        return Difference(mean, None, None, pairs, None, alike=False)
    error = float(pairs.std(ddof=1)) / math.sqrt(n)
    if error <= _ROUNDING * float(max(np.abs(first).max(), np.abs(second).max())):
        same = bool(np.all(first == second))
        return Difference(mean, mean, mean, pairs, 1.0 if same else None, alike=True)
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * error
    p = min(1.0, 2 * float(stdtr(n - 1, -abs(mean) / error)))
    return Difference(mean, mean - half, mean + half, pairs, p, alike=False)
