"""Which rule of stopping early finds the best of 40 configurations, and with how many images?

40 settings that fill popgan's search space are trained to the end, with 60 seconds each, and five
more trainings of the default tell what seeds do; the same on each of three cohorts, for
`tuning_transfer.py`. Learning curves are kept; rules are then replayed on them in many orders.
Nothing is trained twice, so the answer is exact for these configurations.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from functools import partial
from statistics import mean
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from popgan.cohort import Cohort
from popgan.evidence.experiments.halving import Curve, Replay, curve_of, replay
from popgan.evidence.experiments.results import Point, Setting, Spread
from popgan.evidence.experiments.space_filling import space_filling
from popgan.evidence.experiments.spread import spread_of
from popgan.seeds import numpy_rng
from popgan.tuning.begin import TuneOptions, define
from popgan.tuning.definition import TICKS, Definition, StudyPlaces
from popgan.tuning.folder import forget, hold
from popgan.tuning.planner import Planner
from popgan.tuning.space import differing, rounded
from popgan.tuning.trial import train_trial
from quality_cells import Lines
from quality_plan import copy_of
from quality_run import Cohorts
from quality_store import Store
from tuning_methods import SEARCH_COHORT, THIRD, VERIFY_COHORTS, start_of

COUNT, SPREAD, SECONDS = 40, 5, 60.0
ORDERS = 1000
GRANTED = 0.4
"""Of the images of full training, what a search may see that has to show what it saves."""
MEASURED = [4, 9, 13]
"""Ticks of 20 at which a KID is kept besides those of the end, so that rules can be compared."""
RULES = {
    "none is stopped": [],
    "at 20 % and 45 %": [4, 9],
    "at 45 %": [9],
    "at 45 % and 65 %": [9, 13],
}
GROUP = "efficiency"
COHORTS = (*VERIFY_COHORTS, THIRD)
"""The first is the one that is searched: its space and its speeds are those of all."""


def efficiency(store: Store, cohorts: Cohorts, options: argparse.Namespace) -> None:
    """Train what is missing; several processes may work at it.

    Args:
        store: of results.
        cohorts: by their names.
        options: of the benchmark.
    """
    with store.alone("begin-efficiency"):
        run = copy_of(cohorts[SEARCH_COHORT], options.work / "search" / GROUP)
        places = StudyPlaces(run.run, GROUP)
        definition = _definition(places, run, options.threads)
        space = [
            one.model_copy(update={"default": definition.default.get(one.name)}).model_dump()
            for one in definition.space
        ]
        if store.find(f"{GROUP}/space", {"seconds": SECONDS}) is None:
            store.put(f"{GROUP}/space", {"seconds": SECONDS}, space)
    for name in COHORTS:
        run = copy_of(cohorts[name], options.work / "search" / f"{GROUP}-{name}")
        _train(name, run, definition, places, store)


def _train(
    cohort: str, run: Cohort, definition: Definition, places: StudyPlaces, store: Store
) -> None:
    # One file of speeds: a configuration gets as many images on every cohort.
    planner = Planner(definition, run, places.private / "speeds.json", start_of("popgan"))
    for kind, number, setting, seed in trainings(definition):
        name = f"{GROUP}/{cohort}/{kind}/{number}"
        if name in store.cells():
            continue
        folder = places.private / name.replace("/", "-")
        lock = hold(folder)
        if lock is None:
            continue
        began = time.monotonic()
        print(f"{name} ...", flush=True)
        with lock:
            outcome = train_trial(
                folder,
                partial(planner.plan, setting, seed),
                run,
                rungs=MEASURED,
                seed=0,
                judge=lambda rung, kid: False,
                reporter=Lines(),
            )
        value: dict[str, Any] = {
            **{"setting": setting, "seed": seed, "state": outcome.state, "reason": outcome.reason},
            **{"kid": outcome.kid, "images": outcome.images, "seconds": outcome.seconds},
            "points": [point.model_dump() for point in outcome.points],
        }
        wall = round((time.monotonic() - began) / 60, 2)
        store.put(name, {"seconds": SECONDS}, value, wall_minutes=wall)
        forget(folder)


def _definition(places: StudyPlaces, cohort: Cohort, threads: int) -> Definition:
    if places.definition.exists():
        return Definition.load(places.definition)
    places.make()
    options = TuneOptions(trials=COUNT, budget="30d", threads=threads)
    made = define(places, cohort, options, preset=start_of("popgan"), seconds=SECONDS)
    made.save(places.definition)
    return made


def trainings(definition: Definition) -> list[tuple[str, int, Setting, int]]:
    """All trainings of a cohort: "default" or "setting", number, setting, seed."""
    settings = [
        differing(rounded(setting), definition.default)
        for setting in space_filling(definition.space, COUNT, 0, held=definition.held)
    ]
    own: list[tuple[str, int, Setting, int]] = [("default", i, {}, i) for i in range(SPREAD)]
    return own + [("setting", i, one, 100 + i) for i, one in enumerate(settings)]


def recorded(
    cells: Mapping[str, Any], cohort: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]] | None:
    """The settings in their order, and the trainings of the default; None while any is missing."""
    found = []
    for kind, count in (("setting", COUNT), ("default", SPREAD)):
        names = [f"{GROUP}/{cohort}/{kind}/{number}" for number in range(count)]
        if any(name not in cells for name in names):
            return None
        found.append([cells[name]["value"] for name in names])
    return found[0], found[1]


def replayed(
    cells: Mapping[str, Any], cohort: str, rungs: Sequence[int], reduction: int = 3
) -> dict[str, Any] | None:
    """What a rule finds in random orders of the recorded configurations.

    All of them are begun; and once more, only as many as a search has images for that may see
    `GRANTED` of those of full training.

    Args:
        cells: of the results.
        cohort: its name.
        rungs: ticks at which the rule may stop a training; empty: none is stopped.
        reduction: of so many at a rung one goes on.

    Returns:
        None while trainings are missing, or where nothing was measured at a rung.
    """
    both = recorded(cells, cohort)
    if both is None:
        return None
    settings, default = both
    curves = [_curve(one, rungs) for one in settings if one["kid"] is not None]
    known = [curve for curve in curves if curve is not None]
    if len(known) < len(curves):
        return None
    shares = [rung / TICKS for rung in rungs]
    spread = spread_of([one["kid"] for one in default if one["kid"] is not None])
    rng = numpy_rng(0, "efficiency")
    orders = [rng.permutation(len(known)).tolist() for _ in range(ORDERS)]
    finals = [curve.final for curve in known]
    at_rungs = list(zip(*(curve.kids for curve in known), strict=True))
    return {
        "configurations": len(known),
        "failed": COUNT - len(known),
        "reduction": reduction,
        "spread_sd": spread.sd if spread else None,
        "best": min(finals),
        "median": float(np.median(finals)),
        "good": sum(kid - min(finals) <= (spread.sd if spread else 0) for kid in finals),
        "ties": sum(kid - min(finals) < (spread.tie if spread else 0) for kid in finals),
        "told": [float(spearmanr(kids, finals).statistic) for kids in at_rungs],
        "all": _found(known, shares, reduction, orders, spread, 1.0),
        "granted": _found(known, shares, reduction, orders, spread, GRANTED),
    }


def _curve(one: Mapping[str, Any], rungs: Sequence[int]) -> Curve | None:
    """The curve of a training; None where it was not measured at a rung."""
    points = [Point.model_validate(point) for point in one["points"]]
    for rung in rungs:
        # Steps are whole batches, so a tick may come a little late.
        if not any(0 <= point.share - rung / TICKS < 0.5 / TICKS for point in points):
            return None
    return curve_of(points, [rung / TICKS for rung in rungs], one["kid"])


def _found(
    curves: Sequence[Curve],
    rungs: Sequence[float],
    reduction: int,
    orders: Sequence[Sequence[int]],
    spread: Spread | None,
    granted: float,
) -> dict[str, float]:
    """Over all orders: settings begun, images, and how good the best of those trained to the end.

    One worker takes them one by one, so what an order begins with costs the same however many
    follow: the most are begun whose images are granted.
    """
    best, full = min(curve.final for curve in curves), sum(curve.images for curve in curves)
    begun, shares, regrets = [], [], []
    for order in orders:
        fewest, most = 1, len(order)
        while fewest < most:
            middle = (fewest + most + 1) // 2
            one = _replay(curves, order[:middle], rungs, reduction)
            fewest, most = (middle, most) if one.images <= granted * full else (fewest, middle - 1)
        one = _replay(curves, order[:fewest], rungs, reduction)
        begun.append(fewest)
        shares.append(one.images / full)
        regrets.append(one.kid - best)
    sd, tie = (spread.sd, spread.tie) if spread else (0.0, 0.0)
    return {
        "begun": mean(begun),
        "share": mean(shares),
        "share_low": float(np.quantile(shares, 0.025)),
        "share_high": float(np.quantile(shares, 0.975)),
        "within": mean(regret <= sd for regret in regrets),
        "tied": mean(regret < tie or regret == 0 for regret in regrets),
        "regret": mean(regrets),
    }


def _replay(
    curves: Sequence[Curve], order: Sequence[int], rungs: Sequence[float], reduction: int
) -> Replay:
    return replay([curves[i] for i in order], rungs, reduction, rule="stop")
