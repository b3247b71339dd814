"""Clipped density and coverage: shares of good images that one far outlier cannot move.

Salvy, Talbot & Thirion 2025 ("Enhanced generative model evaluation with clipped density and
coverage", arXiv 2507.01761), after density and coverage of Naeem et al. 2020. Three things are
clipped: the radius of a real image's ball at the median radius (an outlier's ball would otherwise
hold everything), what one synthetic image adds to density, and what one real image adds to
coverage. Both are then calibrated, so that 0.7 reads "as good as 70 % good images, 30 % junk".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.fidelity.prdc import squared_distances
from popgan.evidence.statistics import Replicates

NAMES = ("clipped_density", "clipped_coverage")
_BLOCK = 1024
Values = NDArray[np.float64]
Groups = NDArray[np.int64]


@dataclass(frozen=True)
class Clipped:
    """Both values in [0, 1], and each without every group of the real and the synthetic images."""

    value: dict[str, float]
    without_real: dict[str, Replicates]
    without_synthetic: dict[str, Replicates]


@dataclass(frozen=True)
class _Counts:
    """What was counted, for each variant of the real set (all of it, or without one group).

    kept: V x N, real images of the variant. real_balls: V x N, other real images whose clipped ball
    holds this one. fake_balls: V x M, the same of synthetic images. fakes: V x N, synthetic images
    in the unclipped ball. fakes_of_group: G x N, those of each synthetic group, all real there.
    """

    kept: NDArray[np.bool_]
    real_balls: Values
    fake_balls: Values
    fakes: Values
    fakes_of_group: Values


def clipped(
    real: NDArray[np.floating],
    synthetic: NDArray[np.floating],
    *,
    k: int = 5,
    real_groups: Groups | None = None,
    synthetic_groups: Groups | None = None,
) -> Clipped:
    """Clipped density (fidelity) and clipped coverage with delete-a-group replicates.

    Density: in how many of the real images' balls a synthetic image lies, divided by k, at most 1;
    the mean, divided by the same mean of the real images among themselves; at most 1. Balls reach
    to the k-th nearest other real image, but not further than the median of these distances.

    Coverage: how many synthetic images lie in the whole ball of a real one, divided by k, at most
    1; the mean, read as the number m of images of the real distribution, out of as many images as
    there are synthetic ones, that would be expected to cover as much (`expected_coverage`); m / M.

    Both are noisy below about 100 images a side and then come out too low, because what exceeds 1
    is cut: a real-against-real value of the same sizes stands beside them. In many dimensions most
    balls hold the centre of the distribution: copies of an average image pass as full coverage,
    here as in the measures of 2020, so read it together with recall and diversity.

    Args:
        real: N x D features. synthetic: M x D. k: neighbours, 1 <= k < N - 1 minus a group.
        real_groups, synthetic_groups: group numbers 0 .. G-1 of the rows; None: no replicates.
    """
    x, y = np.asarray(real, np.float64), np.asarray(synthetic, np.float64)
    gx, gy = _groups(real_groups, len(x)), _groups(synthetic_groups, len(y))
    counts = _count(x, y, gx, gy, k)
    density = [_density(counts, v, np.ones(len(y), bool), k) for v in range(len(counts.kept))]
    coverage = [_coverage(counts.fakes[v][kept], len(y), k) for v, kept in enumerate(counts.kept)]
    groups = range(int(gy.max()) + 1 if synthetic_groups is not None else 0)
    fewer = [counts.fakes[0] - counts.fakes_of_group[g] for g in groups]
    without_density = [_density(counts, 0, gy != g, k) for g in groups]
    without_coverage = [_coverage(fewer[g], int((gy != g).sum()), k) for g in groups]

    def both(first: list[float], second: list[float], of: Groups) -> dict[str, Replicates]:
        sizes = np.bincount(of) if first else np.zeros(0, np.int64)
        pairs = zip(NAMES, (first, second), strict=True)
        return {name: Replicates(np.array(values, float), sizes) for name, values in pairs}

    return Clipped(
        dict(zip(NAMES, (density[0], coverage[0]), strict=True)),
        both(density[1:], coverage[1:], gx),
        both(without_density, without_coverage, gy),
    )


def expected_coverage(real: int, count: int, k: int) -> Values:
    """Unread coverage to be expected of m = 0 .. `count` images of the real distribution.

    The ball to the k-th nearest of N - 1 others holds a share V of the distribution, and V is
    Beta(k, N - k) whatever the distribution is. So the number J of m images in it is beta-binomial,
    and the expected coverage E min(J, k) / k needs only P(J = 0) .. P(J = k - 1).

    Args:
        real: N > k. count: M. k: neighbours.

    Returns:
        M + 1 values, rising from 0.
    """
    from scipy.special import betaln, gammaln

    m, j = np.arange(count + 1)[:, None], np.arange(k)[None]
    possible = j <= m
    rest = np.where(possible, m - j, 0)
    choose = gammaln(m + 1) - gammaln(j + 1) - gammaln(rest + 1)
    log_share = choose + betaln(k + j, real - k + rest) - betaln(k, real - k)
    share = np.where(possible, np.exp(log_share), 0)
    return np.asarray(1 - (share * (k - j)).sum(1) / k, np.float64)


def _count(x: Values, y: Values, gx: Groups, gy: Groups, k: int) -> _Counts:
    """All distances, block by block of 1024 rows."""
    kept = _variants(gx)
    radii = _radii(x, kept, k)
    # -1, which nothing is inside of, stays the radius of an image that is left out.
    clip = np.array(
        [np.minimum(r, np.median(r[some])) for r, some in zip(radii, kept, strict=True)]
    )
    real_balls, fakes = np.zeros(radii.shape), np.zeros(radii.shape)
    fake_balls = np.zeros((len(radii), len(y)))
    of_group = np.zeros((int(gy.max()) + 1, len(x)))
    for start in range(0, len(x), _BLOCK):
        distance = squared_distances(x[start : start + _BLOCK], x)
        here = np.arange(start, start + len(distance))
        distance[here - start, here] = np.inf  # not in its own ball
        for v, radius in enumerate(clip):
            real_balls[v, here] = np.count_nonzero(distance <= radius, axis=1)
    for start in range(0, len(y), _BLOCK):
        rows = slice(start, start + _BLOCK)
        distance = squared_distances(y[rows], x)
        for v, radius in enumerate(radii):
            fake_balls[v, rows] = np.count_nonzero(distance <= clip[v], axis=1)
            fakes[v] += np.count_nonzero(distance <= radius, axis=0)
        for group in np.unique(gy[rows]):
            inside = distance[gy[rows] == group] <= radii[0]
            of_group[group] += np.count_nonzero(inside, axis=0)
    return _Counts(kept, real_balls, fake_balls, fakes, of_group)


def _density(counts: _Counts, variant: int, fakes: NDArray[np.bool_], k: int) -> float:
    ideal = np.minimum(counts.real_balls[variant][counts.kept[variant]] / k, 1).mean()
    found = np.minimum(counts.fake_balls[variant][fakes] / k, 1).mean()
    # Half of the balls are not clipped and hold k others each, so the ideal is never zero.
    return float(min(found / ideal, 1))


def _coverage(fakes: Values, count: int, k: int) -> float:
    """Calibrated coverage from the number of synthetic images in the ball of each real one."""
    expected = expected_coverage(len(fakes), count, k)
    return float(np.interp(np.minimum(fakes / k, 1).mean(), expected, np.linspace(0, 1, count + 1)))


def _radii(x: Values, kept: NDArray[np.bool_], k: int) -> Values:
    """Squared distance to the k-th other point of each variant; -1 of a point left out."""
    radii = np.full(kept.shape, -1.0)
    for start in range(0, len(x), _BLOCK):
        distance = squared_distances(x[start : start + _BLOCK], x)
        here = np.arange(start, start + len(distance))
        distance[here - start, here] = np.inf
        for radius, some in zip(radii, kept, strict=True):
            mine = some[here]
            part = np.partition(distance[np.ix_(mine, some)], k - 1, axis=1)
            radius[here[mine]] = part[:, k - 1]
    return radii


def _variants(groups: Groups) -> NDArray[np.bool_]:
    """V x N: everything, and, where there are two groups or more, everything without each."""
    count = int(groups.max()) + 1
    without = [groups != g for g in range(count)] if count > 1 else []
    return np.array([np.ones(len(groups), bool), *without])


def _groups(groups: Groups | None, count: int) -> Groups:
    return np.zeros(count, np.int64) if groups is None else np.asarray(groups, np.int64)
