"""Distances against SciPy; p-values that count patients, not slices; Holm against statsmodels."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from popgan.evidence.readers.holm import holm
from popgan.evidence.tissue.distances import (
    Sample,
    distance,
    kolmogorov_smirnov,
    mean_of_subjects,
    patients_permuted,
    wasserstein,
)


@pytest.mark.parametrize(("n", "m", "digits"), [(40, 60, 9), (7, 500, 1), (1, 3, 2), (25, 25, 0)])
def test_both_distances_are_those_of_scipy_with_ties_as_well(n: int, m: int, digits: int) -> None:
    rng = np.random.default_rng(n)
    first, second = rng.normal(0, 1, n).round(digits), rng.normal(0.4, 2, m).round(digits)
    assert wasserstein(first, second) == pytest.approx(stats.wasserstein_distance(first, second))
    assert kolmogorov_smirnov(first, second) == pytest.approx(stats.ks_2samp(first, second)[0])


def test_holm_is_that_of_statsmodels() -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p = [0.012, 0.0005, 0.4, 0.03, 0.0111, 0.8]
    assert holm(p) == pytest.approx(multitest.multipletests(p, method="holm")[1])


def people(rng: np.random.Generator, count: int, slices: int, spread: float) -> np.ndarray:
    """Values of patients who differ: count x slices."""
    return rng.normal(0, spread, (count, 1)) + rng.normal(0, 1, (count, slices))


def permuted(
    train: np.ndarray, test: np.ndarray, drawn: np.ndarray, draws: int, seed: int
) -> float:
    real = np.concatenate([train.ravel(), test.ravel()])
    owners = np.repeat(np.arange(len(train) + len(test)), train.shape[1]).astype(str)
    observed = {"x": kolmogorov_smirnov(drawn, test.ravel())}
    found = patients_permuted(
        observed, {"x": real}, list(owners), len(test), len(drawn), seed=seed, draws=draws
    )
    return found["x"]


def test_p_of_few_patients_is_that_of_all_their_divisions() -> None:
    rng = np.random.default_rng(5)
    train, test = people(rng, 5, 4, 2.0), people(rng, 2, 4, 2.0)
    drawn = rng.choice(train.ravel(), 20_000)
    everybody = np.concatenate([train, test])
    observed = kolmogorov_smirnov(drawn, test.ravel())
    reached = [
        kolmogorov_smirnov(
            np.delete(everybody, pair, axis=0).ravel(), everybody[list(pair)].ravel()
        )
        >= observed - 0.015  # the draw of synthetic images moves the statistic by as much
        for pair in itertools.combinations(range(7), 2)
    ]
    assert permuted(train, test, drawn, 1500, 1) == pytest.approx(np.mean(reached), abs=0.06)


def test_slices_of_one_patient_do_not_count_as_independent() -> None:
    """A generator that is right is found wrong as often as the level says, not as SciPy says."""
    rng = np.random.default_rng(8)
    ours, theirs = [], []
    for repeat in range(80):
        train, test = people(rng, 20, 12, 1.5), people(rng, 6, 12, 1.5)
        drawn = rng.choice(train.ravel(), 300)
        ours.append(permuted(train, test, drawn, 79, repeat))
        theirs.append(stats.ks_2samp(drawn, test.ravel()).pvalue)
    assert np.mean(np.array(theirs) < 0.05) > 0.3
    assert np.mean(np.array(ours) <= 0.05) <= 0.125  # 0.05 and two and a half standard errors
    assert 0.3 < np.mean(ours) < 0.7


def test_a_gross_difference_has_the_smallest_p_there_is() -> None:
    rng = np.random.default_rng(2)
    train, test = people(rng, 20, 10, 1.0), people(rng, 6, 10, 1.0)
    assert permuted(train, test, rng.normal(6, 1, 400), 199, 0) == 1 / 200


def test_missing_values_of_one_feature_leave_the_others_alone() -> None:
    rng = np.random.default_rng(3)
    whole, gaps = rng.normal(size=80), rng.normal(size=80)
    gaps[::3] = np.nan
    owners = [str(i // 8) for i in range(80)]
    kind = {"seed": 4, "draws": 60}
    both = patients_permuted({"a": 0.2, "b": 0.2}, {"a": whole, "b": gaps}, owners, 3, 50, **kind)
    alone = patients_permuted({"a": 0.2}, {"a": whole}, owners, 3, 50, **kind)
    assert both["a"] == alone["a"]
    assert 0 < both["b"] <= 1


def test_the_interval_of_a_distance_holds_the_truth() -> None:
    """Patients far from the synthetic set: the distance of the populations is 3, known exactly."""
    rng, held = np.random.default_rng(4), []
    for _ in range(60):
        real = people(rng, 12, 8, 1.0)
        groups = np.repeat(np.arange(12), 8)
        found = distance(
            Sample(rng.normal(3, 2**0.5, 400), rng.permutation(400) % 20),
            Sample(real.ravel(), groups, 12),
        )
        assert found.n_subjects == 12
        assert found.n_real == 96
        assert found.n_synthetic == 400
        held.append(found.low <= 3 <= found.high)
    assert np.mean(held) > 0.88


def test_a_mean_over_patients_is_wider_than_one_over_slices() -> None:
    values = people(np.random.default_rng(6), 6, 20, 2.0).ravel()
    patients = mean_of_subjects(Sample(values, np.repeat(np.arange(6), 20), 6), (-9, 9))
    slices = mean_of_subjects(Sample(values, np.arange(120) % 20, 6), (-9, 9))
    assert patients.value == slices.value == pytest.approx(values.mean())
    assert patients.high - patients.low > 2 * (slices.high - slices.low)


def test_where_all_patients_are_alike_there_is_no_interval() -> None:
    found = mean_of_subjects(Sample(np.ones(30), np.arange(30) % 5, 5), (0, 1))
    assert (found.value, found.low, found.high) == (1.0, None, None)
    assert found.method.startswith("no interval")
