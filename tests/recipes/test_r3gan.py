"""What changes on R3GAN's schedule is what happens, and nothing else is logged."""

from __future__ import annotations

import pytest
import torch
from engine import Discs

from plans import recipe_plan
from popgan.recipes.table import find_recipe
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
