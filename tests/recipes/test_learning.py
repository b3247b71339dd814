"""Every recipe learns: samples come closer to the data, and follow what they are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from engine import tiny_job
from torch import Tensor

from plans import DRAWING, recipe_plan
from popgan.progress import Reporter
from popgan.training.loop import run
from popgan.training.state import TrainState

LEVEL = {"popgan": 1, "cgan": 1, "stylegan2": 2, "r3gan": 2, "dcgan": 1}
IMAGES = {"popgan": 2400, "cgan": 2400, "stylegan2": 1600, "r3gan": 1600, "dcgan": 2400}
# What makes a recipe follow its conditions within seconds; with other settings it takes longer.
SWIFT: dict[str, dict[str, Any]] = {
    "popgan": {"train__diversity": 0.0},
    "cgan": {"train__diversity": 0.0},
    "stylegan2": {
        "train__images": 4800,
        "train__path_length": 0.0,
        "train__lr_generator": 6e-3,
        "train__lr_discriminator": 6e-3,
    },
    "r3gan": {},
    "dcgan": {},
}


def fakes(state: TrainState, level: int, told: Tensor | None = None) -> Tensor:
    z = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return state.average(z, level, 1.0, told)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", DRAWING)
def test_training_brings_samples_closer_to_the_data(tmp_path: Path, recipe: str) -> None:
    plan = recipe_plan(
        recipe, train__images=IMAGES[recipe], train__ticks=4, train__ema_half_life=200.0
    )
    job, state = tiny_job(plan, tmp_path)
    reals = job.source.images

    def distance() -> float:
        drawn = fakes(state, LEVEL[recipe])
        mean = (drawn.mean(0) - reals.mean(0)).square().mean()
        return float(mean + (drawn.std(0) - reals.std(0)).square().mean())

    before = distance()
    run(job, state, Reporter())
    assert distance() < 0.5 * before


@pytest.mark.slow
@pytest.mark.parametrize("recipe", DRAWING)
def test_samples_follow_what_they_are_told(tmp_path: Path, recipe: str) -> None:
    """Big discs are brighter on the whole than small ones: so shall the samples be."""
    plan = recipe_plan(
        recipe,
        conditional=True,
        augmentation__probability=0.0,
        train__ticks=4,
        train__ema_half_life=200.0,
        **{"train__images": 2 * IMAGES[recipe]} | SWIFT[recipe],
    )
    job, state = tiny_job(plan, tmp_path)
    run(job, state, Reporter())
    big, small = (torch.tensor([[b, 1 - b, 0.0, 1.0]]).expand(64, 4) for b in (1.0, 0.0))
    told = job.source.told[:, 0] > 0.5
    real = job.source.images[told].mean() - job.source.images[~told].mean()
    drawn = fakes(state, LEVEL[recipe], big).mean() - fakes(state, LEVEL[recipe], small).mean()
    assert drawn > 0.4 * real


def dice(one: Tensor, other: Tensor) -> float:
    """Overlap of two sets of pixels, mean over images."""
    both = (one & other).flatten(1).sum(1)
    return float((2 * both / (one.flatten(1).sum(1) + other.flatten(1).sum(1))).mean())


# Four channels are more than the tiny networks of `popgan` can learn within seconds.
WIDE = {
    "network__patch": 1,
    "network__channels": [64, 48, 32],
    "train__level_shares": [0.0, 0.0, 1.0],
    "train__fade": 0.0,
}


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["popgan", "stylegan2", "r3gan", "dcgan"])
def test_masks_lie_on_what_they_name(tmp_path: Path, recipe: str) -> None:
    """The disc of the mask is the disc of the image, and not that of any other image."""
    plan = recipe_plan(
        recipe,
        masks=True,
        augmentation__probability=0.0,
        train__ticks=4,
        train__ema_half_life=200.0,
        **{"train__images": 2 * IMAGES[recipe]}
        | SWIFT[recipe]
        | (WIDE if recipe == "popgan" else {}),
    )
    job, state = tiny_job(plan, tmp_path)
    run(job, state, Reporter())
    drawn = fakes(state, len(plan.network.channels) - 1)
    # Bright in the first contrast, 1 in the mask.
    bright, mask = drawn[:, 0] > -0.1, drawn[:, 2] > 0
    assert dice(mask, bright) > 0.75
    assert dice(mask, bright.roll(1, 0)) < dice(mask, bright) - 0.05
    # What no image shows is not drawn.
    assert (drawn[:, 3] > 0).float().mean() < 0.01
