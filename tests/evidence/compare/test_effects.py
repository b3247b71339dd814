"""Effect sizes, chances to win and exact tests against scipy and statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from numpy.typing import NDArray
from statsmodels.stats.meta_analysis import effectsize_smd

from popgan.evidence.compare import effects
from popgan.evidence.compare.exact import flips, permutations

Floats = NDArray[np.float64]


def samples(seed: int, n: int, m: int, shift: float = 1.0) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    return rng.normal(shift, 1, n), rng.normal(0, 1, m)


@pytest.mark.parametrize(("n", "m"), [(5, 5), (4, 7)])
def test_the_effect_is_hedges_g(n: int, m: int) -> None:
    first, second = samples(0, n, m)
    found = effects.effect(first, second, "trainings")
    g, _ = effectsize_smd(
        first.mean(), first.std(ddof=1), n, second.mean(), second.std(ddof=1), m
    )  # statsmodels takes Hedges' approximation of the gamma functions
    assert found.value == pytest.approx(float(g), rel=0.01)
    assert found.n == n + m


@pytest.mark.parametrize(("n", "m"), [(5, 5), (3, 9)])
def test_the_interval_of_an_effect_inverts_the_noncentral_t(n: int, m: int) -> None:
    first, second = samples(1, n, m)
    found = effects.effect(first, second, "trainings")
    assert found.low is not None and found.high is not None and found.value is not None
    t = float(scipy.stats.ttest_ind(first, second).statistic)
    # What popgan multiplied t with to get the effect turns the ends back, too.
    factor = found.value / t
    for end, tail in ((found.low, 0.975), (found.high, 0.025)):
        assert scipy.stats.nct.cdf(t, n + m - 2, end / factor) == pytest.approx(tail, abs=1e-6)


def test_a_paired_effect_is_that_of_one_sample() -> None:
    gaps = samples(2, 12, 1, 0.7)[0]
    found = effects.paired_effect(gaps, "subjects")
    t = float(scipy.stats.ttest_1samp(gaps, 0).statistic)
    exact = math.gamma(11 / 2) / math.gamma(10 / 2) / math.sqrt(11 / 2)
    assert found.value == pytest.approx(exact * t / math.sqrt(12))
    assert found.low is not None and found.value is not None
    low = scipy.stats.nct.cdf(t, 11, found.low / (found.value / t))
    assert low == pytest.approx(0.975, abs=1e-6)


def test_intervals_of_effects_hold_the_true_effect() -> None:
    rng, hits = np.random.default_rng(3), 0
    for _ in range(300):
        found = effects.effect(rng.normal(1, 1, 5), rng.normal(0, 1, 5), "trainings")
        assert found.low is not None and found.high is not None
        # The interval is of the effect times Hedges' factor, as the estimate is.
        factor = math.gamma(4) / math.gamma(3.5) / math.sqrt(4)
        hits += found.low <= factor * 1.0 <= found.high
    assert 0.92 <= hits / 300 <= 0.98


def test_the_chance_to_win_is_that_of_mann_and_whitney() -> None:
    first, second = samples(4, 6, 8)
    found = effects.superiority(first, second, lower_is_better=False, of="trainings")
    u = scipy.stats.mannwhitneyu(first, second).statistic
    assert found.value == pytest.approx(u / 48)
    turned = effects.superiority(first, second, lower_is_better=True, of="trainings")
    assert turned.value == pytest.approx(1 - u / 48)
    assert found.low is not None and found.high is not None and turned.low is not None
    assert turned.low == pytest.approx(1 - found.high)


def test_five_wins_of_five_are_not_certainty() -> None:
    found = effects.superiority(
        np.arange(5.0), np.arange(5.0) + 10, lower_is_better=True, of="trainings"
    )
    assert found.value == 1 and found.high == 1
    assert found.low is not None and 0.5 < found.low < 0.8


def test_two_replicates_have_no_interval_and_say_why() -> None:
    first, second = samples(5, 2, 5)
    for found in (
        effects.effect(first, second, "trainings"),
        effects.superiority(first, second, lower_is_better=True, of="trainings"),
        effects.paired_effect(first, "subjects"),
        effects.paired_effect(np.ones(6), "subjects"),
    ):
        assert found.low is None and found.reason


@pytest.mark.parametrize(("n", "m"), [(5, 5), (4, 6), (3, 3)])
def test_permutations_are_those_of_scipy(n: int, m: int) -> None:
    first, second = samples(6, n, m)
    test, least = permutations(first, second, "trainings")
    result = scipy.stats.permutation_test(
        (first, second),
        lambda a, b, axis: np.abs(a.mean(axis) - b.mean(axis)),
        vectorized=True,
        alternative="greater",
        n_resamples=np.inf,
    )
    assert test.p == pytest.approx(result.pvalue)
    assert least == pytest.approx((2 if n == m else 1) / math.comb(n + m, n))


def test_separated_trainings_reach_the_smallest_p() -> None:
    low, high = np.arange(5.0), np.arange(5.0) + 10
    test, least = permutations(low, high, "trainings")
    assert test.p == least == pytest.approx(2 / 252)
    test, least = flips(low - high, "trainings")
    assert test.p == least == 0.0625


def test_many_trainings_are_permuted_at_random_and_p_is_never_zero() -> None:
    low, high = np.arange(12.0), np.arange(12.0) + 100
    test, least = permutations(low, high, "trainings")
    assert test.p is not None and least is not None
    assert test.p >= least == 1 / 20_001


def test_too_few_trainings_are_not_tested() -> None:
    assert permutations(np.arange(2.0), np.arange(4.0), "trainings")[0].p is None
    test, least = flips(np.arange(2.0), "trainings")
    assert test.p is None and least is None and test.reason
