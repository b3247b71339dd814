"""How fast this machine trains a plan: a few real steps at every level, then thrown away."""

from __future__ import annotations

import time
from statistics import mean

import torch

from popgan.config.schema import Plan
from popgan.training.growth import stage_at
from popgan.training.loop import one_step, threads
from popgan.training.phase import Phase
from popgan.training.sampler import ImageSource, Sampler
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
    """Images/s at one position; the cost of the lazy penalty is spread over its interval."""
    assert stage_at(position, plan.train).alpha == 1.0
    interval = plan.train.penalty_interval

    def seconds(step: int) -> float:
        state.images, state.step = position, step
        start = time.perf_counter()
        one_step(plan, phases, state, sampler, source)
        _wait(state)
        return time.perf_counter() - start

    # The first steps set up kernels and, on a GPU, pick algorithms.
    warm = [seconds(0), seconds(1)]
    if sum(warm) > SECONDS_A_LEVEL:
        penalised, plain = [warm[0]], [warm[1]]
    else:
        penalised, plain = [], []
        while sum(penalised) + sum(plain) < SECONDS_A_LEVEL:
            penalised.append(seconds(0))
            plain += [seconds(1), seconds(2), seconds(3)]
    # Means, not medians: a busy machine will disturb the training as it disturbs the probe.
    cost = (mean(penalised) + (interval - 1) * mean(plain)) / interval
    return plan.train.batch / cost


def _wait(state: TrainState) -> None:
    if next(state.generator.parameters()).is_cuda:
        torch.cuda.synchronize()
