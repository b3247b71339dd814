"""A toy data source and a tiny training job for tests of the engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from popgan.config.schema import Plan
from popgan.recipes.table import find_recipe
from popgan.training.log import TrainingLog
from popgan.training.loop import Job
from popgan.training.state import TrainState


class Discs:
    """24 bright discs of random size and place on background, 16 x 16."""

    def __init__(self, side: int = 16, count: int = 24) -> None:
        rng = np.random.default_rng(0)
        y, x = np.mgrid[:side, :side]
        centres, radii = rng.uniform(6, 10, (count, 2)), rng.uniform(3, 6, count)
        images = [np.hypot(y - c[0], x - c[1]) < r for c, r in zip(centres, radii, strict=True)]
        self.images = torch.from_numpy(np.stack(images).astype(np.float32)[:, None] * 1.6 - 0.9)

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: np.ndarray) -> torch.Tensor:
        return self.images[torch.from_numpy(indices)]


def tiny_job(plan: Plan, folder: Path) -> tuple[Job, TrainState]:
    """A job on the discs, logging and saving under `folder`."""
    recipe = find_recipe(plan.recipe)
    folder.mkdir(parents=True, exist_ok=True)
    job = Job(
        plan=plan,
        plan_hash="plan",
        phases=recipe.phases(plan),
        source=Discs(),
        log=TrainingLog(folder / "log.csv"),
        checkpoints=folder / "checkpoints",
        on_tick=lambda state, stage: None,
    )
    return job, recipe.start(plan, torch.device("cpu"))


def same(one: TrainState, other: TrainState) -> bool:
    """Whether two states are equal to the last bit."""
    a, b = one.tensors(), other.tensors()
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)
