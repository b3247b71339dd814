"""How near a generator is to the test split as its training goes on.

The training is popgan's own loop with popgan's own job; only what happens at a tick is more: the
averaged generator is measured, as it would be drawn then. Measuring changes nothing of the state,
and nothing is chosen by it.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from popgan.cohort import Cohort
from popgan.config.schema import Plan
from popgan.device import best_device
from popgan.evidence.features import FeatureExtractor, cached_features
from popgan.evidence.fidelity.kid import kid_with_replicates
from popgan.evidence.statistics import (
    image_groups,
    jackknife_variance,
    owners_of,
    subject_groups,
)
from popgan.files import private_folder, read_json, write_json
from popgan.progress import Reporter
from popgan.recipes.table import find_recipe
from popgan.seeds import derive, numpy_rng, torch_rng
from popgan.stations.model import Model
from popgan.stations.source import CohortImages
from popgan.stations.train import GRID
from popgan.synthesis.image import grid_png
from popgan.synthesis.sample import BATCH, draw_images, latents
from popgan.training.growth import Stage
from popgan.training.job import Job
from popgan.training.log import TrainingLog
from popgan.training.loop import run
from popgan.training.state import TrainState
from popgan.training.ticks import tick_index
from quality_plan import minutes_at

POINTS = 12
IMAGES = 500  # synthetic images a point


class TestScale:
    """KID of generators against the test split, always with the same latent vectors.

    Args:
        plan: of the training; unconditional.
        cohort: its cohort.
    """

    __test__ = False  # pytest takes it for a test otherwise

    def __init__(self, plan: Plan, cohort: Cohort) -> None:
        owners = cohort.subjects("test")
        self.plan, self.subjects = plan, subject_groups(owners, seed=plan.seed)
        self.owners = owners_of(owners)
        self.extractor = FeatureExtractor(device=best_device())
        self.reference = cached_features(
            cohort.images("test"), self.extractor, cohort.run / "cache"
        )

    def __call__(self, generator: torch.nn.Module, stage: Stage, count: int) -> dict[str, float]:
        """The KID and its standard error."""
        seed = derive(self.plan.seed, "curve") % 2**31
        starts = range(0, count, BATCH)
        drawn = [
            draw_images(generator, latents(self.plan, seed, range(s, s + BATCH)), self.plan, stage)
            for s in starts
        ]
        fakes = self.extractor(np.concatenate(drawn)[:count])
        groups = image_groups(count, seed=self.plan.seed)
        kid, real, fake = kid_with_replicates(
            self.reference, self.subjects, fakes, groups, x_owners=self.owners
        )
        variance = sum(jackknife_variance(kid, left) for left in (real, fake))
        return {"kid": round(kid, 5), "error": round(math.sqrt(variance), 5)}


def due_ticks(plan: Plan, speeds: list[float], points: int = POINTS) -> list[int]:
    """The ticks nearest to evenly spaced times, the last one included."""
    ticks, images = plan.train.ticks, plan.train.images
    times = [
        minutes_at(math.ceil(tick * images / ticks), plan, speeds) for tick in range(ticks + 1)
    ]
    wanted = [times[-1] * point / points for point in range(1, points + 1)]
    near = {min(range(1, ticks + 1), key=lambda tick: abs(times[tick] - at)) for at in wanted}
    return sorted(near | {ticks})


def train_measured(
    plan: Plan, cohort: Cohort, speeds: list[float], reporter: Reporter, *, images: int = IMAGES
) -> list[dict[str, float]]:
    """Train, or go on; the KID at some twelve times.

    Args:
        plan: the plan.
        cohort: in a run folder of its own.
        speeds: frozen speeds, by which images become minutes.
        reporter: told about troubles.
        images: synthetic images a point.

    Returns:
        Points in order: images, minutes, side (of what is drawn then, pixels), kid, error.
    """
    model = Model(cohort.run, "curve")
    private_folder(model.run)
    if not model.plan_path.exists():
        plan.save(model.plan_path)
    source, scale = CohortImages(cohort, "train", plan.data.conditions), TestScale(plan, cohort)
    fixed = torch.randn((GRID, plan.latent_dim), generator=torch_rng(plan.seed, "grid"))
    told = source.condition(numpy_rng(plan.seed, "grid").integers(len(source), size=GRID))
    path, due = model.folder / "curve.json", due_ticks(plan, speeds)

    def on_tick(state: TrainState, stage: Stage) -> Tensor:
        samples = draw_images(state.average, fixed, plan, stage, condition=told)
        if tick_index(state.images, plan) in due:
            point = {
                "images": state.images,
                "minutes": round(minutes_at(state.images, plan, speeds), 3),
                "side": plan.data.height // 2 ** (plan.network.levels - 1 - stage.level),
                **scale(state.average, stage, images),
            }
            write_json(path, with_point(_known(path), point))
            grid_png(model.samples / f"{state.images:012d}.png", samples, columns=8, gutter=2)
        return torch.from_numpy(samples)

    job = Job(
        plan=plan,
        plan_hash=model.plan_hash(),
        phases=find_recipe(plan.recipe).phases(plan),
        source=source,
        log=TrainingLog(model.log_path),
        checkpoints=model.checkpoints,
        on_tick=on_tick,
    )
    run(job, find_recipe(plan.recipe).start(plan, best_device()), reporter)
    return _known(path)


def _known(path: Path) -> list[dict[str, float]]:
    return list(read_json(path)) if path.exists() else []


def with_point(points: list[dict[str, float]], new: dict[str, float]) -> list[dict[str, float]]:
    """The points of a curve with one more.

    Training that goes back shows the same or later images again: what it had shown from there on
    is forgotten.
    """
    return [point for point in points if point["images"] < new["images"]] + [new]
