"""Ways through latent space: they pass through their images, smoothly, and are marked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from plans import recipe_plan
from popgan.errors import UserError
from popgan.recipes.table import find_recipe
from popgan.synthesis.sample import sample
from popgan.synthesis.told import Told
from popgan.synthesis.walk import arc, images_between, parse_way, strip_places, write_gif


def test_an_arc_keeps_its_ends_its_length_and_its_pace() -> None:
    one, other = torch.tensor([1.0, 0, 0]), torch.tensor([0, 1.0, 0])
    torch.testing.assert_close(arc(one, other, 0.0), one)
    torch.testing.assert_close(arc(one, other, 1.0), other)
    third = arc(one, other, 1 / 3)
    assert third.norm().item() == pytest.approx(1)
    assert torch.acos(third[0]).item() == pytest.approx(np.pi / 6, abs=1e-6)
    torch.testing.assert_close(arc(one, one, 0.5), one)


@pytest.mark.parametrize("recipe", ["stylegan2", "popgan"])
def test_a_strip_passes_through_the_images_of_the_seed(recipe: str) -> None:
    plan = recipe_plan(recipe, conditional=True)
    torch.manual_seed(0)
    generator = find_recipe(recipe).generator(plan).eval()
    vectors = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    told = Told(vectors, [])
    places = strip_places(3)
    assert places[0] == 0
    assert places[-1] == 2
    strip = images_between(generator, plan, seed=5, indices=[2, 7, 3], places=places, told=told)
    assert strip.shape == (17, 1, 16, 16)
    images = np.concatenate(list(sample(generator, plan, seed=5, count=8, told=told)))
    # Noise has no strength yet, so that the same latents and conditions give the same images.
    np.testing.assert_allclose(strip[[0, 8, 16]], images[[2, 7, 3]], atol=1e-5)
    steps = np.abs(np.diff(strip, axis=0)).mean((1, 2, 3))
    for begin in (0, 8):
        whole = np.abs(strip[begin] - strip[begin + 8]).mean()
        assert steps[begin : begin + 8].max() < 0.6 * whole


def test_a_gif_holds_every_frame_and_says_that_it_is_synthetic(tmp_path: Path) -> None:
    images = np.linspace(-1, 1, 5, dtype=np.float32)[:, None, None, None] * np.ones((1, 1, 8, 8))
    path = write_gif(tmp_path / "walk.gif", images.astype(np.float32), scale=2)
    with Image.open(path) as gif:
        assert gif.n_frames == 5
        assert gif.size == (16, 16)
        assert b"synthetic" in gif.info["comment"]
        assert gif.info["loop"] == 0


def test_ways_are_read_as_documented() -> None:
    assert parse_way("7:0,12,3") == (7, [0, 12, 3])
    for bad in ("7", "7:1", "a:1,2", "1:2,,3", "1:2,-3", ""):
        with pytest.raises(UserError, match="0:3,7"):
            parse_way(bad)
