"""How fast this machine trains a plan: a few real steps at every level, then thrown away.

What other programs take meanwhile is told by the time that the measuring thread had a core. On a
GPU nobody else is expected, and only the clock on the wall counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import torch

from popgan.config.schema import Plan
from popgan.training.growth import stage_at
from popgan.training.loop import one_step, threads
from popgan.training.neighbours import QUIET
from popgan.training.phase import Phase, Step
from popgan.training.room import make_room
from popgan.training.sampler import ImageSource, Sampler
from popgan.training.state import TrainState
from popgan.training.update import device_of, update

First = Literal["whole", "without penalties", "none"]
"""A step that is made before measuring."""
SECONDS_A_LEVEL = 2.0
TRIES = 3
"""How often a level is measured where that is not so."""
PATIENCE = 5.0
"""No measurement of a level is repeated after so many times the seconds it should take."""


@dataclass(frozen=True)
class Cost:
    """What something costs, such as a step.

    Attributes:
        wall: seconds.
        own: seconds of them in which the measuring thread had a core; all of them on a GPU.
    """

    wall: float
    own: float

    @property
    def share(self) -> float:
        """Of the time, how much the thread had a core: 0 .. 1."""
        return min(1.0, self.own / self.wall)

    @classmethod
    def mean(cls, costs: Iterable[tuple[float, Cost]]) -> Cost:
        """The mean of costs with weights."""
        pairs = list(costs)
        total = sum(weight for weight, _ in pairs)
        return cls(
            sum(weight * one.wall for weight, one in pairs) / total,
            sum(weight * one.own for weight, one in pairs) / total,
        )


@dataclass(frozen=True)
class Measured:
    """How fast a plan trains.

    Attributes:
        speeds: images/s at each level; 1 where it has no images.
        share: of the time that the whole plan would take so, how much of it the measuring thread
            had a core, 0 .. 1. Far below 1 other programs are in the way.
        own: images a second in which the measuring thread had a core. Two of them can be held
            against each other whatever other programs took of either; no wall shows them.
        at_once: images that networks could see at once at each level; 0 = the whole batch. Empty
            where nobody asked.
    """

    speeds: list[float]
    share: float
    own: list[float]
    at_once: list[int] = field(default_factory=list)


def measure(
    plan: Plan,
    phases: list[Phase],
    state: TrainState,
    source: ImageSource,
    seconds: float | None = None,
) -> list[float]:
    """Images/s at each level as things are now, to be held against others of the same moment.

    Args: see `measure_patiently`.
    """
    return measure_patiently(plan, phases, state, source, seconds, tries=1).speeds


def measure_patiently(
    plan: Plan,
    phases: list[Phase],
    state: TrainState,
    source: ImageSource,
    seconds: float | None = None,
    *,
    tries: int = TRIES,
    first: First = "whole",
    advance: Callable[[], None] = lambda: None,
) -> Measured:
    """Images/s at each level, fully faded in; over streams and joint network where there are both.

    A level at which other programs took the cores is measured again, and the fastest counts. The
    state is trained by the probe and must be discarded afterwards.

    Args:
        plan: the plan, whose number of images may be provisional.
        phases: the recipe's phases.
        state: a throw-away state.
        source: the training images.
        seconds: spent on each level, at least; `SECONDS_A_LEVEL` by default.
        tries: how often a level is measured at most.
        first: the step that does not count. This process must have made steps of the recipe before,
            if it is not whole, and with this shape, if there is to be none.
        advance: told of every step.
    """
    least = SECONDS_A_LEVEL if seconds is None else seconds
    sampler = Sampler(len(source), plan.seed, plan.train.shuffle_buffer)
    batch = plan.train.batch
    costs, seen = [Cost(batch, batch)] * len(plan.train.level_shares), 0.0
    with threads(plan.train.threads):
        for level, share in enumerate(plan.train.level_shares):
            if share == 0:
                continue
            seen += share * plan.train.images
            streams = plan.train.stream_share or 0.0
            # The middle of a level's second half is fully in, wherever fading ends.
            parts = [(streams, 0), (1 - streams, int(seen) - 1)]
            parts = [(part, position) for part, position in parts if part > 0]
            step = partial(_step, plan, state, sampler, source, advance)
            if device_of(state).type == "cpu":
                make_room(plan, state, level, partial(step, phases, parts[-1][1]))
            cost = partial(_cost, step, phases, least, first)
            costs[level] = Cost.mean(
                (part, undisturbed(partial(cost, position), PATIENCE * least, tries))
                for part, position in parts
            )
    return Measured(
        [batch / one.wall for one in costs],
        Cost.mean(zip(plan.train.level_shares, costs, strict=True)).share,
        [batch / max(one.own, 1e-9) for one in costs],
        [state.guard.at_once(level) for level in range(plan.network.levels)],
    )


def undisturbed(once: Callable[[], Cost], patience: float, tries: int = TRIES) -> Cost:
    """The fastest of some measurements; one is enough where nobody disturbs it.

    Args:
        once: measures.
        patience: seconds after which none begins any more.
        tries: how many at most.
    """
    start = time.perf_counter()
    best = once()
    for _ in range(tries - 1):
        if best.share >= QUIET or time.perf_counter() - start > patience:
            break
        best = min(best, once(), key=lambda cost: cost.wall)
    return best


def _step(
    plan: Plan,
    state: TrainState,
    sampler: Sampler,
    source: ImageSource,
    advance: Callable[[], None],
    phases: list[Phase],
    position: int,
) -> tuple[Cost, Cost]:
    """What real steps cost at a position: one in which every phase is due, and the mean of all.

    Only the first is made. A lazy penalty is due once in its interval, so the mean has that share
    of what it took.
    """
    assert stage_at(position, plan.train).alpha == 1.0
    state.images, state.step = position, 0
    saved = []

    def do(phase: Phase, step: Step) -> None:
        cost = _timed(state, partial(update, phase, step))
        saved.append((1 - 1 / phase.interval, cost))

    whole = _timed(state, partial(one_step, plan, phases, state, sampler, source, do=do))
    advance()
    mean = Cost(
        whole.wall - sum(share * one.wall for share, one in saved),
        whole.own - sum(share * one.own for share, one in saved),
    )
    return whole, mean


def _timed(state: TrainState, work: Callable[[], object]) -> Cost:
    """What some work costs, until it is really done."""
    start, began = time.perf_counter(), time.thread_time()
    work()
    waited = _wait(state)
    wall, own = time.perf_counter() - start, time.thread_time() - began
    return Cost(wall, wall if waited else own)


def _cost(
    step: Callable[[list[Phase], int], tuple[Cost, Cost]],
    phases: list[Phase],
    least: float,
    first: First,
    position: int,
) -> Cost:
    """What the mean step costs at a position."""
    # The first step of a shape does not count: it sets up kernels and, on a GPU, picks algorithms,
    # and programs and files may still lie on the disk. Where nothing has to be read any more it
    # takes about a tenth longer, and of lazy penalties, which have a share only, that is little.
    if first != "none":
        quick = [phase for phase in phases if phase.interval == 1]
        step(quick if first == "without penalties" else phases, position)
    spent, found = 0.0, []
    while spent < least:
        whole, mean = step(phases, position)
        spent += whole.wall
        found.append((1.0, mean))
    # Means, not medians: what now and then takes longer (memory, files) does so in training as
    # well. What other programs take is no such thing: it may be over before training begins.
    return Cost.mean(found)


def _wait(state: TrainState) -> bool:
    """Wait for a GPU; False where there is none to wait for."""
    device = device_of(state)
    if device.type == "cuda":
        torch.cuda.synchronize()
    return device.type != "cpu"
