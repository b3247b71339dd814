"""Intervals of independent images: they cover, and are honest where there is little."""

from __future__ import annotations

import numpy as np
import pytest

from popgan.evidence import independent


def coverage(estimates: list, truth: float) -> float:
    return float(np.mean([e.low <= truth <= e.high for e in estimates]))


@pytest.mark.parametrize("truth", [0.02, 0.5, 0.97])
def test_wilson_intervals_cover_the_true_share(truth: float) -> None:
    rng = np.random.default_rng(0)
    found = [independent.share(rng.random(100) < truth) for _ in range(1000)]
    assert 0.91 < coverage(found, truth) < 0.99


def test_a_share_of_none_is_not_known_to_be_zero() -> None:
    found = independent.share(np.zeros(100, bool))
    assert found.value == found.low == 0
    # Wilson: z^2 / (n + z^2).
    assert found.high == pytest.approx(1.959964**2 / (100 + 1.959964**2))
    found = independent.share(np.ones(50, bool))
    assert found.high == 1
    assert 0.9 < found.low < 1


def test_intervals_of_medians_cover_whatever_the_distribution() -> None:
    rng = np.random.default_rng(1)
    found = [independent.median(rng.exponential(size=41)) for _ in range(1000)]
    assert 0.94 < coverage(found, np.log(2)) < 0.985


def test_the_order_statistics_are_those_of_the_tables() -> None:
    """n = 10: the 2nd and the 9th value, 97.9 %; n = 6: the extremes; n = 5: none at 95 %."""
    ten = independent.median(np.arange(10.0))
    assert (ten.low, ten.high) == (1.0, 8.0)
    six = independent.median(np.arange(6.0))
    assert (six.low, six.high) == (0.0, 5.0)
    five = independent.median(np.arange(5.0))
    assert five.low is None
    assert five.value == 2.0


def test_a_mean_has_students_interval() -> None:
    from scipy import stats

    values = np.random.default_rng(2).normal(size=30)
    found = independent.mean(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_missing_values_do_not_count() -> None:
    values = np.array([np.nan, 1, 2, 3, np.nan])
    for function in (independent.mean, independent.median):
        found = function(values)
        assert (found.value, found.n_synthetic) == (2.0, 3)
        assert found.low is None
        assert function(np.full(4, np.nan)) is None
