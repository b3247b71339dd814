"""Replicates of the extrapolated distance against leaving the rows out by hand."""

import numpy as np
import pytest

from popgan.evidence.fidelity.frechet import frechet_distance
from popgan.evidence.fidelity.infinity import frechet_infinity, subsets
from popgan.evidence.fidelity.infinity_jackknife import infinity_replicates
from popgan.evidence.statistics import interval

SIZES = 4


def by_hand(
    x: np.ndarray, y: np.ndarray, gx: np.ndarray, gy: np.ndarray, side: int, group: int
) -> float:
    """numpy's own line through distances of subsets from which rows are deleted."""
    at, found = [], []
    for first, second in subsets(len(x), len(y), gx, None, SIZES, 7):
        kept = [first, second]
        groups = (gx, gy)[side]
        kept[side] = kept[side][groups[kept[side]] != group]
        at.append((1 / len(kept[0]) + 1 / len(kept[1])) / 2)
        found.append(frechet_distance(x[kept[0]], y[kept[1]]))
    return float(np.polyfit(at, found, 1)[1])


def test_each_group_leaves_the_very_subsets_of_the_line() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((120, 6)), 0.3 + rng.standard_normal((150, 6)) * [1, 1, 2, 1, 1, 1]
    gx, gy = np.arange(120) // 20, np.arange(150) % 5
    left = infinity_replicates(x, y, x_groups=gx, y_groups=gy, x_whole=True, sizes=SIZES, seed=7)
    for side, replicates in enumerate(left):
        wanted = [by_hand(x, y, gx, gy, side, g) for g in range(len(replicates.values))]
        np.testing.assert_allclose(replicates.values, wanted, rtol=1e-6)
        np.testing.assert_array_equal(replicates.sizes, np.bincount((gx, gy)[side]))


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_the_interval_covers_the_distance_of_two_gaussians(shift: float) -> None:
    """Thirty samples of five features; more of them in benchmarks/bias.py."""
    covered, truth = 0, 5 * shift**2
    for seed in range(30):
        rng = np.random.default_rng(seed)
        x, y = rng.standard_normal((160, 5)), shift + rng.standard_normal((160, 5))
        groups = np.arange(160) % 16
        value = frechet_infinity(x, y, x_groups=groups, sizes=SIZES, seed=seed).value
        left = infinity_replicates(
            x, y, x_groups=groups, y_groups=groups, x_whole=True, sizes=SIZES, seed=seed
        )
        low, high = interval(value, *left)
        covered += low <= truth <= high
    assert covered >= 27
