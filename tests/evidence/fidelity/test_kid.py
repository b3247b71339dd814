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


def by_pairs(x: np.ndarray, owners: np.ndarray, y: np.ndarray) -> float:
    """KID by its definition, a pair of different owners at a time."""

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / len(a) + 1) ** 3)

    items = list(zip(x, owners, strict=True))
    own = [kernel(a, b) for a, i in items for b, j in items if i != j]
    other = [kernel(y[i], y[j]) for i in range(len(y)) for j in range(len(y)) if i != j]
    return float(np.mean(own) + np.mean(other) - 2 * np.mean([kernel(a, b) for a in x for b in y]))


def test_slices_of_one_patient_are_no_pair() -> None:
    x, y = sample(24, 5), sample(9, 5, seed=1, shift=0.4)
    owners = np.repeat([0, 1, 2, 3, 4, 5], [2, 6, 4, 4, 5, 3])
    groups = owners % 4
    value, left, right = kid_with_replicates(x, groups, y, np.arange(9) % 3, x_owners=owners)
    assert value == pytest.approx(by_pairs(x, owners, y))
    assert kid(y, x, y_owners=owners) == pytest.approx(value)
    for group in range(4):
        rest = groups != group
        assert left.values[group] == pytest.approx(by_pairs(x[rest], owners[rest], y))
    for group in range(3):
        rest = np.arange(9) % 3 != group
        assert right.values[group] == pytest.approx(by_pairs(x, owners, y[rest]))


def test_few_patients_seem_no_further_away() -> None:
    """Slices of a patient are alike: without owners, three patients seem far from their like."""
    rng, owners = np.random.default_rng(3), np.repeat(np.arange(3), 8)

    def cohort(patients: int) -> np.ndarray:
        centre = rng.normal(0, 0.8, (patients, 1, 4))
        return (centre + rng.normal(0, 0.6, (patients, 8, 4))).reshape(-1, 4)

    pairs = [(cohort(3), cohort(60)[::8]) for _ in range(1500)]
    told = np.array([kid(x, y, x_owners=owners) for x, y in pairs])
    assert abs(told.mean()) < 3 * told.std() / np.sqrt(len(told))
    assert np.mean([kid(x, y) for x, y in pairs]) > 10 * abs(told.mean())


def kernel_mean(x: np.ndarray, y: np.ndarray) -> float:
    return float(((x @ y.T / x.shape[1] + 1) ** 3).mean())


def test_what_one_patient_leaves_is_still_measured_and_one_image_has_no_pair() -> None:
    x, y, owners = sample(6, 4), sample(8, 4, seed=1), np.array([0, 0, 0, 0, 0, 1])
    _, left, _ = kid_with_replicates(x, owners, y, np.arange(8) % 2, x_owners=owners)
    assert left.values[1] == pytest.approx(kid(x[:5], y))
    own = kid(x, y, x_owners=owners) + 2 * kernel_mean(x, y)
    assert left.values[0] == pytest.approx(own - 2 * kernel_mean(x[5:], y))


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
        value, *left = kid_with_replicates(
            cohort(20), groups, rng.normal(0.5, 1, (100, 4)), other, x_owners=groups
        )
        low, high = interval(value, *left)
        hits += low <= truth <= high
    assert hits / 300 > 0.9
