"""The null of the copy search: its threshold, its bound over patients, its extrapolated tail."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from popgan.evidence.privacy.null import Null


def radii(rng, count: int, ways: int) -> np.ndarray:
    """Distances of which the chance to be below r is r^ways."""
    return rng.uniform(size=count) ** (1 / ways)


def test_a_thousand_images_give_the_quantile_and_fewer_the_nearest() -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(size=1999)
    null = Null(values, [str(i) for i in range(1999)])
    assert null.threshold == np.sort(values)[1] and null.quantile == pytest.approx(0.999)
    small = Null(values[:20], [str(i) for i in range(20)])
    assert small.threshold == values[:20].min() and small.quantile == pytest.approx(20 / 21)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(1, 4), st.integers(0, 9))
def test_the_bound_is_the_distribution_of_an_order_statistic(patients, slices, seed) -> None:
    values = np.random.default_rng(seed).uniform(size=patients * slices)
    null = Null(values, [str(i // slices) for i in range(len(values))])
    assert null.alarms == 0
    assert null.bound() == pytest.approx(beta.ppf(0.95, 1, patients))


def test_the_bound_holds_for_new_patients_with_alike_slices() -> None:
    misses = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        values = np.repeat(rng.uniform(size=40), 50)  # fifty equal slices of each
        null = Null(values, [str(i // 50) for i in range(2000)])
        misses += null.threshold > null.bound()  # the chance of uniform values is the value
    assert misses <= 25  # 99 % point of binomial(300, 0.05) is 24


def test_excess_holds_its_level_and_sees_many_flags() -> None:
    wrong = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        null = Null(rng.uniform(size=30), [str(i) for i in range(30)])
        wrong += null.excess(int((rng.uniform(size=400) < null.threshold).sum()), 400) <= 0.05
    assert wrong <= 17  # 99 % point of binomial(200, 0.05) is 17
    assert null.excess(400, 400) <= 1e-5 and null.excess(0, 400) == 1


def test_the_tail_is_not_underestimated() -> None:
    """Chance of the extrapolation against the true r^k, at half of the nearest distance."""
    low = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        null = Null(radii(rng, 50, 8), [str(i) for i in range(50)])
        r = null.threshold / 2
        low += null.chance(np.array([r]))[0] < r**8 / 3
    assert low <= 0.05 * 300
    assert null.chance(np.array([0.0]))[0] < 1e-9 and null.chance(np.array([2.0]))[0] == 1


def test_three_patients_extrapolate_nothing() -> None:
    null = Null(np.array([0.5, 0.6, 0.7]), ["a", "b", "c"])
    assert (null.chance(np.array([0.0, 0.1])) == 1).all()
