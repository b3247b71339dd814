"""How fast this machine trains a plan: a few real steps at every level, then thrown away."""

from __future__ import annotations

import time

import torch

from popgan.config.schema import Plan
from popgan.training.growth import stage_at
from popgan.training.loop import ImageSource, one_step, threads
from popgan.training.phase import Phase
from popgan.training.sampler import Sampler
from popgan.training.state import TrainState

SECONDS_A_LEVEL = 2.0


def measure(plan: Plan, phases: list[Phase], state: TrainState, source: ImageSource) -> list[float]:
    """Images/s at each level, fully faded in.

    The state is trained by the probe and must be discarded afterwards.

    Args:
        plan: the plan, whose number of images may be provisional.
        phases: the recipe's phases.
        state: a throw-away state.
        source: the training images.
    """
    sampler = Sampler(len(source), plan.seed, plan.train.shuffle_buffer)
    speeds, seen = [], 0.0
    with threads(plan.train.threads):
        for share in plan.train.level_shares:
            if share == 0:
                speeds.append(1.0)
                continue
            # The middle of a level's second half is fully in, wherever fading ends.
            seen += share * plan.train.images
            speeds.append(_speed(plan, phases, state, sampler, source, int(seen) - 1))
    return speeds


def _speed(
    plan: Plan,
    phases: list[Phase],
    state: TrainState,
    sampler: Sampler,
    source: ImageSource,
    position: int,
) -> float:
    assert stage_at(position, plan.train).alpha == 1.0
    interval = plan.train.penalty_interval

    def steps(count: int) -> float:
        start = time.perf_counter()
        for _ in range(count):
            state.images = position
            one_step(plan, phases, state, sampler, source)
        _wait(state)
        return time.perf_counter() - start

    state.step = 0
    # The first steps set up kernels and, on a GPU, pick algorithms.
    steps(2)
    done, spent = 0, 0.0
    state.step = 0
    # Whole intervals of the lazy penalty, at least one, so that its cost counts as it should.
    while done == 0 or (spent < SECONDS_A_LEVEL and done < 64 * interval):
        spent += steps(interval)
        done += interval
    return done * plan.train.batch / spent


def _wait(state: TrainState) -> None:
    if next(state.generator.parameters()).is_cuda:
        torch.cuda.synchronize()
