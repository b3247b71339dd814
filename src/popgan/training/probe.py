"""How fast this machine trains a plan: a few real steps at every level, then thrown away."""

from __future__ import annotations

import math
import time
from functools import partial
from statistics import mean

import torch

from popgan.config.schema import Plan
from popgan.training.growth import stage_at
from popgan.training.loop import one_step, threads
from popgan.training.phase import Phase
from popgan.training.sampler import ImageSource, Sampler
from popgan.training.state import TrainState

SECONDS_A_LEVEL = 2.0


def measure(
    plan: Plan,
    phases: list[Phase],
    state: TrainState,
    source: ImageSource,
    seconds: float = SECONDS_A_LEVEL,
) -> list[float]:
    """Images/s at each level, fully faded in; over streams and joint network where there are both.

    The state is trained by the probe and must be discarded afterwards.

    Args:
        plan: the plan, whose number of images may be provisional.
        phases: the recipe's phases.
        state: a throw-away state.
        source: the training images.
        seconds: spent on each level, at least.
    """
    sampler = Sampler(len(source), plan.seed, plan.train.shuffle_buffer)
    speeds, seen = [], 0.0
    with threads(plan.train.threads):
        for share in plan.train.level_shares:
            if share == 0:
                speeds.append(1.0)
                continue
            seen += share * plan.train.images
            speed = partial(_speed, plan, phases, state, sampler, source, seconds)
            if plan.train.stream_share is None:
                # The middle of a level's second half is fully in, wherever fading ends.
                speeds.append(speed(int(seen) - 1))
                continue
            streams = plan.train.stream_share
            speeds.append(1 / (streams / speed(0) + (1 - streams) / speed(int(seen) - 1)))
    return speeds


def _speed(
    plan: Plan,
    phases: list[Phase],
    state: TrainState,
    sampler: Sampler,
    source: ImageSource,
    least: float,
    position: int,
) -> float:
    """Images/s at one position; the cost of a lazy penalty is spread over its interval."""
    assert stage_at(position, plan.train).alpha == 1.0

    def seconds(step: int) -> float:
        state.images, state.step = position, step
        start = time.perf_counter()
        one_step(plan, phases, state, sampler, source)
        _wait(state)
        return time.perf_counter() - start

    kinds = kinds_of_steps(phases)
    # The first steps set up kernels and, on a GPU, pick algorithms.
    times = {first: [seconds(first)] for first in kinds}
    if sum(map(sum, times.values())) <= least:
        times = {first: [] for first in kinds}
        while sum(map(sum, times.values())) < least:
            for first, count in kinds.items():
                times[first] += [seconds(first) for _ in range(min(3, count))]
    # Means, not medians: a busy machine will disturb the training as it disturbs the probe.
    cost = sum(count * mean(times[first]) for first, count in kinds.items()) / sum(kinds.values())
    return plan.train.batch / cost


def kinds_of_steps(phases: list[Phase]) -> dict[int, int]:
    """The kinds of steps by which phases are due: number of the first such step -> how many of
    its kind come before all repeats."""
    cycle = math.lcm(*(phase.interval for phase in phases))
    found: dict[tuple[bool, ...], list[int]] = {}
    for step in range(cycle):
        found.setdefault(tuple(step % phase.interval == 0 for phase in phases), []).append(step)
    return {steps[0]: len(steps) for steps in found.values()}


def _wait(state: TrainState) -> None:
    if next(state.generator.parameters()).is_cuda:
        torch.cuda.synchronize()
