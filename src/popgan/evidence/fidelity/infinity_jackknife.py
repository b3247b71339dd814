"""The extrapolated Frechet distance without each group of a sample: what its interval rests on.

Simulated (`benchmarks/bias.py`), intervals from these replicates cover the truth at least as often
as they say with four images a feature or more; with fewer the line itself is biased, and where the
variance is spread over many features they miss.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.fidelity.infinity import SIZES, line, subsets
from popgan.evidence.statistics import Replicates

Values = NDArray[np.float64]
Groups = NDArray[np.int64]


def infinity_replicates(
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    *,
    x_groups: Groups,
    y_groups: Groups,
    x_whole: bool = False,
    sizes: int = SIZES,
    seed: int = 0,
) -> tuple[Replicates, Replicates]:
    """The distance at infinite n without each group of x, and without each group of y.

    Groups leave the very subsets that `frechet_infinity` draws, so that nothing differs but the
    group; where none of it is in a subset, the distance of that subset stays. Covariances without
    a group come by subtraction. Memory: two products D x D and the subsets.

    Args:
        x: N x D. y: M x D.
        x_groups, y_groups: group numbers 0 .. G-1 of the rows; so many that no subset is of one
            group alone.
        x_whole: whether `frechet_infinity` was given `x_groups`, and so drew whole groups of x.
        sizes, seed: as there.
    """
    drawn = list(subsets(len(x), len(y), x_groups if x_whole else None, None, sizes, seed))
    counts = int(x_groups.max()) + 1, int(y_groups.max()) + 1
    at, found = [[np.empty((count, sizes)) for count in counts] for _ in range(2)]
    for index, (first, second) in enumerate(drawn):
        samples = (
            _Sample.of(x[first], x_groups[first], counts[0]),
            _Sample.of(y[second], y_groups[second], counts[1]),
        )
        for side in (0, 1):
            here, there = samples[side], samples[1 - side]
            at[side][:, index] = (1 / (here.count - here.sizes) + 1 / there.count) / 2
            found[side][:, index] = _distances(here, there)
    groups = (x_groups, y_groups)
    left = [
        np.array([line(a, f)[0] for a, f in zip(at[side], found[side], strict=True)])
        for side in (0, 1)
    ]
    return (
        Replicates(left[0], np.bincount(groups[0])),
        Replicates(left[1], np.bincount(groups[1])),
    )


@dataclass(frozen=True)
class _Sample:
    """A sample about its mean, by group. sizes: G. rows: G arrays n x D. product: D x D."""

    mean: Values
    sizes: Groups
    rows: list[Values]
    product: Values

    @classmethod
    def of(cls, values: NDArray[np.floating], groups: Groups, count: int) -> _Sample:
        sample = np.asarray(values, np.float64)
        mean = sample.mean(0)
        centred = sample - mean
        rows = [centred[groups == g] for g in range(count)]
        return cls(mean, np.bincount(groups, minlength=count), rows, centred.T @ centred)

    @property
    def count(self) -> int:
        return int(self.sizes.sum())

    def gaussian(self, without: int | None = None) -> tuple[Values, Values]:
        """Mean and unbiased covariance, of all or without a group."""
        if without is None or not self.sizes[without]:
            return self.mean, self.product / (self.count - 1)
        gone = self.rows[without]
        rest = self.count - len(gone)
        shift = -gone.sum(0) / rest  # all rows sum to zero
        product = self.product - gone.T @ gone - rest * np.outer(shift, shift)
        return self.mean + shift, product / (rest - 1)


def _distances(here: _Sample, there: _Sample) -> Values:
    """Distance of `here` without each of its groups to the whole of `there`."""
    mean, covariance = there.gaussian()
    size, axes = np.linalg.eigh(covariance)
    root = np.sqrt(np.maximum(size, 0))[:, None] * axes.T  # root^T root = covariance

    def distance(without: int | None) -> float:
        middle, spread = here.gaussian(without)
        inner = np.maximum(np.linalg.eigvalsh(root @ spread @ root.T), 0)
        shift = middle - mean
        traces = np.trace(spread) + np.trace(covariance)
        return float(shift @ shift + traces - 2 * np.sqrt(inner).sum())

    whole = distance(None) if (here.sizes == 0).any() else 0.0
    return np.array([distance(g) if size else whole for g, size in enumerate(here.sizes)])
