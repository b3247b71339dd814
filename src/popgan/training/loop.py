"""The training loop: one loop for every recipe.

The loop owns the clock, the order of phases, the averages, the log, the checkpoints and clean
interruption; recipes own the losses. Nothing inside a tick waits for the device (no `.item()`).
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from popgan.config.schema import Plan
from popgan.networks.layers import downsample, enlarge
from popgan.progress import Reporter
from popgan.training import checkpoint
from popgan.training.growth import Stage, rate_factor, stage_at
from popgan.training.log import Row, TrainingLog, make_row
from popgan.training.phase import Phase, Step
from popgan.training.sampler import Sampler
from popgan.training.state import TrainState


class ImageSource(Protocol):
    """Training images by index."""

    def __len__(self) -> int:
        """Number of images."""

    def batch(self, indices: np.ndarray) -> Tensor:
        """N x C x H x W float32 in [-1, 1] at full resolution."""


@dataclass(frozen=True)
class Job:
    """What a training run needs beside its state.

    Attributes:
        plan: the resolved plan.
        plan_hash: identifies the plan in checkpoints.
        phases: the recipe's phases, in order.
        source: the training images.
        log: where rows go.
        checkpoints: private folder of the checkpoints.
        on_tick: called after every tick with the state and the stage; writes sample grids.
    """

    plan: Plan
    plan_hash: str
    phases: list[Phase]
    source: ImageSource
    log: TrainingLog
    checkpoints: Path
    on_tick: Callable[[TrainState, Stage], None]


def run(job: Job, state: TrainState, reporter: Reporter) -> None:
    """Train until the plan's number of images has been seen, resuming where possible.

    Raises:
        KeyboardInterrupt: after Ctrl-C or SIGTERM, once the state is safely on disk.
        UserError: checkpoints of another plan, or a full disk.
        FloatingPointError: a loss is not finite any more.
    """
    plan = job.plan.train
    restored, warnings = checkpoint.restore(state, job.checkpoints, job.plan_hash)
    for text in warnings:
        reporter.warning(text)
    job.log.truncate(state.images if restored else 0)
    sampler = Sampler(len(job.source), job.plan.seed, plan.shuffle_buffer)
    with (
        threads(plan.threads),
        _interruption() as interrupted,
        reporter.task("training", plan.images, state.images) as task,
    ):
        tick_start, tick_images, shown = time.monotonic(), state.images, state.images
        while state.images < plan.images:
            stage = one_step(job.plan, job.phases, state, sampler, job.source)
            done = state.images >= plan.images
            if interrupted.is_set() and not done:
                checkpoint.save(state, job.checkpoints, job.plan_hash)
                raise KeyboardInterrupt
            if _tick_index(state.images, job.plan) > _tick_index(
                state.images - plan.batch, job.plan
            ):
                row = make_row(state, stage, time.monotonic() - tick_start, tick_images)
                tick_start, tick_images = time.monotonic(), state.images
                state.reset_sums(_device(state))
                job.log.append(row)
                job.on_tick(state, stage)
                checkpoint.save(state, job.checkpoints, job.plan_hash)
                task.advance(state.images - shown, **_figures(row))
                shown = state.images
            elif state.step % 10 == 0:
                task.advance(state.images - shown)
                shown = state.images


def one_step(
    plan: Plan, phases: list[Phase], state: TrainState, sampler: Sampler, source: ImageSource
) -> Stage:
    """One batch through all phases that are due; moves the clock on."""
    stage = stage_at(state.images, plan.train)
    reals = source.batch(sampler.indices(state.images, plan.train.batch)).to(_device(state))
    step = Step(plan, state, stage, at_stage(reals, stage, len(plan.network.channels)), state.step)
    for phase in phases:
        if state.step % phase.interval == 0:
            _update(phase, step)
    state.images += plan.train.batch
    state.step += 1
    state.update_average(plan.train, plan.train.batch)
    return stage


def at_stage(images: Tensor, stage: Stage, levels: int) -> Tensor:
    """Full-size images as the stage shows them: averaged down, and blended while fading in."""
    factor = 2 ** (levels - 1 - stage.level)
    images = F.avg_pool2d(images, factor) if factor > 1 else images
    if stage.alpha < 1:
        coarse = enlarge(downsample(images))
        images = coarse + stage.alpha * (images - coarse)
    return images


def _update(phase: Phase, step: Step) -> None:
    state = step.state
    network = state.network(phase.network)
    state.generator.requires_grad_(phase.network == "G")
    state.discriminator.requires_grad_(phase.network == "D")
    bf16 = step.plan.train.precision == "bf16"
    with torch.autocast(step.reals.device.type, torch.bfloat16, enabled=bf16):
        loss = phase.loss(step)
    loss.backward()
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    if phase.name in ("Gmain", "Dmain"):
        norms = torch._foreach_norm(gradients)
        state.gradient_norms[phase.network] = torch.stack(list(norms)).norm().detach()
    optimiser = state.optimisers[phase.network]
    factor = rate_factor(state.images, step.plan.train)
    for group in optimiser.param_groups:
        group["lr"] = group["initial_lr"] * factor
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)


def _device(state: TrainState) -> torch.device:
    return next(state.generator.parameters()).device


def _tick_index(images: int, plan: Plan) -> int:
    return images * plan.train.ticks // plan.train.images if images > 0 else 0


def _figures(row: Row) -> dict[str, str]:
    rate = row["images_per_second"]
    return {
        "level": f"{row['level']:.0f}",
        "fade": f"{row['fade']:.2f}",
        "kimg": f"{row['images'] / 1000:.1f}",
        "img/s": f"{rate:.0f}",
        "s/kimg": f"{1000 / rate:.1f}" if rate else "-",
        "G": f"{row['loss_generator']:.2f}",
        "D": f"{row['loss_discriminator']:.2f}",
    }


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Use so many CPU threads within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _interruption() -> Iterator[threading.Event]:
    """Turn Ctrl-C and SIGTERM into a flag that is looked at between two steps.

    An update that is cut in half could not be resumed exactly. Only a main thread may set
    handlers; elsewhere signals keep their meaning.
    """
    flag = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return
    previous = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        previous[number] = signal.signal(number, lambda *_: flag.set())
    try:
        yield flag
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
