"""What a training run needs beside its state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from popgan.config.schema import Plan
from popgan.training.growth import Stage
from popgan.training.guard import Score
from popgan.training.log import TrainingLog
from popgan.training.phase import Phase
from popgan.training.processes import ALONE, Processes
from popgan.training.sampler import ImageSource
from popgan.training.state import TrainState


@dataclass(frozen=True)
class Job:
    """A training run.

    Attributes:
        plan: the resolved plan.
        plan_hash: identifies the plan in checkpoints.
        phases: the recipe's phases, in order.
        source: the training images.
        log: where rows go.
        checkpoints: private folder of the checkpoints.
        on_tick: called after every tick with the state and the stage; writes sample grids and
            returns the samples, always of the same latent vectors, N x C x H x W at full size.
        measure: measures the averaged generator against the tuning split; None: nobody does.
        measured: numbers of the ticks (1 .. plan.ticks) after which `measure` is asked; None: those
            of `snapshot_ticks`.
        settle: decides at a tick, in every process alike, what a recipe leaves to the tuning split;
            it may change the state.
        on_safe: called once there is a checkpoint of this training's own work.
        ended: asked before the first step and at a tick, once that is safe, whether training ends
            there; of several processes all have to answer alike.
        processes: who shares the work; all of them run the same job.
    """

    plan: Plan
    plan_hash: str
    phases: list[Phase]
    source: ImageSource
    log: TrainingLog
    checkpoints: Path
    on_tick: Callable[[TrainState, Stage], Tensor | None]
    measure: Callable[[TrainState], Score] | None = None
    measured: Sequence[int] | None = None
    settle: Callable[[TrainState], None] | None = None
    on_safe: Callable[[], None] = lambda: None
    ended: Callable[[], bool] = lambda: False
    processes: Processes = ALONE
