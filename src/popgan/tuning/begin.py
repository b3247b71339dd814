"""How a search begins: what is searched around which default, how long each trial gets.

Everything that follows is decided here, written down once, and shown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from popgan.cohort.cohort import Cohort
from popgan.config.preset import Preset
from popgan.config.preset_model import can_hold, plan_value
from popgan.config.schema import Plan, leaves
from popgan.errors import UserError
from popgan.evidence.experiments.results import SearchSpace, TuneResult
from popgan.progress import Reporter
from popgan.provenance import usable_cores
from popgan.stations.snapshots import seconds_a_snapshot
from popgan.training.growth import fully_grown_at
from popgan.tuning.budgets import LEAST_SECONDS, Grant, searched_trainings, trained
from popgan.tuning.definition import LAST, TICKS, Definition, StudyPlaces
from popgan.tuning.planner import Planner
from popgan.tuning.prologue import ExperimentOptions, check_count, start_of
from popgan.tuning.space import (
    can_count,
    defaults,
    distinct,
    including,
    load_space,
    narrowed,
)
from popgan.tuning.warm import warm_starts
from popgan.wording import counted

BUDGET, TRIALS = "2h", 24
OF_MACHINES = ("train.threads", "train.precision", "train.micro_batch")
"""Held for the machine at hand, and no part of what a study finds."""
_EACH = 32
"""Values of a whole number that are all planned; of more, the ends."""
_GROWING = [7, 12]  # ticks of 20: 35 % and 60 %
_STEADY = [9, 13]
"""45 % and 65 %. At 20 % those look best that have left the prior least: there the order of 40
settings is hardly that at the end (`benchmarks/tuning.py --only efficiency`)."""


@dataclass(frozen=True)
class TuneOptions(ExperimentOptions):
    """What the user asks of a search; see `ExperimentOptions`.

    Attributes:
        trials: in the search.
        threads: of each; the cores of this machine are shared among the workers by default.
        search: what to search; see `space.narrowed`.
    """

    trials: int | None = None
    threads: int | None = None
    search: Sequence[str] = ()

    @property
    def bounded(self) -> set[str]:
        """Names to which the user has given bounds or choices."""
        return {wish.partition("=")[0].strip() for wish in self.search if "=" in wish}

    def defaults(self) -> dict[str, Any]:
        """See `ExperimentOptions.defaults`."""
        return {"budget": BUDGET, "trials": TRIALS}

    def check(self, run: Path | None = None) -> None:
        """See `ExperimentOptions.check`."""
        narrowed(load_space(self.recipe), self.search)
        super().check(run)
        check_count("trials", self.trials, 10_000)


def define(
    places: StudyPlaces,
    cohort: Cohort,
    options: TuneOptions,
    earlier: Sequence[TuneResult] = (),
    preset: Preset | None = None,
    reporter: Reporter | None = None,
    seconds: float | None = None,
) -> Definition:
    """Decide what a new study is about.

    Args:
        places: of the study.
        cohort: it is about.
        options: of the user.
        earlier: studies of the same recipe, to start from what they found.
        preset: the default, where it is neither a file of the recipe nor found by a study.
        reporter: told what else the user should know.
        seconds: of training for each trial, whatever the budget; None: what the budget grants.

    Raises:
        UserError: an option that is not possible, or a budget too short for a trial.
    """
    start = None if preset else start_of(options, cohort, reporter or Reporter())
    asked = options.asked()
    draft = Definition(
        name=places.name,
        recipe=options.recipe,
        preset=asked["preset"],
        start=start,
        cohort=cohort.hash,
        seed=options.seed,
        overrides=dict(options.overrides),
        seconds=60.0,
        trials=asked["trials"],
        rungs=[],
        threads=options.threads or max(1, usable_cores() // options.workers),
        space=[],
        default={},
        asked=asked,
    )
    planner = Planner(draft, cohort, places.speeds, preset)
    refuse_impossible(options, planner)
    draft = draft.model_copy(update={"seconds": seconds or _seconds(draft, options, planner)})
    planner.definition = draft
    plan = planner.plan({}, options.seed)
    whole = defaults(load_space(options.recipe), planner.preset, plan)
    asked_for, notes = searched(options, plan)
    space = including(asked_for, whole)
    notes += [*_widened(asked_for, space, options), *_not_kept(options)]
    names = {one.name for one in space}
    default = {name: value for name, value in whole.items() if name in names}
    return draft.model_copy(
        update={
            "space": space,
            "default": default,
            "held": {name: value for name, value in whole.items() if name not in names},
            "rungs": rungs_of(plan),
            "warm": warm_starts(space, default, options.recipe, earlier),
            "notes": [*draft.told_start, *notes, *planner.notes],
        }
    )


def _seconds(draft: Definition, options: TuneOptions, planner: Planner) -> float:
    """Seconds of training that each trial gets.

    Raises:
        UserError: the budget is too short for the default; says which one is enough.
    """
    cohort = planner.cohort
    snapshot = seconds_a_snapshot(len(cohort.contrasts), (cohort.height, cohort.width))
    finals = draft.most_finals
    plan = planner.draft({}, draft.seed, 10**6)
    grown = fully_grown_at(plan.train) / plan.train.images
    rungs = [tick for tick in rungs_of(plan) if tick / TICKS >= grown]
    what = f"{counted(draft.trials, 'trial', 'trials')} and the final need"
    if not finals:
        what = counted(draft.trials, "trial needs", "trials need")
    grant = Grant(
        budget=options.asked()["budget"],
        stopped=searched_trainings(
            draft.trials, spread=draft.spread, share=trained(rungs, draft.reduction)
        ),
        whole=finals,
        workers=options.at_once,
        measuring=snapshot * (len(LAST) + 2),
        what=what,
        fewer="trials (popgan tune --trials)",
    )
    needed = planner.seconds_needed({}, draft.seed)
    return round(grant.seconds(max(LEAST_SECONDS, needed)), 1)


def refuse_impossible(options: TuneOptions, planner: Planner) -> None:
    """Plan with both ends of every range, and with every choice, that the user named.

    Else one that no plan can have would fail trial by trial.

    Raises:
        UserError: which value of which name, and why; or the default cannot be planned.
    """
    planner.draft({}, options.seed, 10**6)
    for one in narrowed(load_space(options.recipe), options.search):
        if one.name not in options.bounded:
            continue
        for value in _tried(one):
            shown = f"{value:g}" if isinstance(value, float) else value
            refused = f"--search {one.name}: {shown} is not possible"
            try:
                plan = planner.draft({**one.when, one.name: value}, options.seed, 10**6)
            except UserError as error:
                why = str(error).rstrip(".")
                raise UserError(f"{refused} ({why})") from error
            got = dict(leaves(plan)).get(one.name, value)
            if one.choices and one.name not in options.overrides and got != value:
                why = plan.decisions[one.name].reason
                raise UserError(f"{refused}: the plan would have {got} ({why})")


def _tried(one: SearchSpace) -> list[Any]:
    """Of a dimension, every value that it can have, or the ends where these are too many."""
    if one.choices:
        return list(one.choices)
    assert one.low is not None and one.high is not None
    whole = range(math.ceil(one.low), math.floor(one.high) + 1) if one.whole else range(0)
    return list(dict.fromkeys([one.low, one.high, *(whole if len(whole) <= _EACH else [])]))


def searched(options: TuneOptions, plan: Plan) -> tuple[list[SearchSpace], list[str]]:
    """The dimensions to search, and what the user should know of those that are not.

    Raises:
        UserError: nothing is left.
    """
    space, notes = narrowed(load_space(options.recipe), options.search), []
    named = {wish.partition("=")[0].strip() for wish in options.search}
    free = [one for one in space if one.name not in options.bounded]
    cut = {one.name: one for one in distinct(free, plan)}
    same = [one.name for one in free if one.name not in cut]
    space = [cut.get(one.name, one) for one in space if one.name not in same]
    # A parameter of presets is held where the value is that follows from it.
    fixed = [
        one.name for one in space if {one.name, plan_value(one.name)} & options.overrides.keys()
    ]
    if fixed:
        notes.append(f"held by --set: {', '.join(fixed)}")
    shapes = [one.name for one in space if one.shape and one.name not in named]
    if plan.train.init == "phantom" and shapes:
        notes.append(
            f"held, because the physics prior fits the default's networks only: "
            f"{', '.join(shapes)} (--init scratch searches them)"
        )
        fixed += shapes
    if not any(plan.train.level_shares[:-1]):
        grows = [one.name for one in space if one.grows]
        if grows:
            notes.append(f"not searched, because nothing grows here: {', '.join(grows)}")
        fixed += grows
    left = [one for one in space if one.name not in fixed]
    values = dict(leaves(plan))
    idle = [one.name for one in left if not can_count(one, left, values)]
    if same or idle:
        idle += same
        notes.append(f"not searched, because they do not count here: {', '.join(idle)}")
        left = [one for one in left if one.name not in idle]
    if not left:
        raise UserError("nothing is left to search", do="leave some --set or --search out")
    return left, notes


def _not_kept(options: TuneOptions) -> list[str]:
    """A note of what was held and cannot be in the preset of what is found."""
    names = [name for name, value in options.overrides.items() if not can_hold(value)]
    names = [name for name in names if name not in OF_MACHINES]
    if not names:
        return []
    return [f"no preset can hold {', '.join(names)}: give --set again where what is found is used"]


def _widened(
    asked: Sequence[SearchSpace], space: Sequence[SearchSpace], options: TuneOptions
) -> list[str]:
    """A note where the default lies outside of what the user wants searched: it is tried anyway."""
    before = {one.name: one for one in asked if one.name in options.bounded}
    wide = [one for one in space if one.name in before and one != before[one.name]]
    return [
        f"{one.name} is searched within {_bounds(one)}, because it holds the default"
        for one in wide
    ]


def _bounds(one: SearchSpace) -> str:
    """What is searched, in words."""
    return ", ".join(map(str, one.choices)) if one.choices else f"{one.low:g} to {one.high:g}"


def rungs_of(plan: Plan) -> list[int]:
    """Ticks at which a trial may be stopped.

    With growth the first is at 35 % of the images, by when the top level may be in, else at 45 %.
    """
    return _GROWING if any(plan.train.level_shares[:-1]) else _STEADY
