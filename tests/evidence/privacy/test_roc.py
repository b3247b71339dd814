"""AUC, true positives at 1 % false positives, epsilon: against independent oracles."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta
from sklearn.metrics import roc_auc_score

from popgan.evidence.privacy.roc import (
    Scores,
    auc,
    control,
    epsilon,
    newcombe,
    p_auc,
    placements,
    tpr,
)


def gaussian(rng, members: int, others: int, shift: float = 0.0) -> Scores:
    return Scores(shift + rng.normal(size=members), rng.normal(size=others))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=30), st.lists(st.integers(0, 5), min_size=1)
)
def test_auc_is_that_of_scikit_learn_with_ties(members, others) -> None:
    scores = Scores(np.array(members, float), np.array(others, float))
    labels = [1] * len(members) + [0] * len(others)
    found = auc(scores)
    assert found.value == pytest.approx(roc_auc_score(labels, members + others))
    swapped = auc(Scores(scores.others, scores.members))
    assert swapped.value == pytest.approx(1 - found.value)
    if found.low is not None:
        assert 0 <= found.low <= found.value <= found.high <= 1


def test_variance_is_delongs_definition() -> None:
    scores = gaussian(np.random.default_rng(1), 23, 31, 0.7)
    kernel = (scores.members[:, None] > scores.others[None]).astype(float)
    ten, one = kernel.mean(1), kernel.mean(0)
    error = math.sqrt(ten.var(ddof=1) / 23 + one.var(ddof=1) / 31)
    found = auc(scores)
    assert (found.high - found.low) / 2 == pytest.approx(1.959964 * error, rel=1e-6)
    assert [p.mean() for p in placements(scores)] == pytest.approx([kernel.mean()] * 2)


@pytest.mark.parametrize(("n", "half"), [(50, 0.114), (100, 0.080), (200, 0.057), (500, 0.036)])
def test_half_widths_near_one_half_are_those_of_the_specification(n, half) -> None:
    rng = np.random.default_rng(n)
    widths = [auc(gaussian(rng, n, n)) for _ in range(60)]
    assert np.mean([(w.high - w.low) / 2 for w in widths]) == pytest.approx(half, abs=0.0015)


def test_intervals_cover_and_p_values_hold_their_level() -> None:
    rng = np.random.default_rng(3)
    truth = 0.7602499389065233  # normal distribution function of 1 / sqrt(2)
    runs, covered, rejected = 400, 0, 0
    for _ in range(runs):
        found = auc(gaussian(rng, 40, 40, 1.0))
        covered += found.low <= truth <= found.high
        rejected += p_auc(gaussian(rng, 12, 9)) <= 0.05
    assert 0.92 <= covered / runs <= 0.98
    assert rejected <= 31  # 99 % point of binomial(400, 0.05)


def test_a_perfect_attack_still_has_an_interval() -> None:
    found = auc(Scores(np.arange(10, 20.0), np.arange(10.0)))
    assert found.value == 1 and found.high == 1 and 0.6 < found.low < 1
    low, high = newcombe(0.5, 50, 50)
    assert (high - low) / 2 == pytest.approx(0.11, abs=0.01)


def test_two_patients_have_no_interval() -> None:
    assert auc(Scores(np.array([1.0, 2]), np.array([0.0, 1, 2]))).low is None
    assert auc(Scores(np.array([]), np.array([0.0]))).value is None
    assert p_auc(Scores(np.ones(4), np.ones(4))) == 1


def test_one_percent_needs_99_others() -> None:
    rng = np.random.default_rng(4)
    none, p = tpr(gaussian(rng, 200, 98))
    assert none.value is None and p is None and "99" in none.reason
    some, p = tpr(gaussian(rng, 200, 99))
    assert some.value is not None and p is not None


def test_true_positives_are_unbiased_and_their_p_value_exact() -> None:
    rng = np.random.default_rng(5)
    found = [tpr(gaussian(rng, 150, 199)) for _ in range(600)]
    assert np.mean([rate.value for rate, _ in found]) == pytest.approx(0.01, abs=0.003)
    assert sum(p <= 0.05 for _, p in found) <= 43  # 99 % point of binomial(600, 0.05)
    leaky, p = tpr(gaussian(rng, 150, 199, 2.0))
    assert leaky.low > 0.01 and p < 1e-6


def test_epsilon_is_a_lower_bound_of_randomised_response() -> None:
    """A coin that tells the truth with exp(e) / (1 + exp(e)) is exactly e-private."""
    rng, truth, above = np.random.default_rng(6), 1.5, 0
    right = math.exp(truth) / (1 + math.exp(truth))
    for _ in range(200):
        members = (rng.uniform(size=300) < right) + 0.0
        others = (rng.uniform(size=300) > right) + 0.0
        above += epsilon(Scores(members, others), delta=0.0).low > truth
    assert above <= 16  # 97.5 % point of binomial(200, 0.05)
    exact = epsilon(Scores(np.ones(300) * 2, np.zeros(300)), delta=1e-5)
    level = 0.05 / 20
    most = math.log((beta.ppf(level, 300, 1) - 1e-5) / beta.ppf(1 - level, 1, 300))
    assert exact.high == pytest.approx(most) and exact.low <= most
    assert epsilon(gaussian(rng, 100, 100)).low == 0


def test_members_against_members_centre_on_one_half() -> None:
    rng = np.random.default_rng(7)
    found = control(rng.normal(size=80))
    assert found.value == pytest.approx(0.5, abs=0.02)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * math.sqrt(81 / 12 / 1600), abs=0.03)
    assert control(rng.normal(size=5)).value is None
