"""Successive halving lets the best of each rung go on, and judges nobody too early."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from popgan.tuning.halving import goes_on

VALUES = st.lists(st.floats(0, 10), min_size=1, max_size=40, unique=True)


@given(VALUES, st.integers(2, 5))
def test_of_all_that_come_to_a_rung_the_share_that_goes_on_is_the_best(
    values: list[float], reduction: int
) -> None:
    on = [v for i, v in enumerate(values) if goes_on(v, values[:i] + values[i + 1 :], reduction)]
    if len(values) < reduction:
        assert on == values
    else:
        assert sorted(on) == sorted(values)[: len(values) // reduction]


@given(VALUES, st.integers(2, 5))
def test_the_best_so_far_always_goes_on(values: list[float], reduction: int) -> None:
    assert goes_on(min(values) - 1, values, reduction)
