"""Means over patients: intervals that cover, tests that agree with others', Holm over all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from popgan.evidence.paired import patients
from popgan.evidence.paired.patients import compare, differences, patient_mean, sign_flip
from popgan.evidence.paired.results import MethodRow, Score


def row(name: str, values: list[float | None]) -> MethodRow:
    value = patient_mean(values)
    scores = [] if value is None else [Score(metric="psnr", region="brain", value=value)]
    return MethodRow(name=name, kind="baseline", scores=scores)


def test_the_mean_is_that_of_the_patients_who_could_be_measured() -> None:
    found = patient_mean([1.0, None, 3.0, 5.0])
    assert found.mean == 3 and found.n == 3 and found.patients == [1, None, 3, 5]
    assert found.low < 3 < found.high


@pytest.mark.parametrize("values", [[2.0], [2.0, 3.0], [2.0, None, 3.0]])
def test_fewer_than_three_patients_have_no_interval_and_no_test(values) -> None:
    found = patient_mean(values)
    assert found.low is None and found.high is None
    assert sign_flip(values) is None


def test_no_patient_no_mean() -> None:
    assert patient_mean([]) is None and patient_mean([None, None]) is None


@pytest.mark.parametrize("count", [8, 20, 40])
def test_the_interval_is_scipys_percentile_bootstrap_at_a_wider_level(count: int) -> None:
    values = np.random.default_rng(1).gamma(3, size=count)
    wide = stats.t.ppf(0.975, count - 1) * np.sqrt(count / (count - 1))
    oracle = stats.bootstrap(
        (values,),
        np.mean,
        confidence_level=1 - 2 * stats.norm.cdf(-wide),
        n_resamples=40_000,
        method="percentile",
        rng=np.random.default_rng(2),
    ).confidence_interval
    found = patient_mean(values.tolist())
    width = oracle.high - oracle.low
    assert found.low == pytest.approx(oracle.low, abs=0.04 * width)
    assert found.high == pytest.approx(oracle.high, abs=0.04 * width)


@pytest.mark.parametrize(
    ("count", "kind", "least"),
    [
        (3, "normal", 0.93),
        (5, "normal", 0.93),
        (7, "normal", 0.915),
        (15, "normal", 0.925),
        (7, "skewed", 0.885),
        (15, "skewed", 0.90),
    ],
)
def test_the_interval_covers_the_mean_of_simulated_patients(count, kind, least) -> None:
    rng = np.random.default_rng(count)
    studies = 600
    values = rng.normal(size=(studies, count))
    truth = 0.0
    if kind == "skewed":
        values, truth = np.exp(values / 2), np.exp(1 / 8)
    found = [patient_mean(v.tolist()) for v in values]
    assert np.mean([f.low <= truth <= f.high for f in found]) > least


def test_plain_percentiles_would_not_cover() -> None:
    """Why the percentiles lie further out."""
    values = np.random.default_rng(7).normal(size=(600, 7))
    means = patients._draws(7, 0) @ values.T
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    assert np.mean((low <= 0) & (high >= 0)) < 0.9


def test_bounds_hold_the_ends() -> None:
    found = patient_mean([0.001, 0.9, 0.02, 0.01], bounds=(0, 0.9))
    assert found.low == 0 and found.high == 0.9


def test_the_same_seed_gives_the_same_interval() -> None:
    values = [1.0, 4.0, 2.0, 8.0, 5.0, 7.0]
    assert patient_mean(values) == patient_mean(values)
    assert patient_mean(values) != patient_mean(values, seed=1)


@pytest.mark.parametrize("count", [3, 5, 9])
def test_all_sign_flips_agree_with_scipy(count: int) -> None:
    values = np.random.default_rng(count).normal(0.4, size=count)
    oracle = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip(values.tolist()) == pytest.approx(oracle.pvalue)


def test_drawn_sign_flips_are_near_the_exact_answer() -> None:
    values = np.random.default_rng(0).normal(0.35, size=18)
    exact = np.abs(patients._all_signs(18) @ values) >= abs(values.sum()) - 1e-9
    assert sign_flip(values.tolist()) == pytest.approx(exact.mean(), abs=0.01)
    assert sign_flip([1.0] * 40) == pytest.approx(1 / 20_001)


def test_the_smallest_p_is_what_patients_that_all_agree_have() -> None:
    for count in (3, 7, 20):
        assert sign_flip([1.0] * count) == pytest.approx(patients.smallest_p(count))


def test_differences_of_equal_size_are_ties_whatever_the_order_of_adding() -> None:
    values = [0.1, 0.2, 0.3, -0.1, -0.2, -0.3]
    assert sign_flip(values) == 1.0
    assert sign_flip([0.0] * 5) == 1.0


def test_the_test_keeps_its_level() -> None:
    values = np.random.default_rng(3).laplace(size=(800, 8))
    assert np.mean([sign_flip(v.tolist()) <= 0.05 for v in values]) < 0.065


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=3, max_size=10))
def test_the_test_does_not_depend_on_sign_order_or_unit(values: list[float]) -> None:
    p = sign_flip(values)
    assert sign_flip([-v for v in values]) == p
    assert sign_flip(values[::-1]) == pytest.approx(p, abs=1e-12)
    assert sign_flip([4 * v for v in values]) == p
    assert 0 < p <= 1


def test_differences_are_of_patients_whom_both_measured() -> None:
    assert differences([3.0, None, 1.0], [1.0, 2.0, None]) == [2, None, None]


def test_holm_goes_over_all_comparisons() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(25, 1, 9)
    model = row("model", base.tolist())
    others = [row(f"b{i}", (base - rng.normal(m, 1, 9)).tolist()) for i, m in enumerate((0, 1, 3))]
    found = compare(model, others, [("psnr", "brain"), ("mae", "lesion")])
    assert [c.against for c in found] == ["b0", "b1", "b2"]  # no row has an error in lesions
    adjusted = multipletests([c.p for c in found], method="holm")[1]
    assert [c.p_holm for c in found] == pytest.approx(adjusted.tolist())
    assert found[2].difference.low > 0


def test_a_row_without_the_metric_is_not_compared() -> None:
    model = row("model", [1.0, 2.0, 3.0])
    assert compare(model, [row("b", [None, None, None])], [("psnr", "brain")]) == []
    (found,) = compare(model, [row("b", [1.0, None, 3.0])], [("psnr", "brain")])
    assert found.p is None and found.p_holm is None and found.difference.n == 2
