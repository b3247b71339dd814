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
from popgan.planning.masks import with_maps
from popgan.progress import Reporter
from popgan.recipes.table import find_recipe
from popgan.seeds import numpy_rng, torch_rng
from popgan.stations.card import write_card
from popgan.stations.ledger import Ledger
from popgan.stations.model import Model
from popgan.stations.pairs import CohortPairs, translator_of
from popgan.stations.snapshots import TuningScale
from popgan.stations.source import CohortImages
from popgan.stations.story import Story
from popgan.stations.tuning_pairs import PairedScale, ShownPairs, settle_fusion
from popgan.synthesis.image import grid_png
from popgan.synthesis.masks import with_map_shown
from popgan.synthesis.sample import draw_images
from popgan.training.growth import Stage
from popgan.training.job import Job
from popgan.training.log import TrainingLog
from popgan.training.loop import run
from popgan.training.processes import ALONE, Processes
from popgan.training.snapshots import keep_only, take_snapshot
from popgan.training.state import TrainState
from popgan.training.tensors import TensorFileError

GRID = 64  # fixed latents in a sample grid, 8 x 8


def train(
    plan: Plan,
    cohort: Cohort,
    *,
    name: str | None = None,
    restart: bool = False,
    reporter: Reporter | None = None,
    processes: Processes = ALONE,
) -> Model:
    """Train a plan on its cohort, or go on where an interrupted training stopped.

    Args:
        plan: from `make_plan` or a file.
        cohort: the cohort the plan was made for.
        name: name of the model in the run folder; the recipe's by default.
        restart: forget an existing model of that name.
        reporter: shows progress.
        processes: who shares the work; each of them calls this function, inside of
            `training.processes.joined`.

    Returns:
        The trained model.

    Raises:
        UserError: the plan is of another cohort, the model exists with another plan, the batch
            cannot be shared by the processes, training went wrong, or the disk is full.
        KeyboardInterrupt: interrupted; the same call resumes.
    """
    reporter = reporter if reporter and processes.leads else Reporter()
    if plan.data.cohort != cohort.hash:
        raise UserError(
            "the plan was made for another cohort", where=cohort.run, do="plan this run again"
        )
    check_share(plan, processes, reporter)
    cohort = with_maps(cohort, plan)
    model = Model(cohort.run, name or plan.recipe)
    ledger, station = Ledger(model.run), f"train {model.name}"
    done = False
    if processes.leads:
        if restart:
            model.clear(reporter)
        _keep_plan(model, plan)
        done = ledger.is_done(station, {"plan": model.plan_hash()})
    # The others wait here until the folder is in order.
    if processes.told(int(done)):
        reporter.message(f"[{station}] unchanged, skipped")
        return model
    state = find_recipe(plan.recipe).start(plan, best_device())
    scale = _scale(plan, cohort)
    job = _job(model, plan, cohort, scale, processes)
    if not processes.leads:
        run(job, state, reporter)
        return model
    outputs = [model.weights_path, model.log_path]
    with ledger.station(station, {"plan": model.plan_hash()}, outputs, reporter):
        private_folder(model.run)
        run(job, state, reporter)
        _export(model, state, scale, reporter)
        write_card(model, cohort)
    return model


def _scale(plan: Plan, cohort: Cohort) -> TuningScale | PairedScale | None:
    """What snapshots are measured with."""
    if plan.translates:
        return PairedScale(plan, cohort)
    return TuningScale(plan, cohort) if plan.train.snapshots else None


def check_share(plan: Plan, processes: Processes, reporter: Reporter | None = None) -> None:
    """Refuse a number of processes that cannot share the plan's batch.

    Args:
        plan: of the training.
        processes: who is to share it.
        reporter: told where sharing is possible and gains nothing.

    Raises:
        UserError: it cannot be divided into whole groups of minibatch statistics.
    """
    group, batch = plan.network.minibatch_stddev, plan.train.batch
    if processes.rows(batch, group) is None and processes.count > 1:
        most = max(n for n in range(1, processes.count) if batch % (n * group) == 0)
        raise UserError(
            f"{processes.count} processes cannot share a batch of {batch} in whole groups of "
            f"{group} (network.minibatch_stddev)",
            do=f"take {most}, or plan another batch with --set train.batch and --restart",
        )
    if reporter and processes.count > 1 and plan.network.whole:
        reporter.warning(
            f"{processes.count} processes are no faster than one: recipe {plan.recipe} cannot "
            f"divide a batch, because {plan.network.whole}"
        )


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


def _job(
    model: Model,
    plan: Plan,
    cohort: Cohort,
    scale: TuningScale | PairedScale | None,
    processes: Processes,
) -> Job:
    if isinstance(scale, PairedScale):
        return _pairs_job(model, plan, cohort, scale, processes)
    latents = torch.randn((GRID, plan.latent_dim), generator=torch_rng(plan.seed, "grid"))
    images = CohortImages(cohort, "train", plan.data.conditions, plan.data.masks)
    told = images.condition(numpy_rng(plan.seed, "grid").integers(len(images), size=GRID))

    def on_tick(state: TrainState, stage: Stage) -> Tensor:
        samples = draw_images(state.average, latents, plan, stage, condition=told)
        shown = with_map_shown(samples, plan)
        grid_png(model.samples / f"{state.images:012d}.png", shown, columns=8, gutter=2)
        return torch.from_numpy(samples)

    return Job(
        plan=plan,
        plan_hash=model.plan_hash(),
        phases=find_recipe(plan.recipe).phases(plan),
        source=images,
        log=TrainingLog(model.log_path),
        checkpoints=model.checkpoints,
        on_tick=on_tick,
        measure=scale,
        on_safe=model.drop_replaced,
        processes=processes,
    )


def _pairs_job(
    model: Model, plan: Plan, cohort: Cohort, scale: PairedScale, processes: Processes
) -> Job:
    """The job of a translator: the same, but for pairs, what is shown of them, and fusion."""
    shown = ShownPairs(plan, cohort, model.pairs_shown)
    return Job(
        plan=plan,
        plan_hash=model.plan_hash(),
        phases=find_recipe(plan.recipe).phases(plan),
        source=CohortPairs(cohort, "train", translator_of(plan)),
        log=TrainingLog(model.log_path),
        checkpoints=model.checkpoints,
        on_tick=shown,
        measure=scale if plan.train.snapshots else None,
        settle=settle_fusion(plan, scale, processes),
        on_safe=model.drop_replaced,
        processes=processes,
    )


def _export(
    model: Model, state: TrainState, scale: TuningScale | PairedScale | None, reporter: Reporter
) -> None:
    """Write the weights of the chosen snapshot, and how training went beside them."""
    story = Story(events=[f"After {e.images} images: {e.text}." for e in state.guard.events])
    if scale is not None and state.guard.scores:
        choice = scale.choose(state.guard.scores)
        try:
            take_snapshot(state, model.checkpoints, choice.images)
        except TensorFileError as error:
            reporter.warning(f"the chosen snapshot cannot be read ({error}); the last is exported")
        else:
            story = story.model_copy(update={"choice": choice.text})
            reporter.message(f"exported: {choice.text}")
            keep_only(model.checkpoints, choice.images)
    save_weights(state.average, model.weights_path, model, story)


def save_weights(generator: torch.nn.Module, path: Path, model: Model, story: Story) -> None:
    """Write the averaged generator as safetensors; equal weights give equal bytes.

    The discriminator is never exported.
    """
    tensors: dict[str, Tensor] = {
        name: value.detach().cpu().contiguous() for name, value in generator.state_dict().items()
    }
    metadata = {
        "format": "pt",
        "recipe": model.plan().recipe,
        "plan": model.plan_hash(),
        "training": story.model_dump_json(),
    }
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
