"""Would successive halving have found the best of 40 configurations, and with how many images?

40 settings that fill popgan's search space are trained to the end, with 60 seconds each, and five
more trainings of the default tell what seeds do; the same on each of three cohorts, for
`tuning_transfer.py`. Learning curves are kept; the search's rule is then replayed on them in many
orders. Nothing is trained twice, so the answer is exact for these configurations.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from functools import partial
from statistics import mean
from typing import Any

import numpy as np

from popgan.cohort import Cohort
from popgan.evidence.experiments.halving import Curve, curve_of, replay
from popgan.evidence.experiments.results import Point, Setting
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
                rungs=definition.rungs,
                seed=0,
                judge=lambda rung, kid: False,
                reporter=Lines(),
            )
        value: dict[str, Any] = {
            **{"setting": setting, "seed": seed, "state": outcome.state, "reason": outcome.reason},
            **{"kid": outcome.kid, "images": outcome.images, "seconds": outcome.seconds},
            "points": [point.model_dump() for point in outcome.points],
            "rungs": [tick / TICKS for tick in definition.rungs],
        }
        wall = round((time.monotonic() - began) / 60, 2)
        store.put(name, {"seconds": SECONDS}, value, wall_minutes=wall)
        forget(folder)


def _definition(places: StudyPlaces, cohort: Cohort, threads: int) -> Definition:
    if places.definition.exists():
        return Definition.load(places.definition)
    places.make()
    options = TuneOptions(trials=COUNT, budget="30d", threads=threads)
    made = define(places, cohort, options, preset=start_of("popgan"))
    made = made.model_copy(update={"seconds": SECONDS})
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


def replayed(cells: Mapping[str, Any], cohort: str, reduction: int) -> dict[str, Any] | None:
    """What the search's rule finds in random orders of the recorded configurations.

    Returns:
        None while trainings are missing.
    """
    both = recorded(cells, cohort)
    if both is None:
        return None
    settings, default = both
    rungs = settings[0]["rungs"]
    curves: list[Curve] = []
    for one in settings:
        if one["kid"] is not None:
            points = [Point.model_validate(point) for point in one["points"]]
            curve = curve_of(points, rungs, one["kid"])
            if curve is not None:
                curves.append(curve)
    spread = spread_of([one["kid"] for one in default if one["kid"] is not None])
    rng = numpy_rng(0, "efficiency")
    found = [
        replay(
            curves,
            rungs,
            reduction,
            order=rng.permutation(len(curves)).tolist(),
            rule="stop",
            spread=spread,
        )
        for _ in range(ORDERS)
    ]
    shares = np.array([one.share for one in found])
    within = [one.regret_sd is not None and one.regret_sd <= 1 for one in found]
    chance = [curve.final - found[0].best_kid <= (spread.sd if spread else 0) for curve in curves]
    return {
        "configurations": len(curves),
        "failed": COUNT - len(curves),
        "rungs": rungs,
        "reduction": reduction,
        "spread_sd": spread.sd if spread else None,
        "best": found[0].best_kid,
        "median": float(np.median([curve.final for curve in curves])),
        "good": sum(chance),
        "share": float(shares.mean()),
        "share_low": float(np.quantile(shares, 0.025)),
        "share_high": float(np.quantile(shares, 0.975)),
        "within": mean(within),
        "regret": mean(one.regret for one in found),
    }
