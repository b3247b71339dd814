"""The spread between seeds and the tie rule: against NumPy, closed forms, and their own promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from popgan.evidence.experiments.spread import pooled_sd, spread_of, tie_bound, tied

KIDS = st.floats(0.001, 1)


def test_the_spread_is_that_of_a_sample_and_the_tie_two_of_it() -> None:
    values = [0.10, 0.12, 0.09, 0.14, 0.11]
    found = spread_of(values)
    assert found is not None and found.values == values
    assert found.sd == pytest.approx(np.std(values, ddof=1))
    assert found.tie == pytest.approx(2 * found.sd)


def test_one_value_has_no_spread() -> None:
    assert spread_of([0.1]) is None and spread_of([]) is None
    assert pooled_sd([[0.1], [], [0.2]]) is None


def test_groups_are_pooled_as_in_an_analysis_of_variance() -> None:
    rng = np.random.default_rng(0)
    groups = [rng.normal(i, 1, n) for i, n in enumerate((3, 5, 1, 4))]
    rest = sum(((g - g.mean()) ** 2).sum() for g in groups)
    assert pooled_sd([g.tolist() for g in groups]) == pytest.approx(math.sqrt(rest / (13 - 4)))


def test_single_trainings_are_tied_below_two_standard_deviations() -> None:
    spread = spread_of([0.09, 0.11])
    assert spread is not None
    assert tie_bound(spread.sd) == pytest.approx(spread.tie)
    assert tied(0.1, 0.1 + 0.99 * spread.tie, spread)
    assert not tied(0.1, 0.1 + 1.01 * spread.tie, spread)


def test_the_bound_shrinks_as_the_standard_error_of_a_difference() -> None:
    assert tie_bound(0.01, 4, 4) == pytest.approx(0.01)
    assert tie_bound(0.01, 3, 6) == pytest.approx(0.01 * math.sqrt(2) * math.sqrt(1 / 3 + 1 / 6))


def test_equal_settings_pass_for_different_as_often_as_the_rule_admits() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 20_000, 3)).mean(axis=2)
    assert np.mean(abs(a - b) >= tie_bound(1, 3, 3)) == pytest.approx(0.16, abs=0.01)
    assert 2 * scipy.stats.norm.sf(math.sqrt(2)) == pytest.approx(0.16, abs=0.005)
    assert 2 * scipy.stats.t(4).sf(math.sqrt(2)) == pytest.approx(0.23, abs=0.005)


def test_without_any_spread_only_equal_values_are_tied() -> None:
    spread = spread_of([0.1, 0.1])
    assert spread is not None and tied(0.2, 0.2, spread) and not tied(0.2, 0.2001, spread)


@settings(max_examples=50, deadline=None)
@given(st.lists(KIDS, min_size=2, max_size=6), KIDS, KIDS)
def test_a_tie_knows_no_order_and_no_unit(values: list[float], a: float, b: float) -> None:
    spread, doubled = spread_of(values), spread_of([4 * value for value in values])
    assert spread is not None and doubled is not None
    assert tied(a, b, spread) == tied(b, a, spread) == tied(4 * a, 4 * b, doubled)


@given(st.integers(0, 2**32 - 1))
def test_the_interval_of_the_spread_is_the_chi_square_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = [rng.normal(0.1, 0.02, size).tolist() for size in (3, 3, 1, 4)]
    found = spread_of(groups[0], groups[1:])
    assert found is not None and found.freedom == 7
    within = sum(np.var(g, ddof=1) * (len(g) - 1) for g in groups if len(g) > 1)
    assert found.sd == pytest.approx(np.sqrt(within / 7))
    # Quantiles of chi-square with 7 degrees of freedom, from a table.
    assert found.low == pytest.approx(np.sqrt(within / 16.0128), rel=1e-4)
    assert found.high == pytest.approx(np.sqrt(within / 1.68987), rel=1e-4)


def test_the_spread_of_three_trainings_is_known_within_a_factor_of_twelve() -> None:
    found = spread_of([0.0, 1.0, 2.0])
    assert found is not None and found.low is not None and found.high is not None
    assert found.low == pytest.approx(0.5207, abs=1e-3) and found.high == pytest.approx(
        6.285, abs=1e-3
    )
