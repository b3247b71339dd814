"""The averaged generator."""

from __future__ import annotations

import pytest
import torch

from plans import tiny_plan
from popgan.config.schema import Plan
from popgan.recipes.table import Recipe, find_recipe
from popgan.training.phase import Phase, lazy_intervals
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


def test_buffers_of_the_generator_are_copied_into_the_average() -> None:
    plan = tiny_plan()
    recipe = find_recipe("popgan")

    def build(plan: Plan) -> torch.nn.Module:
        generator = recipe.generator(plan)
        generator.register_buffer("seen", torch.zeros(3))
        return generator

    with_buffer = Recipe("test", build, recipe.discriminator, recipe.phases)
    state = with_buffer.start(plan, torch.device("cpu"))
    state.generator.seen += 2
    state.update_average(plan.train, 8)
    assert state.average.seen.tolist() == [2, 2, 2]
    assert "average.seen" in state.tensors()


def test_both_networks_are_slowed_for_their_own_lazy_penalty() -> None:
    plan = tiny_plan(train__beta1=0.5)
    state = find_recipe("popgan").start(plan, torch.device("cpu"))
    again = TrainState.start(
        state.generator, state.discriminator, plan.train, torch.device("cpu"), lazy={"G": 3, "D": 4}
    )
    for name, ratio in (("G", 3 / 4), ("D", 4 / 5)):
        optimiser = again.optimisers[name]
        assert optimiser.defaults["lr"] == pytest.approx(2e-3 * ratio)
        assert optimiser.defaults["betas"] == pytest.approx((0.5**ratio, 0.99**ratio))
    assert state.optimisers["G"].defaults["lr"] == pytest.approx(2e-3)
    assert state.optimisers["D"].defaults["lr"] == pytest.approx(2e-3 * 4 / 5)


def test_the_slowing_follows_the_phases() -> None:
    phases = [
        Phase("Dmain", "D", 1, lambda step: step.reals.sum()),
        Phase("Dreg", "D", 16, lambda step: step.reals.sum()),
        Phase("Greg", "G", 4, lambda step: step.reals.sum()),
    ]
    assert lazy_intervals(phases) == {"D": 16, "G": 4}


def test_what_a_recipe_keeps_is_part_of_the_state() -> None:
    plan, recipe = tiny_plan(), find_recipe("popgan")
    keeps = Recipe(
        "test", recipe.generator, recipe.discriminator, recipe.phases,
        extras=lambda plan: {"augment_p": torch.tensor(0.25)},
    )  # fmt: skip
    one, other = (keeps.start(plan, torch.device("cpu")) for _ in range(2))
    one.extras["augment_p"] += 0.5
    assert other.extras["augment_p"] == 0.25
    other.load({k: v.clone() for k, v in one.tensors().items()}, 8, 1)
    assert other.extras["augment_p"] == 0.75
