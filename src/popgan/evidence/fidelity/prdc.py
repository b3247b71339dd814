"""Precision, recall, density, coverage: how much of each set lies inside the other's neighbourhood.

The neighbourhood of a set is the union of balls around its points, each reaching to the k-th
nearest other point of the set. Precision and recall: Kynkaanniemi et al. 2019; density and
coverage: Naeem et al. 2020. Diagnostics, not evidence: all four depend on the sample sizes and on
outliers, so they stand beside a real-against-real value of the same sizes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from popgan.evidence.statistics import Replicates

NAMES = ("precision", "recall", "density", "coverage")
_BLOCK = 1024


@dataclass(frozen=True)
class Prdc:
    """The four values, and each without every group of the real and of the synthetic images."""

    value: dict[str, float]
    without_real: dict[str, Replicates]
    without_synthetic: dict[str, Replicates]


def squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances N x M of float64 rows; exact zero for equal rows."""
    xx, yy = np.einsum("ij,ij->i", x, x)[:, None], np.einsum("ij,ij->i", y, y)[None]
    scale = xx + yy
    result = scale - 2 * (x @ y.T)
    # The expansion leaves rounding where a distance is zero; a ball of radius zero needs the zero.
    result[result < 1e-12 * scale] = 0
    return result


def prdc(
    real: np.ndarray,
    synthetic: np.ndarray,
    *,
    k: int = 5,
    real_groups: np.ndarray | None = None,
    synthetic_groups: np.ndarray | None = None,
) -> Prdc:
    """Precision, recall, density and coverage with delete-a-group replicates.

    Without groups the replicates are empty. Memory: one block of 1024 rows of distances.

    Args:
        real: N x D features. synthetic: M x D. k: neighbours, 1 <= k < N, M minus a group.
        real_groups, synthetic_groups: group numbers 0 .. G-1 of the rows.
    """
    x, y = np.asarray(real, np.float64), np.asarray(synthetic, np.float64)
    gx, gy = _groups(real_groups, len(x)), _groups(synthetic_groups, len(y))
    rx, ry = _radii(x, gx, k), _radii(y, gy, k)
    inside_x = np.empty((len(rx), len(y)))  # [variant of the real set, synthetic image]
    balls_x = np.empty((len(rx), len(y)))
    inside_y = np.empty((len(ry), len(x)), bool)
    nearest = np.full((_count(gy), len(x)), np.inf)  # [synthetic group, real image]
    for start in range(0, len(y), _BLOCK):
        rows = slice(start, start + _BLOCK)
        distance = squared_distances(y[rows], x)
        for variant, radius in enumerate(rx):
            hits = np.count_nonzero(distance <= radius, axis=1)
            balls_x[variant, rows], inside_x[variant, rows] = hits / k, hits > 0
        for group in np.unique(gy[rows]):
            closest = distance[gy[rows] == group].min(0)
            np.minimum(nearest[group], closest, out=nearest[group])
    for start in range(0, len(x), _BLOCK):
        rows = slice(start, start + _BLOCK)
        distance = squared_distances(x[rows], y)
        for variant, radius in enumerate(ry):
            inside_y[variant, rows] = (distance <= radius).any(1)
    return _collect(inside_x, balls_x, inside_y, _covered(nearest, rx), gx, gy)


def _covered(nearest: np.ndarray, radii: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which real images have a synthetic one in their ball: by variant of real, of synthetic."""
    by_real = nearest.min(0) <= radii
    without = [np.delete(nearest, g, 0).min(0) for g in range(len(nearest)) if len(nearest) > 1]
    by_synthetic = np.array([row <= radii[0] for row in without], bool)
    return by_real, by_synthetic.reshape(len(without), nearest.shape[1])


def _collect(
    inside_x: np.ndarray,
    balls_x: np.ndarray,
    inside_y: np.ndarray,
    covered: tuple[np.ndarray, np.ndarray],
    gx: np.ndarray,
    gy: np.ndarray,
) -> Prdc:
    """Means over the images that stay in when a group is left out."""
    by_real, by_synthetic = covered
    value = {
        "precision": float(inside_x[0].mean()),
        "recall": float(inside_y[0].mean()),
        "density": float(balls_x[0].mean()),
        "coverage": float(by_real[0].mean()),
    }
    real_out = range(_count(gx) if len(inside_x) > 1 else 0)
    synthetic_out = range(_count(gy) if len(inside_y) > 1 else 0)
    without_real = {
        "precision": [inside_x[g + 1].mean() for g in real_out],
        "recall": [inside_y[0][gx != g].mean() for g in real_out],
        "density": [balls_x[g + 1].mean() for g in real_out],
        "coverage": [by_real[g + 1][gx != g].mean() for g in real_out],
    }
    without_synthetic = {
        "precision": [inside_x[0][gy != g].mean() for g in synthetic_out],
        "recall": [inside_y[g + 1].mean() for g in synthetic_out],
        "density": [balls_x[0][gy != g].mean() for g in synthetic_out],
        "coverage": [by_synthetic[g].mean() for g in synthetic_out],
    }
    return Prdc(value, _replicates(without_real, gx), _replicates(without_synthetic, gy))


def _replicates(values: dict[str, list[float]], groups: np.ndarray) -> dict[str, Replicates]:
    return {name: Replicates(np.array(v), np.bincount(groups)) for name, v in values.items()}


def _radii(points: np.ndarray, groups: np.ndarray, k: int) -> np.ndarray:
    """Squared distance to the k-th other point: row 0 of all, row g + 1 without group g.

    A left-out point gets radius -1, which nothing is inside of.
    """
    count = _count(groups)
    variants = [groups != g for g in range(count)] if count > 1 else []
    radii = np.full((1 + len(variants), len(points)), -1.0)
    for start in range(0, len(points), _BLOCK):
        rows = slice(start, start + _BLOCK)
        distance = squared_distances(points[rows], points)
        here = np.arange(start, start + len(distance))
        distance[here - start, here] = np.inf  # a point is not its own neighbour
        radii[0, rows] = np.partition(distance, k - 1, axis=1)[:, k - 1]
        for variant, kept in enumerate(variants):
            mine = kept[rows]
            part = np.partition(distance[np.ix_(mine, kept)], k - 1, axis=1)
            radii[variant + 1, here[mine]] = part[:, k - 1]
    return radii


def _groups(groups: np.ndarray | None, count: int) -> np.ndarray:
    return np.zeros(count, np.int64) if groups is None else np.asarray(groups, np.int64)


def _count(groups: np.ndarray) -> int:
    return int(groups.max()) + 1
