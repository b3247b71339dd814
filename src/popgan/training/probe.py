"""How fast this machine trains a plan: a few real steps at every level, then thrown away.

What other programs take meanwhile is told by the time that the measuring thread had a core. On a
GPU nobody else is expected, and only the clock on the wall counts.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

import torch

from popgan.config.schema import Plan
from popgan.training.growth import stage_at
from popgan.training.loop import one_step, threads
from popgan.training.neighbours import QUIET
from popgan.training.phase import Phase
from popgan.training.room import make_room
from popgan.training.sampler import ImageSource, Sampler
from popgan.training.state import TrainState
from popgan.training.update import device_of

SECONDS_A_LEVEL = 2.0
TRIES = 3
"""How often a level is measured where that is not so."""
PATIENCE = 5.0
"""No measurement of a level is repeated after so many times the seconds it should take."""
RARE = 8
"""Where a kind comes once in so many steps, its first one counts: it may take a fifth longer than
the next, which is a few hundredths of all."""


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
    loaded: bool = False,
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
        loaded: whether this process has made such steps before, so that nothing has to be read from
            the disk for the first.
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
            step = partial(_step, plan, phases, state, sampler, source, advance)
            if device_of(state).type == "cpu":
                make_room(plan, state, level, partial(step, parts[-1][1], 0))
            cost = partial(_cost, step, kinds_of_steps(phases), least, loaded)
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
    phases: list[Phase],
    state: TrainState,
    sampler: Sampler,
    source: ImageSource,
    advance: Callable[[], None],
    position: int,
    number: int,
) -> Cost:
    """What a real step costs at a position; its number decides which phases are due."""
    assert stage_at(position, plan.train).alpha == 1.0
    state.images, state.step = position, number
    start, began = time.perf_counter(), time.thread_time()
    one_step(plan, phases, state, sampler, source)
    waited = _wait(state)
    wall, own = time.perf_counter() - start, time.thread_time() - began
    advance()
    return Cost(wall, wall if waited else own)


def _cost(
    step_at: Callable[[int, int], Cost],
    kinds: dict[int, int],
    least: float,
    loaded: bool,
    position: int,
) -> Cost:
    """What a step costs at one position; a lazy penalty is spread over its interval."""
    step = partial(step_at, position)
    # The first steps set up kernels and, on a GPU, pick algorithms. The very first never counts: it
    # may have taken long because programs and files still lay on the disk.
    found = {first: [step(first)] for first in kinds}
    # Steps that do take long are not repeated, not even the first, if that is sure and matters.
    if _sum(found) > least:
        opening = next(iter(kinds))
        if not loaded or kinds[opening] * RARE > sum(kinds.values()):
            found[opening] = [step(opening)]
    else:
        found = {first: [] for first in kinds}
    while _sum(found) < least:
        for first, count in kinds.items():
            found[first] += [step(first) for _ in range(min(3, count))]
    # Means, not medians: what now and then takes longer (memory, files) does so in training as
    # well. What other programs take is no such thing: it may be over before training begins.
    return Cost.mean(
        (count / len(found[first]), one) for first, count in kinds.items() for one in found[first]
    )


def _sum(found: dict[int, list[Cost]]) -> float:
    return sum(one.wall for costs in found.values() for one in costs)


def kinds_of_steps(phases: list[Phase]) -> dict[int, int]:
    """The kinds of steps by which phases are due: number of the first such step -> how many of
    its kind come before all repeats."""
    cycle = math.lcm(*(phase.interval for phase in phases))
    found: dict[tuple[bool, ...], list[int]] = {}
    for step in range(cycle):
        found.setdefault(tuple(step % phase.interval == 0 for phase in phases), []).append(step)
    return {steps[0]: len(steps) for steps in found.values()}


def _wait(state: TrainState) -> bool:
    """Wait for a GPU; False where there is none to wait for."""
    device = device_of(state)
    if device.type == "cuda":
        torch.cuda.synchronize()
    return device.type != "cpu"
