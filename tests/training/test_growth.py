"""The growth schedule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plans import tiny_plan
from popgan.training.growth import Stage, annealed, fully_grown_at, rate_factor, stage_at


def test_levels_follow_their_shares_and_fade_in() -> None:
    train = tiny_plan(train__images=1000, train__fade=0.1).train
    assert stage_at(0, train) == Stage(0, 1.0)
    assert stage_at(399, train) == Stage(0, 1.0)
    assert stage_at(400, train) == Stage(1, 0.0)
    assert stage_at(450, train) == Stage(1, 0.5)
    assert stage_at(500, train) == Stage(1, 1.0)
    assert stage_at(10**6, train) == Stage(1, 1.0)
    assert fully_grown_at(train) == 500


def test_a_skipped_level_needs_no_fade_from_nothing() -> None:
    train = tiny_plan(train__level_shares=[0.0, 1.0]).train
    assert stage_at(0, train) == Stage(1, 1.0)
    assert fully_grown_at(train) == 0


@given(
    weights=st.lists(st.integers(1, 100), min_size=2, max_size=2),
    fade=st.floats(0, 1),
    images=st.integers(10, 10**6),
)
def test_growth_never_goes_back_and_always_ends_fully_grown(
    weights: list[int], fade: float, images: int
) -> None:
    shares = [w / sum(weights) for w in weights]
    train = tiny_plan(train__level_shares=shares, train__fade=fade, train__images=images).train
    stages = [stage_at(images * k // 50, train) for k in range(51)]
    assert stages == sorted(stages, key=lambda s: (s.level, s.alpha))
    assert stages[-1] == Stage(1, 1.0)
    assert all(0 <= s.alpha <= 1 for s in stages)
    assert stage_at(fully_grown_at(train) + 1, train) == Stage(1, 1.0)


def test_learning_rates_fall_only_after_growth_and_end_at_their_share() -> None:
    train = tiny_plan(train__images=1000, train__fade=0.1, train__lr_end=0.2).train
    assert [rate_factor(i, train) for i in (0, 400, 500)] == [1.0, 1.0, 1.0]
    factors = [rate_factor(i, train) for i in range(500, 1001, 50)]
    assert factors == sorted(factors, reverse=True)
    assert abs(rate_factor(750, train) - 0.6) < 1e-9
    assert abs(rate_factor(1000, train) - 0.2) < 1e-9
    assert rate_factor(10**6, train) == rate_factor(1000, train)


def test_a_value_with_a_start_of_its_own_falls_with_the_rates() -> None:
    plan = tiny_plan(train__level_shares=[0.0, 1.0]).train
    assert annealed(10.0, 1.0, 0, plan) == 10.0
    assert annealed(10.0, 1.0, plan.images // 2, plan) == pytest.approx(5.5)
    assert annealed(10.0, 1.0, plan.images, plan) == pytest.approx(1.0)
    assert annealed(None, 1.0, 0, plan) == 1.0
