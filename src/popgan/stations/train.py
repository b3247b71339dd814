"""Station train: plan and cohort in, weights, log and sample grids out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from popgan.cohort.cohort import Cohort
from popgan.config.schema import Plan
from popgan.device import best_device
from popgan.errors import UserError
from popgan.files import atomic_path, private_folder
from popgan.progress import Reporter
from popgan.recipes.table import find_recipe
from popgan.seeds import torch_rng
from popgan.stations.card import write_card
from popgan.stations.ledger import Ledger
from popgan.stations.model import Model
from popgan.stations.source import CohortImages
from popgan.synthesis.image import grid_png
from popgan.synthesis.sample import draw_images
from popgan.training.growth import Stage
from popgan.training.log import TrainingLog
from popgan.training.loop import Job, run
from popgan.training.state import TrainState

GRID = 64  # fixed latents in a sample grid, 8 x 8


def train(
    plan: Plan,
    cohort: Cohort,
    *,
    name: str | None = None,
    restart: bool = False,
    reporter: Reporter | None = None,
) -> Model:
    """Train a plan on its cohort, or go on where an interrupted training stopped.

    Args:
        plan: from `make_plan` or a file.
        cohort: the cohort the plan was made for.
        name: name of the model in the run folder; the recipe's by default.
        restart: forget an existing model of that name.
        reporter: shows progress.

    Returns:
        The trained model.

    Raises:
        UserError: the plan is of another cohort, the model exists with another plan, training
            diverged, or the disk is full.
        KeyboardInterrupt: interrupted; the same call resumes.
    """
    reporter = reporter or Reporter()
    if plan.data.cohort != cohort.hash:
        raise UserError(
            "the plan was made for another cohort", where=cohort.run, do="plan this run again"
        )
    model = Model(cohort.run, name or plan.recipe)
    if restart:
        model.clear()
    _keep_plan(model, plan)
    inputs = {"plan": model.plan_hash()}
    ledger, station = Ledger(model.run), f"train {model.name}"
    if ledger.is_done(station, inputs):
        reporter.message(f"[{station}] unchanged, skipped")
        return model
    with ledger.station(station, inputs, [model.weights_path, model.log_path], reporter):
        private_folder(model.run)
        state = find_recipe(plan.recipe).start(plan, best_device())
        _run(model, plan, CohortImages(cohort, "train"), state, reporter)
        save_weights(state.average, model.weights_path, model)
        write_card(model, cohort)
    return model


def _keep_plan(model: Model, plan: Plan) -> None:
    if not model.plan_path.exists():
        plan.save(model.plan_path)
    elif _values(model.plan()) != _values(plan):
        if model.has_training():
            raise UserError(
                f"model {model.name!r} has another plan",
                where=model.run,
                do="train find_model(run).plan() to go on with it; with restart=True this plan "
                "takes its place, with name=... both stay",
            )
        plan.save(model.plan_path)


def _values(plan: Plan) -> dict[str, Any]:
    return plan.model_dump(mode="json", exclude={"decisions"})


def _run(
    model: Model, plan: Plan, images: CohortImages, state: TrainState, reporter: Reporter
) -> None:
    latents = torch.randn((GRID, plan.network.latent_dim), generator=torch_rng(plan.seed, "grid"))

    def on_tick(state: TrainState, stage: Stage) -> None:
        samples = draw_images(state.average, latents, plan, stage)
        grid_png(model.samples / f"{state.images:012d}.png", samples, columns=8, gutter=2)

    job = Job(
        plan=plan,
        plan_hash=model.plan_hash(),
        phases=find_recipe(plan.recipe).phases(plan),
        source=images,
        log=TrainingLog(model.log_path),
        checkpoints=model.checkpoints,
        on_tick=on_tick,
    )
    try:
        run(job, state, reporter)
    except FloatingPointError as error:
        raise UserError(
            f"training diverged: {error}",
            where=model.folder,
            do="halve train.lr_generator and train.lr_discriminator with --set and --restart",
        ) from error


def save_weights(generator: torch.nn.Module, path: Path, model: Model) -> None:
    """Write the averaged generator as safetensors; equal weights give equal bytes.

    The discriminator is never exported.
    """
    tensors: dict[str, Tensor] = {
        name: value.detach().cpu().contiguous() for name, value in generator.state_dict().items()
    }
    metadata = {"format": "pt", "recipe": model.plan().recipe, "plan": model.plan_hash()}
    content = _ordered(save(tensors, metadata))
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def _ordered(content: bytes) -> bytes:
    """The same file with its metadata in alphabetical order; safetensors leaves it to chance."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode().ljust(size)
    assert len(text) == size
    return content[:8] + text + content[8 + size :]
