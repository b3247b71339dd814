"""Intraclass correlations of readers: ICC(2,1) and ICC(3,k) with intervals of the F distribution.

Shrout & Fleiss 1979, Psychological Bulletin 86: 420-428; intervals as in McGraw & Wong 1996 (their
ICC(A,1) and ICC(C,k)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.readers.results import Measure

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Squares:
    """Mean squares of a complete table of images x readers.

    Attributes:
        images, readers, error: mean squares.
        n, k: number of images and readers.
        effective: number of images that are worth as much, where several are of one patient.
    """

    images: float
    readers: float
    error: float
    n: int
    k: int
    effective: float

    @property
    def single(self) -> float:
        """ICC(2,1): agreement of one reader with another, both drawn from many."""
        extra = self.k * (self.readers - self.error) / self.n
        return (self.images - self.error) / (self.images + (self.k - 1) * self.error + extra)

    @property
    def mean(self) -> float:
        """ICC(3,k): consistency of the mean of these k readers."""
        return (self.images - self.error) / self.images

    def single_interval(self, level: float = 0.95) -> tuple[float, float]:
        """Interval of ICC(2,1), with Satterthwaite's degrees of freedom."""
        n, k, rho = self.n, self.k, self.single
        ratio = self.readers / self.error
        rest = n * (1 + (k - 1) * rho) - k * rho
        freedom = self._first
        top = (k - 1) * freedom * (k * rho * ratio + rest) ** 2
        v = top / (freedom * k**2 * rho**2 * ratio**2 + rest**2)
        upper, lower = _f(level, freedom, v), _f(level, v, freedom)
        base = k * self.readers + (k * n - k - n) * self.error
        low = n * (self.images - upper * self.error) / (upper * base + n * self.images)
        high = n * (lower * self.images - self.error) / (base + n * lower * self.images)
        return low, high

    def mean_interval(self, level: float = 0.95) -> tuple[float, float]:
        """Interval of ICC(3,k)."""
        ratio = self.images / self.error
        first, second = self._first, self._first * (self.k - 1)
        return 1 - _f(level, first, second) / ratio, 1 - 1 / (ratio * _f(level, second, first))

    @property
    def _first(self) -> float:
        return max(1.0, self.effective - 1)


def mean_squares(values: Floats, effective: float | None = None) -> Squares:
    """Two-way analysis of variance without replication.

    Args:
        values: N images x K readers, complete.
        effective: number of independent images; None: all are.
    """
    values = np.asarray(values, float)
    n, k = values.shape
    grand = values.mean()
    rows, columns = values.mean(axis=1) - grand, values.mean(axis=0) - grand
    residual = values - grand - rows[:, None] - columns[None, :]
    return Squares(
        images=k * float((rows**2).sum()) / (n - 1),
        readers=n * float((columns**2).sum()) / (k - 1),
        error=float((residual**2).sum()) / ((n - 1) * (k - 1)),
        n=n,
        k=k,
        effective=n if effective is None else effective,
    )


def effective_images(values: Floats, clusters: NDArray[np.int64]) -> float:
    """How many independent images a table is worth, by the design effect of its clusters.

    The correlation within clusters is that of one-way analysis of variance of the images' means,
    over the clusters with several images; not below 0.

    Args:
        values: N x K.
        clusters: N numbers.
    """
    means = np.asarray(values, float).mean(axis=1)
    _, member, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    several = sizes[member] > 1
    if not several.any():
        return float(len(means))
    # Clusters of one image tell nothing about likeness within, and may be of another source.
    inside, group = means[several], member[several]
    _, group, counts = np.unique(group, return_inverse=True, return_counts=True)
    g, n = len(counts), len(inside)
    if g < 2:
        rho = 1.0
    else:
        centre = np.bincount(group, inside) / counts
        between = float((counts * (centre - inside.mean()) ** 2).sum()) / (g - 1)
        within = float(((inside - centre[group]) ** 2).sum()) / (n - g)
        size = (n - float((counts**2).sum()) / n) / (g - 1)
        whole = between + (size - 1) * within
        rho = min(1.0, max(0.0, (between - within) / whole)) if whole > 0 else 1.0
    weighted = float((sizes**2).sum()) / len(means)
    return len(means) / (1 + (weighted - 1) * rho)


def correlations(values: Floats, clusters: NDArray[np.int64]) -> tuple[Measure, Measure]:
    """ICC(2,1) and ICC(3,k) of a complete table.

    Args:
        values: N images x K readers.
        clusters: N numbers; images of one cluster are of one patient.
    """
    n = len(values)
    method = "F distribution (McGraw & Wong 1996), complete cases"
    reason = None
    if values.ndim < 2 or values.shape[1] < 2:
        reason = "fewer than two readers to compare"
    elif n < 2:
        reason = "fewer than two cases that all compared readers scored"
    if reason:
        nothing = Measure(value=None, n=n, of="images", method=method, reason=reason)
        return nothing, nothing
    effective = effective_images(values, clusters)
    if effective < n:
        method += f"; {n} images of shared patients count as {effective:.0f}"
    squares = mean_squares(values, effective)
    if squares.images <= 1e-12:
        why = "all images have the same score, so there is nothing to agree about"
        nothing = Measure(value=None, n=n, of="images", method=method, reason=why)
        return nothing, nothing
    if squares.error <= 1e-12:
        why = "readers differ by a constant at most, so there is no error to scale an interval by"
        return (
            Measure(value=squares.single, n=n, of="images", method=method, reason=why),
            Measure(value=squares.mean, n=n, of="images", method=method, reason=why),
        )
    pairs = ((squares.single, squares.single_interval()), (squares.mean, squares.mean_interval()))
    single, mean = (
        Measure(value=value, low=ends[0], high=ends[1], n=n, of="images", method=method)
        for value, ends in pairs
    )
    return single, mean


def _f(level: float, first: float, second: float) -> float:
    """Upper quantile of the F distribution."""
    from scipy.stats import f

    return float(f.ppf(0.5 + level / 2, first, second))
