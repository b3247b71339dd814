"""Networks draw masks beside images; what is about images leaves masks alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from engine import discs_for, tiny_job

from plans import DRAWING, recipe_plan
from popgan.errors import UserError
from popgan.objectives.diversity import likeness_gap
from popgan.progress import Reporter
from popgan.recipes.common import augmented
from popgan.recipes.table import find_recipe
from popgan.training.growth import Stage
from popgan.training.log import read_log
from popgan.training.loop import run
from popgan.training.phase import Step


@pytest.mark.parametrize("recipe", DRAWING)
def test_both_networks_of_every_recipe_have_a_channel_a_label(recipe: str) -> None:
    plan = recipe_plan(recipe, masks=True)
    assert plan.image_channels == 4  # two contrasts, two labels
    state = find_recipe(recipe).start(plan, torch.device("cpu"))
    stage = (len(plan.network.channels) - 1, 1.0)
    images = state.generator(torch.randn(4, plan.network.latent_dim), *stage, None)
    assert images.shape == (4, 4, 16, 16)
    assert state.discriminator(images, *stage, None, None).shape[0] == 4


@pytest.mark.parametrize("recipe", ["popgan", "stylegan2"])
def test_training_on_empty_masks_stays_finite(tmp_path: Path, recipe: str) -> None:
    """The second label of the discs is in no image: a constant channel in every batch."""
    plan = recipe_plan(recipe, masks=True, conditional=True)
    job, state = tiny_job(plan, tmp_path)
    assert torch.equal(job.source.batch(torch.arange(24).numpy())[:, 3].unique(), -torch.ones(1))
    run(job, state, Reporter())
    assert all(torch.isfinite(value).all() for value in state.tensors().values())
    assert all(row["broken"] == 0 for row in read_log(job.log.path))


def step_of(plan, images: torch.Tensor) -> Step:
    state = find_recipe(plan.recipe).start(plan, torch.device("cpu"))
    state.extras["augment_p"].fill_(1.0)
    return Step(plan, state, Stage(len(plan.network.channels) - 1, 1.0), images, index=0)


def test_changes_of_intensity_leave_masks_alone() -> None:
    still = {"flip": False, "shift": 0.0, "rotation": 0.0, "scale": 0.0}
    loud = {"brightness": 0.5, "contrast": 0.5, "noise": 0.3, "cutout": 0.5}
    changes = {f"augmentation__{name}": value for name, value in (still | loud).items()}
    plan = recipe_plan("stylegan2", masks=True, **changes)
    images = discs_for(plan).images
    found = augmented(step_of(plan, images), images, "test")
    assert torch.equal(found[:, 2:], images[:, 2:])
    assert ((found[:, :2] != images[:, :2]).flatten(1).any(1)).all()


@pytest.mark.parametrize("recipe", ["popgan", "stylegan2"])
def test_a_mask_moves_with_its_image_and_stays_in_range(recipe: str) -> None:
    wild = {"flip": True, "shift": 0.2, "rotation": 30.0, "scale": 0.2, "probability": 1.0}
    changes = {f"augmentation__{name}": value for name, value in wild.items()}
    plan = recipe_plan(recipe, masks=True, **changes)
    # The image is its mask, only darker: wherever one goes the other must be.
    images = discs_for(plan).images
    images[:, 0] = (images[:, 2] + 1) * 0.8 - 1
    found = augmented(step_of(plan, images), images, "test")
    assert not torch.equal(found, images)
    torch.testing.assert_close((found[:, 2] + 1) * 0.8, found[:, 0] + 1, atol=1e-5, rtol=0)
    assert found[:, 2:].min() >= -1 - 1e-5
    assert found[:, 2:].max() <= 1 + 1e-5


def test_likeness_is_that_of_the_images_alone() -> None:
    """Whatever the masks are: the loss that is logged is the one of the contrasts."""
    plan = recipe_plan("popgan", masks=True)
    images = discs_for(plan).images[:8]
    phase = next(p for p in find_recipe("popgan").phases(plan) if p.name == "Gmain")
    gaps = []
    for reals in (images, torch.cat([images[:, :2], torch.ones(8, 2, 16, 16)], 1)):
        step = step_of(plan, reals)
        step.shared = {"real": torch.zeros(8, 1)}
        phase.loss(step)
        gaps.append(step.state.sums["likeness_gap"].item())
    assert gaps[0] == gaps[1]
    # With the masks in it, constant ones would count.
    other = torch.cat([images[:, :2], torch.ones(8, 2, 16, 16)], 1)
    assert likeness_gap(images, other) > 0


def watched(plan, samples: torch.Tensor, folder: Path) -> list[float]:
    """Variety of every tick of a training whose samples are always these."""
    job, state = tiny_job(plan, folder)
    run(replace(job, on_tick=lambda state, stage: samples), state, Reporter())
    return [row["variety"] for row in read_log(job.log.path)]


def test_one_image_under_many_masks_is_a_collapse(tmp_path: Path) -> None:
    plan = recipe_plan("popgan", masks=True)
    samples = discs_for(plan).images[:1].repeat(64, 1, 1, 1)
    samples[:, 2:] = torch.randn(64, 2, 16, 16, generator=torch.Generator().manual_seed(0))
    with pytest.raises(UserError, match="draws nearly one image"):
        watched(plan, samples, tmp_path)


def test_many_images_under_no_masks_are_none(tmp_path: Path) -> None:
    plan = recipe_plan("popgan", masks=True)
    samples = discs_for(plan).images.clone()
    samples[:, 2:] = -1
    assert watched(plan, samples, tmp_path) == pytest.approx([1.0] * 5, abs=0.01)
