"""What recipes add for R1 and R2 is the published term: both summed, by gamma and interval."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from plans import recipe_plan
from popgan.recipes.common import gamma
from popgan.recipes.table import find_recipe
from popgan.training.growth import stage_at
from popgan.training.phase import Step


def published(step: Step, *, both: bool) -> float:
    """gamma / 2 of the mean squared slopes, by one plain backward pass."""
    images = step.shared["pair"].detach().clone().requires_grad_()
    logits = step.state.discriminator(images, *step.stage)
    (slopes,) = torch.autograd.grad(logits.sum(), images)
    r1, r2 = slopes.square().sum((1, 2, 3)).view(2, -1).mean(1).tolist()
    assert r1 > 0 and r2 > 0 and r1 != pytest.approx(r2, rel=1e-3)
    return gamma(step) / 2 * (r1 + r2 if both else r1)


def step_of(recipe: str, **changes: Any) -> Step:
    if recipe == "popgan":
        changes["network__dropout"] = 0.0
    plan = recipe_plan(recipe, **changes)
    state = find_recipe(recipe).start(plan, torch.device("cpu"))
    for name, parameter in state.discriminator.named_parameters():
        if name.endswith("narrow.weight"):  # r3gan's blocks are nothing at the start
            torch.nn.init.normal_(parameter, std=0.1)
    reals = torch.rand(plan.train.batch, 1, 16, 16) * 2 - 1
    return Step(plan, state, stage_at(plan.train.images, plan.train), reals, 0)


@pytest.mark.parametrize("both", [True, False])
@pytest.mark.parametrize("recipe", ["popgan", "stylegan2"])
def test_a_lazy_penalty_is_the_published_term_times_its_interval(recipe: str, both: bool) -> None:
    step = step_of(recipe, train__r2=both)
    phases = {phase.name: phase for phase in find_recipe(recipe).phases(step.plan)}
    phases["Dmain"].loss(step)
    found = phases["Dreg"].loss(step)
    assert phases["Dreg"].interval == step.plan.train.penalty_interval > 1
    expected = step.plan.train.penalty_interval * published(step, both=both)
    assert found.item() == pytest.approx(expected, rel=1e-4)


def test_r3gan_adds_both_penalties_in_every_step() -> None:
    step = step_of("r3gan", train__penalty_interval=1)
    (main, *_) = find_recipe("r3gan").phases(step.plan)
    whole = main.loss(step).item()
    expected = float(step.state.sums["loss_discriminator"]) + published(step, both=True)
    assert whole == pytest.approx(expected, rel=1e-4)
