"""Where there is a GPU: every recipe trains on it, goes on from its checkpoint, and draws."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from engine import KilledError, dying, tiny_job

from plans import DRAWING, recipe_plan
from popgan.progress import Reporter
from popgan.recipes.table import RECIPES, find_recipe
from popgan.synthesis.sample import draw_images
from popgan.training.growth import stage_at
from popgan.training.loop import run

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU"),
]
GPU = torch.device("cuda")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_killed_run_goes_on_to_its_end(tmp_path: Path, recipe: str, precision: str) -> None:
    plan = recipe_plan(recipe, conditional=True, train__ticks=5, train__precision=precision)
    job, _ = tiny_job(plan, tmp_path)
    with pytest.raises(KilledError):
        run(dying(job, 7), find_recipe(recipe).start(plan, GPU), Reporter())
    state = find_recipe(recipe).start(plan, GPU)
    run(tiny_job(plan, tmp_path)[0], state, Reporter())
    assert state.images == plan.train.images
    kept = state.tensors()
    assert {value.device.type for value in kept.values()} == {"cuda"}
    assert all(bool(torch.isfinite(value.float()).all()) for value in kept.values())


@pytest.mark.parametrize("recipe", DRAWING)
def test_what_is_drawn_is_what_the_cpu_draws(recipe: str) -> None:
    plan = recipe_plan(recipe)
    stage = stage_at(plan.train.images - 1, plan.train)
    average = find_recipe(recipe).start(plan, GPU).average
    latents = torch.randn(4, plan.latent_dim)
    on_gpu = draw_images(average, latents, plan, stage)
    on_cpu = draw_images(average.to("cpu"), latents, plan, stage)
    torch.testing.assert_close(
        torch.from_numpy(on_gpu), torch.from_numpy(on_cpu), atol=2e-2, rtol=0
    )
