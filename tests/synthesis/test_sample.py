"""Samples: each reproducible alone, weights checked before use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from plans import DRAWING, recipe_plan, tiny_plan
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.recipes.table import find_recipe
from popgan.synthesis.sample import (
    batch_size,
    check_truncation,
    draw_images,
    latents,
    load_generator,
    sample,
)
from popgan.synthesis.told import Told
from popgan.training.growth import Stage


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    torch.manual_seed(0)
    generator = find_recipe("popgan").generator(tiny_plan())
    torch.nn.init.normal_(generator.to_image[1].weight, std=0.05)
    save_file(generator.state_dict(), path)
    return path


def test_any_sample_can_be_drawn_alone(weights: Path) -> None:
    plan = tiny_plan()
    generator = load_generator(weights, plan)
    many = np.concatenate(list(sample(generator, plan, seed=4, count=70)))
    alone = np.concatenate(list(sample(generator, plan, seed=4, first=67, count=1)))
    assert many.shape == (70, 1, 16, 16)
    np.testing.assert_allclose(alone[0], many[67], atol=1e-5)
    assert torch.equal(latents(plan, 4, range(67, 68))[0], latents(plan, 4, range(70))[67])


def test_seeds_differ_and_images_stay_in_range(weights: Path) -> None:
    plan = tiny_plan()
    generator = load_generator(weights, plan)
    one, other = (next(sample(generator, plan, seed=s, count=8)) for s in (1, 2))
    assert not np.allclose(one, other)
    assert one.min() >= -1
    assert one.max() <= 1
    assert one.dtype == np.float32
    # More than 8 bits of grey survive.
    assert len(np.unique(one)) > 512


def test_lower_levels_are_shown_at_full_size(weights: Path) -> None:
    plan = tiny_plan()
    generator = load_generator(weights, plan)
    images = draw_images(generator, torch.randn(3, 8), plan, Stage(0, 1.0))
    assert images.shape == (3, 1, 16, 16)
    np.testing.assert_array_equal(images[:, :, ::2, ::2], images[:, :, 1::2, 1::2])


def other_plan() -> Plan:
    return tiny_plan(network__channels=[24, 8])


@pytest.mark.parametrize("damage", ["missing", "garbage", "truncated", "other plan"])
def test_unfit_weights_are_one_clear_line(weights: Path, tmp_path: Path, damage: str) -> None:
    path, plan = tmp_path / "weights.safetensors", tiny_plan()
    content = weights.read_bytes()
    if damage == "garbage":
        path.write_bytes(b"\xff" * 64)
    elif damage == "truncated":
        path.write_bytes(content[:-100])
    elif damage == "other plan":
        path.write_bytes(content)
        plan = other_plan()
    with pytest.raises(UserError, match=r"weights\.safetensors") as caught:
        load_generator(path, plan)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("recipe", DRAWING)
def test_any_sample_of_any_recipe_can_be_drawn_alone(recipe: str) -> None:
    plan = recipe_plan(recipe, conditional=True)
    torch.manual_seed(0)
    generator = find_recipe(recipe).generator(plan).eval().requires_grad_(False)
    for name, parameter in generator.named_parameters():
        if name.endswith("strength"):
            torch.nn.init.constant_(parameter, 0.3)
    told = Told(np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32), [])
    many = np.concatenate(list(sample(generator, plan, seed=4, count=40, told=told)))
    alone = np.concatenate(list(sample(generator, plan, seed=4, first=37, count=1, told=told)))
    np.testing.assert_array_equal(alone[0], many[37])


def test_truncation_is_refused_where_there_is_none() -> None:
    plan = tiny_plan()
    generator = find_recipe("popgan").generator(plan)
    with pytest.raises(UserError, match="'popgan' has no truncation"):
        draw_images(generator, torch.randn(2, 8), plan, truncation=0.7)
    with pytest.raises(UserError, match="0 to 1"):
        check_truncation(recipe_plan("stylegan2"), 1.5)


def test_truncation_makes_samples_more_alike() -> None:
    plan = recipe_plan("stylegan2")
    torch.manual_seed(0)
    generator = find_recipe("stylegan2").generator(plan).eval().requires_grad_(False)
    full, cut = (
        next(sample(generator, plan, seed=0, count=32, truncation=psi)) for psi in (1.0, 0.3)
    )
    assert cut.std(0).mean() < 0.7 * full.std(0).mean()


def test_no_more_images_are_drawn_at_once_than_fit_however_many_are_asked_for(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan()
    generator = load_generator(weights, plan)
    z = latents(plan, 4, range(11))
    whole, seen = draw_images(generator, z, plan), list[int]()
    monkeypatch.setattr("popgan.synthesis.sample.batch_size", lambda plan: 4)
    generator.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    np.testing.assert_allclose(draw_images(generator, z, plan), whole, atol=1e-5)
    assert seen == [4, 4, 3]


def test_batches_are_sized_to_memory_by_the_plan_alone() -> None:
    assert batch_size(tiny_plan()) == 32
    wide = recipe_plan(
        "r3gan",
        data__height=512,
        data__width=512,
        network__channels=[768] * 8,
        train__level_shares=[0.0] * 7 + [1.0],
    )
    assert batch_size(wide) == 1
