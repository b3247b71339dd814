"""KID: the kernel, its unbiasedness, its jackknife."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics.pairwise import polynomial_kernel
from torchmetrics.image.kid import poly_mmd

from popgan.evidence.fidelity import kid as module
from popgan.evidence.fidelity.kid import kid, kid_with_replicates
from popgan.evidence.statistics import interval


def sample(count: int, dimension: int = 16, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (count, dimension))


def by_sklearn(x: np.ndarray, y: np.ndarray) -> float:
    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return polynomial_kernel(a, b, degree=3, gamma=1 / a.shape[1], coef0=1)

    n, m = len(x), len(y)
    xx, yy = kernel(x, x), kernel(y, y)
    return float(
        (xx.sum() - np.trace(xx)) / (n * (n - 1))
        + (yy.sum() - np.trace(yy)) / (m * (m - 1))
        - 2 * kernel(x, y).mean()
    )


@pytest.mark.parametrize(("n", "m"), [(2, 3), (40, 25), (130, 90)])
def test_agrees_with_the_kernel_of_scikit_learn(n: int, m: int) -> None:
    x, y = sample(n), sample(m, seed=1, shift=0.3)
    assert kid(x, y) == pytest.approx(by_sklearn(x, y), rel=1e-10, abs=1e-12)


def test_agrees_with_torchmetrics_on_equal_sizes() -> None:
    x, y = sample(50), sample(50, seed=1, shift=0.5)
    wanted = poly_mmd(torch.from_numpy(x), torch.from_numpy(y))
    assert kid(x, y) == pytest.approx(float(wanted), rel=1e-10)


def test_blocks_do_not_change_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = sample(57), sample(33, seed=1)
    whole = kid(x, y)
    monkeypatch.setattr(module, "_BLOCK", 10)
    assert kid(x, y) == pytest.approx(whole, rel=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 30), st.integers(3, 30))
def test_is_symmetric_and_blind_to_order(seed: int, n: int, m: int) -> None:
    x, y = sample(n, 5, seed), sample(m, 5, seed + 1)
    rng = np.random.default_rng(seed)
    assert kid(x, y) == pytest.approx(kid(y, x), abs=1e-12)
    assert kid(rng.permutation(x), rng.permutation(y)) == pytest.approx(kid(x, y), abs=1e-12)


def test_is_zero_on_average_for_one_distribution_even_when_small() -> None:
    values = [kid(sample(8, 4, s), sample(12, 4, s + 5000)) for s in range(2000)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))
    assert min(values) < 0  # unbiased means that it can be negative


def test_grows_with_the_shift() -> None:
    values = [kid(sample(200), sample(200, seed=1, shift=s)) for s in (0, 0.2, 0.5, 1)]
    assert values == sorted(values)


def test_replicates_equal_recomputing_without_the_group() -> None:
    x, y = sample(40), sample(30, seed=1, shift=0.2)
    gx, gy = np.arange(40) % 7, np.arange(30) % 4
    value, left_x, left_y = kid_with_replicates(x, gx, y, gy)
    assert value == pytest.approx(by_sklearn(x, y))
    np.testing.assert_allclose(left_x.values, [by_sklearn(x[gx != g], y) for g in range(7)])
    np.testing.assert_allclose(left_y.values, [by_sklearn(x, y[gy != g]) for g in range(4)])
    np.testing.assert_array_equal(left_x.sizes, np.bincount(gx))


def test_interval_covers_the_truth() -> None:
    """95 % nominal; subjects differ, so slices are correlated. True value from a huge sample."""
    rng = np.random.default_rng(0)

    def cohort(subjects: int) -> np.ndarray:
        centre = rng.normal(0, 0.5, (subjects, 1, 4))
        return (centre + rng.normal(0, 0.9, (subjects, 5, 4))).reshape(-1, 4)

    truth = np.mean([kid(cohort(600)[::5], rng.normal(0.5, 1, (1500, 4))) for _ in range(8)])
    groups, other = np.repeat(np.arange(20), 5), np.arange(100) % 20
    hits = 0
    for _ in range(300):
        value, *left = kid_with_replicates(cohort(20), groups, rng.normal(0.5, 1, (100, 4)), other)
        low, high = interval(value, *left)
        hits += low <= truth <= high
    assert hits / 300 > 0.9
