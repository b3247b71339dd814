"""The averaged generator."""

from __future__ import annotations

import pytest
import torch

from plans import tiny_plan
from popgan.recipes.table import find_recipe
from popgan.training.state import TrainState


def moved(**changes: object) -> tuple[TrainState, torch.Tensor, torch.Tensor]:
    plan = tiny_plan(**changes)
    state = find_recipe("popgan").start(plan, torch.device("cpu"))
    before = state.average.dense.weight.clone()
    with torch.no_grad():
        state.generator.dense.weight += 1
    return state, before, state.average.dense.weight


def test_after_one_half_life_the_average_is_half_way() -> None:
    state, before, average = moved(train__ema_half_life=80.0, train__ema_ramp=1.0)
    state.images = 10**6
    for _ in range(10):
        state.update_average(tiny_plan(train__ema_half_life=80.0, train__ema_ramp=1.0).train, 8)
    torch.testing.assert_close(average - before, torch.full_like(before, 0.5))


def test_the_average_forgets_the_random_start() -> None:
    plan = tiny_plan(train__ema_half_life=1e6, train__ema_ramp=0.05)
    state, before, average = moved(train__ema_half_life=1e6, train__ema_ramp=0.05)
    state.images = 8
    state.update_average(plan.train, 8)
    assert (average - before).mean().item() == pytest.approx(1, abs=1e-4)


def test_the_average_never_trains() -> None:
    state, _, _ = moved()
    assert not any(p.requires_grad for p in state.average.parameters())
    assert not state.average.training
