"""Frechet distance extrapolated to infinitely many images, because at any real number it is biased.

Both Gaussians are fitted to finite samples, which adds about b / n to the distance, and b depends
on the model: equal sizes do not make two models comparable. Chong & Forsyth 2020 ("Effectively
unbiased FID"): the distance at several sizes, a straight line in 1/n, its intercept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from popgan.errors import UserError
from popgan.evidence.fidelity.frechet import frechet_distance
from popgan.seeds import numpy_rng

SIZES = 12
SMALLEST = 0.25
FEWEST = 20
LEAST = math.ceil(FEWEST / SMALLEST)
"""Images that each sample needs."""
FULL_RANK = 4
"""Images a feature from which on the smallest subset has as many images as features. Simulated
(`benchmarks/bias.py`), the line is straight from there on, and the jackknife's interval covers."""


class FrechetInfinity(BaseModel):
    """The line through distances at several sizes, and its intercept."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    value: float = Field(description="intercept: distance at infinite n; may be slightly negative")
    standard_error: float = Field(
        description="of the intercept, from the scatter about the line alone. Not the uncertainty "
        "due to the subjects: the subsets share their images. Compare models by the jackknife."
    )
    slope: float = Field(description="the bias at n images is about slope / n")
    sizes: list[float] = Field(description="harmonic mean of the two sample sizes")
    distances: list[float]
    plain: float = Field(description="the distance of the whole samples, not extrapolated")
    curvature: float = Field(
        description="change of the intercept if the smaller half of the sizes is left out: large "
        "beside the value means that n is too small for a straight line"
    )
    seed: int


def frechet_infinity(
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    *,
    x_groups: NDArray[np.int64] | None = None,
    y_groups: NDArray[np.int64] | None = None,
    sizes: int = SIZES,
    seed: int = 0,
) -> FrechetInfinity:
    """Frechet distance at infinite n, by least squares in 1/n.

    Both samples shrink in the same proportion, drawn without replacement (twice the same image
    would itself look like a difference), from a quarter to the whole, evenly in 1/n. The bias of
    both sides is then proportional to 1/n and the line takes away both; shrinking the synthetic
    sample alone, as for a reference of 50 000 images, would leave that of a small reference.

    With groups (subjects) whole groups are drawn, the last one in part. That takes away the bias
    of too few subjects as far as it falls with their number, at the cost of more scatter.

    The bias is linear in 1/n only where n is large against the number of directions with much
    variance. For fewer images than features the intercept is still too high: read `curvature`.

    Args:
        x: N x D. y: M x D; N, M >= 80 so that a quarter is 20 or more.
        x_groups, y_groups: group numbers of the rows.
        sizes: number of sizes, 4 or more; 8 to 15 are usual.
        seed: of the subsets.

    Raises:
        UserError: too few rows or sizes.
    """
    if min(len(x), len(y)) < LEAST:
        raise UserError(
            f"{min(len(x), len(y))} images where {LEAST} or more are needed to extrapolate"
        )
    if sizes < 4:
        raise UserError(f"{sizes} sizes to draw a line through", do="use 4 or more")
    inverse, distances = [], []
    for first, second in subsets(len(x), len(y), x_groups, y_groups, sizes, seed):
        inverse.append((1 / len(first) + 1 / len(second)) / 2)
        distances.append(frechet_distance(x[first], y[second]))
    at, found = np.array(inverse), np.array(distances)
    value, slope, error = line(at, found)
    half = max(3, sizes // 2)
    return FrechetInfinity(
        value=value,
        standard_error=error,
        slope=slope,
        sizes=[float(n) for n in 1 / at],
        distances=distances,
        plain=distances[0],
        curvature=line(at[:half], found[:half])[0] - value,
        seed=seed,
    )


def subsets(
    first: int,
    second: int,
    first_groups: NDArray[np.int64] | None,
    second_groups: NDArray[np.int64] | None,
    sizes: int,
    seed: int,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows of both samples at each size, from the whole down to a quarter."""
    for index, share in enumerate(1 / np.linspace(1, 1 / SMALLEST, sizes)):
        yield (
            _subset(first, share, first_groups, seed, "first", index),
            _subset(second, share, second_groups, seed, "second", index),
        )


def _subset(
    count: int,
    share: float,
    groups: NDArray[np.int64] | None,
    seed: int,
    side: str,
    index: int,
) -> NDArray[np.int64]:
    """Rows of one subset: at random, or whole groups in random order."""
    rng = numpy_rng(seed, f"subsets of the {side} sample for extrapolation", index)
    order = rng.permutation(count)
    if groups is not None:
        _, member = np.unique(groups, return_inverse=True)
        rank = rng.permutation(int(member.max()) + 1)
        order = order[np.argsort(rank[member[order]], kind="stable")]
    return np.sort(order[: round(count * share)])


def line(at: NDArray[np.float64], found: NDArray[np.float64]) -> tuple[float, float, float]:
    """Intercept, slope and standard error of the intercept by ordinary least squares."""
    away = at - at.mean()
    spread = float(away @ away)
    slope = float(away @ found) / spread
    value = float(found.mean() - slope * at.mean())
    rest = found - value - slope * at
    variance = float(rest @ rest) / (len(at) - 2)
    return value, slope, math.sqrt(variance * (1 / len(at) + at.mean() ** 2 / spread))
