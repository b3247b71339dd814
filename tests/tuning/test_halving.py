"""Successive halving lets the best of each rung go on, and judges nobody too early."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popgan.tuning.halving import by_setting, goes_on

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


def test_a_rung_compares_settings_whose_trainings_count_by_their_mean() -> None:
    tries = [
        ({"a": 1}, 0.3),
        ({}, 0.2),
        ({"a": 1, "b": 2}, 0.7),
        ({}, 0.6),
        ({"b": 2, "a": 1}, 0.9),
    ]
    assert by_setting(tries) == pytest.approx([0.3, 0.4, 0.8])
    assert by_setting([]) == []
