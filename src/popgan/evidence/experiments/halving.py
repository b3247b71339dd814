"""What stopping early would have saved, and what it would have missed, from curves run to the end.

Asynchronous successive halving (ASHA; Li et al. 2020) is replayed on recorded learning curves. In
the paper's form ("promote") a setting waits at its rung and goes on once it is among the best
1/eta of those that have been there. In the other ("stop"), that of a search that cannot pause a
training, it goes on at once or never: it must be among the best 1/eta of those that came before it
and itself; while these are fewer than eta, all go on.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from popgan.evidence.experiments.results import Point, Result

Rule = Literal["promote", "stop"]


class Curve(Result):
    """A fully trained setting.

    Attributes:
        kids: at each rung.
        final: at the end.
        images: seen until the end.
    """

    kids: list[float]
    final: float
    images: int = Field(gt=0)


class Replay(Result):
    """What a replay used and found.

    Attributes:
        images, full: seen in the replay, and by training all to the end.
        share: the first of the second.
        reached: how many reached each rung, and the end.
        found: place of the best setting that was trained to the end; where none was, of the best
            one of those that came furthest.
        kid: its KID at the end.
        best, best_kid: the best setting of all.
        regret: how much worse the found one is, >= 0.
    """

    images: float
    full: int
    share: float
    reached: list[int]
    found: int
    kid: float
    best: int
    best_kid: float
    regret: float


def curve_of(points: Sequence[Point], rungs: Sequence[float], final: float) -> Curve | None:
    """A trial's measurements as a curve: at each rung the first one from there on.

    Args:
        points: while training, in order.
        rungs: shares of the images, rising.
        final: the KID that counts.

    Returns:
        None where no measurement lies at or behind a rung.
    """
    kids = []
    for rung in rungs:
        behind = [point.kid for point in points if point.share >= rung - 1e-6]
        if not behind:
            return None
        kids.append(behind[0])
    return Curve(kids=kids, final=final, images=points[-1].images) if points else None


@dataclass
class _Run:
    """A replay on its way.

    Attributes:
        at: for each rung the settings that have been there; the last is the end.
        promoted: for each rung those that went on.
        waiting: settings not yet begun.
        images: seen.
    """

    curves: Sequence[Curve]
    steps: list[float]
    eta: int
    rule: Rule
    waiting: list[int]
    at: list[list[int]] = field(default_factory=list)
    promoted: list[set[int]] = field(default_factory=list)
    images: float = 0.0

    def __post_init__(self) -> None:
        self.at = [[] for _ in self.steps]
        self.promoted = [set() for _ in self.steps]

    def arrive(self, setting: int, rung: int) -> tuple[int, int] | None:
        """A setting is at a rung: where its worker takes it next; None: the worker is free."""
        self.at[rung].append(setting)
        if self.rule == "promote" or rung == len(self.steps) - 1:
            return None
        own = self.curves[setting].kids[rung]
        better = sum(self.curves[i].kids[rung] < own for i in self.at[rung])
        count = len(self.at[rung])
        # Whoever is as good as the last of the best goes on with them.
        goes_on = count < self.eta or better < count // self.eta
        return (setting, rung + 1) if goes_on else None

    def next(self) -> tuple[int, int] | None:
        """What a free worker does: a setting and the rung that it goes to."""
        if self.rule == "promote":
            for rung in reversed(range(len(self.steps) - 1)):
                ranked = sorted(self.at[rung], key=lambda i: self.curves[i].kids[rung])
                for setting in ranked[: len(ranked) // self.eta]:
                    if setting not in self.promoted[rung]:
                        self.promoted[rung].add(setting)
                        return setting, rung + 1
        return (self.waiting.pop(0), 0) if self.waiting else None

    def cost(self, setting: int, rung: int) -> float:
        """Images from the rung before."""
        before = self.steps[rung - 1] if rung else 0.0
        return (self.steps[rung] - before) * self.curves[setting].images


def replay(
    curves: Sequence[Curve],
    rungs: Sequence[float],
    eta: int,
    *,
    order: Sequence[int] | None = None,
    workers: int = 1,
    rule: Rule = "stop",
) -> Replay:
    """Successive halving on recorded curves; workers are equally fast, an image takes one step.

    Args:
        curves: one a setting, with a KID at each rung.
        rungs: shares of a setting's images, rising, above 0 and below 1.
        eta: one of so many goes on, 2 or more.
        order: places of all settings as they are begun; None: as they stand.
        workers: that train at the same time.
        rule: see the head of this file.

    Raises:
        ValueError: no curve, one without a KID at each rung, or another argument out of range.
    """
    steps = [*rungs, 1.0]
    if not curves or any(len(curve.kids) != len(rungs) for curve in curves):
        raise ValueError(f"curves with a KID at each of {len(rungs)} rungs are needed")
    if eta < 2 or workers < 1 or any(b <= a for a, b in zip([0.0, *rungs], steps, strict=True)):
        raise ValueError("rungs rise between 0 and 1; eta is 2 or more, workers 1 or more")
    waiting = list(range(len(curves)) if order is None else order)
    if sorted(waiting) != list(range(len(curves))):
        raise ValueError("the order names each curve once")
    run = _Run(curves, steps, eta, rule, waiting)
    _work(run, workers)
    last = next(there for there in reversed(run.at) if there)
    level = run.at.index(last)
    found = min(last, key=lambda i: [*curves[i].kids, curves[i].final][level])
    full = sum(curve.images for curve in curves)
    best = min(range(len(curves)), key=lambda i: curves[i].final)
    return Replay(
        images=run.images,
        full=full,
        share=run.images / full,
        reached=[len(there) for there in run.at],
        found=found,
        kid=curves[found].final,
        best=best,
        best_kid=curves[best].final,
        regret=curves[found].final - curves[best].final,
    )


def _work(run: _Run, workers: int) -> None:
    """Lets workers train until none has anything to do."""
    now, begun = 0.0, 0
    busy: list[tuple[float, int, int, int]] = []  # when done, order of beginning, setting, rung
    free = workers

    def begin(job: tuple[int, int]) -> None:
        nonlocal begun
        cost = run.cost(*job)
        run.images += cost
        heapq.heappush(busy, (now + cost, begun, *job))
        begun += 1

    while True:
        while free and (job := run.next()) is not None:
            free -= 1
            begin(job)
        if not busy:
            return
        now, _, setting, rung = heapq.heappop(busy)
        further = run.arrive(setting, rung)
        if further is None:
            free += 1
        else:
            begin(further)
