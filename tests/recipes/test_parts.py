"""Every recipe in micro-batches is the recipe in batches; batch norm is never divided."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine import apart, tiny_job

from plans import recipe_plan
from popgan.progress import Reporter
from popgan.recipes.table import RECIPES
from popgan.training.loop import run


@pytest.mark.parametrize("recipe", RECIPES)
def test_training_in_micro_batches_is_training_in_batches(tmp_path: Path, recipe: str) -> None:
    states = []
    for micro in (0, 4):
        plan = recipe_plan(
            recipe,
            conditional=True,
            train__images=48,
            train__lr_generator=1e-4,
            train__lr_discriminator=1e-4,
            train__micro_batch=micro,
        )
        job, state = tiny_job(plan, tmp_path / str(micro))
        run(job, state, Reporter())
        states.append(state)
    _, fresh = tiny_job(plan, tmp_path)
    found = {k: v for k, v in apart(*states, fresh).items() if k.endswith(".")}
    assert max(found.values()) < 1e-2, found
    kept = [state.extras for state in states]
    for name, value in kept[0].items():
        assert float(value) == pytest.approx(float(kept[1][name]), rel=1e-3), name
