"""Shares of one reader's answers: Wilson's interval, widened where images share a patient."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.readers.bootstrap import quantile
from popgan.evidence.readers.results import Measure

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Share:
    """A share of clustered answers.

    Attributes:
        hits, n: counts.
        effect: design effect, 1 where every image is of another patient.
        freedom: Student's degrees of freedom; infinite where answers are independent.
        clusters: how many patients, or independent images.
    """

    hits: int
    n: int
    effect: float
    freedom: float
    clusters: int

    @property
    def value(self) -> float | None:
        """The share itself."""
        return self.hits / self.n if self.n else None

    @property
    def corrected(self) -> float:
        """The share with the log-linear correction, never 0 or 1."""
        return (self.hits + 0.5) / (self.n + 1)

    @property
    def variance(self) -> float:
        """Variance of the corrected share."""
        return self.corrected * (1 - self.corrected) * self.effect / (self.n + 1)

    @property
    def reason(self) -> str | None:
        """Why there is no interval, or None."""
        if not self.n:
            return "there are no such answers"
        if self.clusters < 2 and self.n > 1:
            return "all of these images are of one patient"
        return None

    @property
    def words(self) -> str:
        """The method in words."""
        if self.effect == 1 and not math.isfinite(self.freedom):
            return "Wilson's interval"
        return (
            f"Wilson's interval for n reduced by the design effect of {self.effect:.2f} "
            f"({self.clusters} patients or independent images, Student's t)"
        )

    def interval(self) -> tuple[float, float] | None:
        """Wilson 1927, with the effective n (Korn & Graubard 1998 for its use with clusters)."""
        if self.reason or self.value is None:
            return None
        return wilson(self.value, self.n / self.effect, quantile(0.975, self.freedom))

    def measure(self, of: str) -> Measure:
        """The share with its interval."""
        ends = self.interval()
        low, high = ends if ends else (None, None)
        return Measure(
            value=self.value,
            low=low,
            high=high,
            n=self.n,
            of=of,
            method=self.words,
            reason=self.reason,
        )


def share(hits: Floats, counts: Floats) -> Share:
    """A share of answers in clusters.

    The design effect is the variance between clusters over that of independent answers, and never
    below 1: with few patients an estimate below it is luck.

    Args:
        hits: G, answers of each cluster that count.
        counts: G, answers of each cluster.
    """
    there = counts > 0
    hits, counts = hits[there], counts[there]
    n, total, clusters = round(float(counts.sum())), round(float(hits.sum())), len(counts)
    if clusters == n or clusters < 2:
        return Share(total, n, 1.0, math.inf, clusters)
    p = total / n
    independent = p * (1 - p) / n
    if independent > 0:
        residual = hits - p * counts
        between = clusters / (clusters - 1) * float((residual**2).sum()) / n**2
        effect = max(1.0, between / independent)
    else:
        # All answers alike say nothing about how alike patients are; at worst one counts as one.
        effect = float((counts**2).sum()) / n
    return Share(total, n, effect, float(clusters - 1), clusters)


def wilson(p: float, n: float, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval of a share p of n answers."""
    scale = 1 + z**2 / n
    centre = (p + z**2 / (2 * n)) / scale
    half = z / scale * math.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2)
    # At the ends rounding must not leave the share outside of its own interval.
    return max(0.0, min(centre - half, p)), min(1.0, max(centre + half, p))


def mean_of_two(one: Share, other: Share) -> tuple[float, float] | None:
    """Interval of the mean of two independent shares, from the intervals of each.

    MOVER: Zou & Donner 2008; Newcombe 1998. It stays within 0 and 1.
    """
    first, second = one.interval(), other.interval()
    if first is None or second is None or one.value is None or other.value is None:
        return None
    value = (one.value + other.value) / 2
    down = math.hypot(one.value - first[0], other.value - second[0]) / 2
    up = math.hypot(first[1] - one.value, second[1] - other.value) / 2
    return max(0.0, value - down), min(1.0, value + up)
