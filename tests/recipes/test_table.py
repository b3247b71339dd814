"""Recipes are found by name, and start the same from the same seed."""

from __future__ import annotations

import pytest
import torch
from engine import same

from plans import tiny_plan
from popgan.errors import UserError
from popgan.recipes.table import find_recipe


def test_a_fresh_state_depends_on_the_seed_alone() -> None:
    recipe, device = find_recipe("popgan"), torch.device("cpu")
    torch.manual_seed(1)
    one = recipe.start(tiny_plan(), device)
    torch.manual_seed(2)
    before = torch.random.get_rng_state()
    other = recipe.start(tiny_plan(), device)
    assert same(one, other)
    assert torch.equal(before, torch.random.get_rng_state())
    assert not same(one, recipe.start(tiny_plan(seed=99), device))


def test_unknown_recipes_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"'magic'.*popgan"):
        find_recipe("magic")


def test_the_penalty_runs_lazily_and_only_if_it_weighs_anything() -> None:
    recipe = find_recipe("popgan")
    assert [(p.name, p.interval) for p in recipe.phases(tiny_plan())] == [
        ("Dmain", 1),
        ("Dreg", 4),
        ("Gmain", 1),
    ]
    names = [p.name for p in recipe.phases(tiny_plan(train__gamma=0.0))]
    assert names == ["Dmain", "Gmain"]
