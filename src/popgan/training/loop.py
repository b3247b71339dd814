"""The training loop: one loop for every recipe.

The loop owns the clock, the order of phases and clean interruption; `update` does an update,
`ticks` what happens between them; recipes own the losses. Nothing inside a tick waits for a GPU.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from popgan.config.schema import Plan
from popgan.device import kept_memory, sent
from popgan.progress import Reporter
from popgan.training.growth import Stage, at_stage, stage_at
from popgan.training.job import Job
from popgan.training.phase import Phase, Step
from popgan.training.processes import ALONE, Processes
from popgan.training.sampler import ImageSource, Sampler
from popgan.training.state import TrainState
from popgan.training.ticks import Ticks, resume, tick_index
from popgan.training.update import device_of, spread_of, update

LOOK = 16  # steps between two looks at a GPU or at other processes


def run(job: Job, state: TrainState, reporter: Reporter) -> None:
    """Train until the plan's number of images has been seen, or the job has ended before.

    Where there are checkpoints it goes on from them.

    Training that goes wrong (`monitor`) is taken back once to its last good checkpoint and goes on
    with half the learning rates; if it goes wrong again, it stops.

    Raises:
        KeyboardInterrupt: after Ctrl-C or SIGTERM, once the state is safely on disk.
        UserError: checkpoints of another plan or none readable, a full disk, too little memory,
            another process has ended, or training went wrong twice.
    """
    plan = job.plan.train
    resume(job, state, reporter)
    sampler = Sampler(len(job.source), job.plan.seed, plan.shuffle_buffer)
    with (
        threads(max(1, plan.threads // job.processes.count)),
        _interruption() as interrupted,
        reporter.task("training", plan.images, state.images) as task,
    ):
        ticks = Ticks(job, state, reporter, task)
        # It may have ended at the very tick that it goes on from.
        over = job.ended()
        while state.images < plan.images and not over:
            stage = one_step(job.plan, job.phases, state, sampler, job.source, job.processes)
            ticks.tell()
            due = tick_index(state.images, job.plan) > tick_index(
                state.images - plan.batch, job.plan
            )
            stop, broken = _look(job, state, interrupted.is_set(), due)
            if due or broken:
                ticks.end(stage, broken=broken)
                over = job.ended()
            elif stop:
                ticks.save()
            if stop and not over:
                raise KeyboardInterrupt
        # The last tick takes seconds, and whoever interrupts there does not want what comes next.
        if interrupted.is_set():
            raise KeyboardInterrupt


def _look(job: Job, state: TrainState, interrupted: bool, due: bool) -> tuple[bool, bool]:
    """Whether to stop, and whether an update was not finite.

    To read a tensor is to wait for a GPU, and so is to ask other processes: there it is done now
    and then only.
    """
    waits = device_of(state).type != "cpu"
    if waits and not due and state.step % LOOK and (job.processes.count > 1 or not interrupted):
        return False, False
    stop, broken = job.processes.any(interrupted, bool(state.sums["broken"] > 0))
    return stop, broken


def one_step(
    plan: Plan,
    phases: list[Phase],
    state: TrainState,
    sampler: Sampler,
    source: ImageSource,
    processes: Processes = ALONE,
    *,
    do: Callable[[Phase, Step], None] = update,
) -> Stage:
    """One batch through all phases that are due; moves the clock on.

    Args:
        plan: of the training.
        phases: the recipe's, in their order.
        state: that is trained.
        sampler: says which images are next.
        source: of them.
        processes: that train together.
        do: runs a phase.

    Raises:
        UserError: the memory is not enough, however small the micro-batch.
    """
    stage = stage_at(state.images, plan.train)
    indices = sampler.indices(state.images, plan.train.batch)
    reals = sent(source.batch(indices), device_of(state))
    reals = at_stage(reals, stage, plan.network.levels)
    told = source.condition(indices)
    told = None if told is None else sent(told, device_of(state))
    spread = spread_of(plan, state, stage.level, processes)
    step = Step(plan, state, stage, reals, state.step, told, spread=spread)
    for phase in phases:
        if state.step % phase.interval == 0:
            do(phase, step)
    state.images += plan.train.batch
    state.step += 1
    state.update_average(plan.train, plan.train.batch)
    return stage


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Use so many CPU threads within the block, and keep the memory that is freed there."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with kept_memory():
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
