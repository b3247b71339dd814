"""What changes on R3GAN's schedule is what happens, and nothing else is logged."""

from __future__ import annotations

import pytest
import torch
from engine import Discs

from plans import recipe_plan
from popgan.recipes.table import find_recipe
from popgan.training.growth import annealed
from popgan.training.loop import one_step
from popgan.training.sampler import Sampler


@pytest.mark.parametrize(("method", "expected"), [("ada", 0.0), ("affine", 0.3), ("none", 0.0)])
def test_the_share_of_augmented_images_begins_at_0_only_where_the_method_follows_it(
    method: str, expected: float
) -> None:
    plan = recipe_plan("r3gan", augmentation__method=method, augmentation__probability=0.3)
    recipe = find_recipe("r3gan")
    state = recipe.start(plan, torch.device("cpu"))
    source = Discs()
    one_step(plan, recipe.phases(plan), state, Sampler(len(source), 0, 8), source)
    assert float(state.extras["augment_p"]) == pytest.approx(expected)


def test_the_share_of_augmented_images_follows_the_schedule_in_every_step() -> None:
    plan = recipe_plan("r3gan", augmentation__method="ada", augmentation__interval=2)
    recipe = find_recipe("r3gan")
    state = recipe.start(plan, torch.device("cpu"))
    source, sampler = Discs(), Sampler(8, 0, 8)
    found, expected = [], []
    for _ in range(6):
        assert plan.train.augment_start is not None
        expected.append(annealed(plan.train.augment_start, 0.3, state.images, plan.train))
        one_step(plan, recipe.phases(plan), state, sampler, source)
        found.append(float(state.extras["augment_p"]))
    assert found == pytest.approx(expected)
    assert found[-1] > found[0]
