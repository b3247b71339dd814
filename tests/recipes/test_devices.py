"""Whatever a recipe computes, it computes where its networks are.

No GPU is needed for that: torch's device "meta" has shapes and no numbers, and refuses to mix its
tensors with those of another device. What it lacks (autocast, generators, reading a number) is
replaced.
"""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import torch
from engine import discs_for

from plans import DRAWING, TRANSLATORS, recipe_plan
from popgan.networks.mustgan import MustGAN
from popgan.recipes.table import find_recipe
from popgan.training.loop import one_step
from popgan.training.phase import Step
from popgan.training.sampler import Sampler
from popgan.training.state import TrainState

ELSEWHERE = torch.device("meta")


@pytest.fixture(autouse=True)
def lenient_meta(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda *_: False)
    monkeypatch.setattr(
        Step,
        "noise",
        lambda step, _, size: torch.randn(len(step.reals), size, device=step.reals.device),
    )
    monkeypatch.setattr(MustGAN, "choice", 1)


def steps(**changes: Any) -> TrainState:
    """A state after the first step, one without lazy penalties, and one at the top level."""
    plan = recipe_plan(**changes)
    recipe, source = find_recipe(plan.recipe), discs_for(plan)
    state = recipe.start(plan, ELSEWHERE)
    sampler = Sampler(len(source), plan.seed, plan.train.shuffle_buffer)
    for images in (0, plan.train.batch, plan.train.images - plan.train.batch):
        state.images = images
        one_step(plan, recipe.phases(plan), state, sampler, source)
    return state


@pytest.mark.parametrize(
    "changes",
    [
        *({"recipe": recipe} for recipe in (*DRAWING, *TRANSLATORS)),
        *({"recipe": recipe, "conditional": True} for recipe in DRAWING if recipe != "cgan"),
        {"recipe": "popgan", "masks": True},
        {"recipe": "popgan", "augmentation__method": "ada"},
        {"recipe": "popgan", "augmentation__method": "diffaugment"},
        {"recipe": "popgan", "train__loss": "wgan-gp"},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_a_step_leaves_nothing_on_another_device(changes: dict[str, Any]) -> None:
    state = steps(**changes)
    # An optimiser that is not fused counts its steps on the CPU.
    found = {k: v.device.type for k, v in state.tensors().items() if ".step." not in k}
    assert set(found.values()) == {ELSEWHERE.type}


def test_a_tensor_on_another_device_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Step, "latents", lambda step, _: torch.randn(len(step.reals), step.plan.latent_dim)
    )
    with pytest.raises(RuntimeError, match="device"):
        steps(recipe="popgan")
