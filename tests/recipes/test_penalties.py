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
    reals = torch.rand(plan.train.batch, 1, plan.data.height, plan.data.width) * 2 - 1
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


# Rows that a penalty takes at once: of a batch, of its half, of a part of it.
ROWS = (4, 8, 12, 16)
NETWORKS: dict[str, dict[str, Any]] = {
    "popgan": {"channels": [64, 64, 48, 32], "patch": 2},
    "stylegan2": {"channels": [64, 64, 64, 48, 32]},
    "r3gan": {"channels": [64, 64, 64, 48, 32]},
    "dcgan": {"channels": [128, 64, 64, 32]},
}


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize(
    ("recipe", "loss"),
    [
        ("popgan", "rpgan"),
        ("popgan", "wgan-gp"),
        ("stylegan2", "logistic"),
        ("r3gan", "rpgan"),
        ("dcgan", "logistic"),
    ],
)
def test_in_bf16_a_penalty_pulls_every_kernel_where_fp32_pulls_it(
    recipe: str, loss: str, rows: int
) -> None:
    network = {f"network__{name}": value for name, value in NETWORKS[recipe].items()}
    levels = len(NETWORKS[recipe]["channels"])
    training = {
        **{"train__images": 10_000, "train__batch": rows, "train__loss": loss, "train__r2": False},
        # So large that the other terms of the same phase do not count.
        **{"train__gamma": 1e4, "train__level_shares": [0.0] * (levels - 1) + [1.0]},
    }
    step = step_of(recipe, data__height=64, data__width=64, **network, **training)
    exact, found = (kernel_gradients(step, bf16=enabled) for enabled in (False, True))
    assert len(exact) >= 4
    for name, gradient in exact.items():
        alike = torch.cosine_similarity(gradient.flatten(), found[name].flatten(), dim=0)
        assert alike > 0.9, name


def kernel_gradients(step: Step, *, bf16: bool) -> dict[str, torch.Tensor]:
    """Of the phase with the penalty, with respect to the kernels of the discriminator."""
    phases = {phase.name: phase for phase in find_recipe(step.plan.recipe).phases(step.plan)}
    step.state.discriminator.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        loss = phases["Dmain"].loss(step)
        if "Dreg" in phases:
            loss = phases["Dreg"].loss(step)
    loss.backward()
    named = step.state.discriminator.named_parameters()
    return {name: one.grad for name, one in named if one.grad is not None and one.dim() == 4}
