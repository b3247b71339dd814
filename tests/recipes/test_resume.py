"""Every recipe goes on exactly where it was killed: weights to the last bit, log as well."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from engine import KilledError, dying, same, tiny_job

from plans import recipe_plan
from popgan.progress import Reporter
from popgan.recipes.table import RECIPES
from popgan.training.log import read_log
from popgan.training.loop import run

# Steps that each process lives; a checkpoint comes every fourth, so each goes back a little. Among
# them: mid-fade, between two penalties, within an interval of the augmentation's controller.
LIVES = (7, 6, 5)


@pytest.mark.parametrize(
    ("recipe", "masks"), [*((name, False) for name in RECIPES), ("popgan", True)]
)
def test_a_killed_run_ends_with_the_same_bits(tmp_path: Path, recipe: str, masks: bool) -> None:
    plan = recipe_plan(recipe, conditional=True, masks=masks, train__ticks=5)
    job, undisturbed = tiny_job(plan, tmp_path / "a")
    run(job, undisturbed, Reporter())
    for steps in LIVES:
        job, state = tiny_job(plan, tmp_path / "b")
        with pytest.raises(KilledError):
            run(dying(job, steps), state, Reporter())
    job, resumed = tiny_job(plan, tmp_path / "b")
    run(job, resumed, Reporter())
    assert same(undisturbed, resumed)
    rows_a, rows_b = read_log(tmp_path / "a/log.csv"), read_log(tmp_path / "b/log.csv")
    for name in ("images", "loss_generator", "accuracy_real", "penalty", "augment_p"):
        assert [r[name] for r in rows_a] == [r[name] for r in rows_b], name


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_parameter_of_both_networks_learns(tmp_path: Path, recipe: str) -> None:
    plan = recipe_plan(recipe, conditional=True, augmentation__probability=0.1)
    job, state = tiny_job(plan, tmp_path)
    before = {k: v.clone() for k, v in state.tensors().items() if not k.startswith("sum")}
    run(job, state, Reporter())
    for key, value in state.tensors().items():
        # Fixed noise does not learn, nor does a constant in front of a relativistic loss.
        fixed = key.endswith(("synthesis.noise", "logit.bias"))
        if key.startswith(("generator.", "discriminator.")) and not fixed:
            assert not torch.equal(value, before[key]), key
