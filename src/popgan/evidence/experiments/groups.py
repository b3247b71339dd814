"""Trainings of two settings as two groups: Student's interval of the difference of their means.

Other values of a plan make another training of the same seed, so pairs of a seed have little in
common, and a pair costs freedom: with three seeds a side Student's factor is 4.3 for pairs and 2.8
for groups. A search is asked to find a difference of a few standard deviations with three seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from popgan.evidence.experiments.spread import pooled_sd

LEVEL = 0.95


@dataclass(frozen=True)
class Gap:
    """First minus second.

    Attributes:
        mean: difference of the means.
        low, high: 95 % interval; None with a training a side. Where nothing varies it is a point.
    """

    mean: float
    low: float | None
    high: float | None

    @property
    def excludes_zero(self) -> bool:
        """Whether there is an interval, and 0 lies outside it."""
        return self.low is not None and self.high is not None and self.low * self.high > 0


def gap(first: Sequence[float], second: Sequence[float]) -> Gap | None:
    """The difference of two groups that vary alike; None where one is empty.

    Args:
        first, second: KID of the trainings of a setting each.
    """
    from scipy.special import stdtrit

    if not first or not second:
        return None
    mean = math.fsum(first) / len(first) - math.fsum(second) / len(second)
    sd, freedom = pooled_sd([first, second]), len(first) + len(second) - 2
    if sd is None:
        return Gap(mean, None, None)
    error = sd * math.sqrt(1 / len(first) + 1 / len(second))
    half = float(stdtrit(freedom, (1 + LEVEL) / 2)) * error
    return Gap(mean, mean - half, mean + half)
