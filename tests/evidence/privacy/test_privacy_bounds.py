"""Bounds of counts: exact, and as the specification has them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from popgan.evidence.privacy.bounds import (
    auc_error,
    lower_bound,
    rate_at_most,
    share,
    subjects_needed,
    upper_bound,
)


@pytest.mark.parametrize(("n", "percent"), [(5000, 0.060), (10_000, 0.030)])
def test_no_copy_among_many_bounds_the_rate(n, percent) -> None:
    assert rate_at_most(0, n, "images").high * 100 == pytest.approx(percent, abs=0.0005)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 400), st.data())
def test_bounds_are_those_of_scipy(n, data) -> None:
    hits = data.draw(st.integers(0, n))
    test = binomtest(hits, n)
    two = test.proportion_ci(0.95)
    measure = share(hits, n, "images")
    assert (measure.low, measure.high) == pytest.approx((two.low, two.high), abs=1e-9)
    upper = binomtest(hits, n, alternative="less").proportion_ci(0.95).high
    lower = binomtest(hits, n, alternative="greater").proportion_ci(0.95).low
    assert upper_bound(hits, n) == pytest.approx(upper, abs=1e-9)
    assert lower_bound(hits, n) == pytest.approx(lower, abs=1e-9)


@pytest.mark.parametrize(("n", "half"), [(50, 0.114), (100, 0.080), (200, 0.057), (500, 0.036)])
def test_half_widths_of_an_auc_of_one_half(n, half) -> None:
    assert 1.96 * auc_error(n, n) == pytest.approx(half, abs=0.0006)


def test_more_attacks_and_more_power_need_more_subjects() -> None:
    one = subjects_needed()
    assert 125 <= one <= 140
    assert one < subjects_needed(6) < 300
    assert subjects_needed(power=0.5) >= 99
    assert subjects_needed(power=0.95) > one


def test_nothing_counted_has_no_value() -> None:
    assert share(0, 0, "images").value is None and rate_at_most(0, 0, "images").reason
