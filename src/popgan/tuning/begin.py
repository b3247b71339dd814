"""How a search begins: what is searched around which default, how long each trial gets.

Everything that follows is decided here, written down once, and shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from popgan.cohort.cohort import Cohort
from popgan.config.preset import Preset, load_preset, preset_names
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.evidence.experiments.results import SearchSpace, Setting, TuneResult
from popgan.planning.budget import parse_budget
from popgan.planning.trial import LEAST_SUBJECTS
from popgan.provenance import usable_cores
from popgan.stations.snapshots import seconds_a_snapshot
from popgan.tuning.definition import LAST, Definition, StudyPlaces, seconds_of
from popgan.tuning.planner import Planner
from popgan.tuning.space import (
    defaults,
    differing,
    fits,
    including,
    load_space,
    narrowed,
)

BUDGET, TRIALS = "2h", 24
_GROWN_BY = 7  # ticks of 20: 35 % of a trial
_STEADY = [4, 9]  # 20 % and 45 %


@dataclass(frozen=True)
class TuneOptions:
    """What the user asks of a search; None takes the default, or what the study was begun with.

    Attributes:
        recipe: name of a recipe that draws images.
        preset: the default that is searched around.
        budget: time of the whole search on this machine, such as "2h".
        trials: in the search.
        workers: processes on this machine, or trials at the same time on a cluster.
        threads: of each; the cores of this machine are shared among the workers by default.
        seed: of the search.
        search: what to search; see `space.narrowed`.
        overrides: values of the plan that are held.
    """

    recipe: str = "popgan"
    preset: str = "standard"
    budget: str | None = None
    trials: int | None = None
    workers: int = 1
    threads: int | None = None
    seed: int = 0
    search: Sequence[str] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)

    def asked(self) -> dict[str, Any]:
        """What decides the study; how many work at it does not."""
        values = {**asdict(self), "search": list(self.search), "overrides": dict(self.overrides)}
        return {key: value for key, value in values.items() if key not in ("workers", "threads")}

    def check(self) -> None:
        """Refuse what is not possible, before anything heavy.

        Raises:
            UserError: which option, and why.
        """
        load_space(self.recipe)
        load_preset(self.preset, self.recipe)
        narrowed(load_space(self.recipe), self.search)
        parse_budget(self.budget or BUDGET)
        if self.trials is not None and not 1 <= self.trials <= 10_000:
            raise UserError(f"--trials {self.trials} is not possible", do="give 1 to 10000")
        if not 1 <= self.workers <= 256:
            raise UserError(f"--workers {self.workers} is not possible", do="give 1 to 256")


def define(
    places: StudyPlaces,
    cohort: Cohort,
    options: TuneOptions,
    earlier: Sequence[TuneResult] = (),
    preset: Preset | None = None,
) -> Definition:
    """Decide what a new study is about.

    Args:
        places: of the study.
        cohort: it is about.
        options: of the user.
        earlier: studies of the same recipe, to start from what they found.
        preset: the default, where it is no file of the recipe.

    Raises:
        UserError: too few tuning subjects, or a budget too short for a trial.
    """
    options.check()
    count = len(set(cohort.subjects("tuning")))
    if count < LEAST_SUBJECTS:
        raise UserError(
            f"{count} tuning subjects are too few to score settings by ({LEAST_SUBJECTS} or more)",
            where=cohort.run,
            do="ingest more subjects",
        )
    trials = options.trials or TRIALS
    draft = Definition(
        name=places.name,
        recipe=options.recipe,
        preset=options.preset,
        cohort=cohort.hash,
        seed=options.seed,
        overrides=dict(options.overrides),
        seconds=60.0,
        trials=trials,
        rungs=[],
        threads=options.threads or max(1, usable_cores() // options.workers),
        space=[],
        default={},
        asked=options.asked(),
    )
    snapshot = seconds_a_snapshot(len(cohort.contrasts), (cohort.height, cohort.width))
    seconds = seconds_of(
        options.budget or BUDGET,
        trials,
        options.workers,
        finals=(draft.finalists + 1) * draft.final_seeds,
        spread=draft.spread,
        measuring=snapshot * (len(LAST) + 2),
    )
    draft = draft.model_copy(update={"seconds": seconds})
    planner = Planner(draft, cohort, places.private / "speeds.json", preset)
    plan = planner.plan({}, options.seed)
    whole = defaults(load_space(options.recipe), planner.preset, plan)
    space, notes = searched(options, plan)
    space = including(space, whole)
    names = {one.name for one in space}
    default = {name: value for name, value in whole.items() if name in names}
    return draft.model_copy(
        update={
            "space": space,
            "default": default,
            "held": {name: value for name, value in whole.items() if name not in names},
            "rungs": rungs_of(plan),
            "warm": warm_starts(space, default, options, earlier),
            "notes": notes,
        }
    )


def searched(options: TuneOptions, plan: Plan) -> tuple[list[SearchSpace], list[str]]:
    """The dimensions to search, and what the user should know of those that are not.

    Raises:
        UserError: nothing is left.
    """
    space, notes = narrowed(load_space(options.recipe), options.search), []
    named = {wish.partition("=")[0].strip() for wish in options.search}
    fixed = [one.name for one in space if one.name in options.overrides]
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
    if not left:
        raise UserError("nothing is left to search", do="leave some --set or --search out")
    return left, notes


def rungs_of(plan: Plan) -> list[int]:
    """Ticks at which a trial may be stopped.

    With growth the first is at 35 % of the images, by when the top level is in, else at 20 %.
    """
    return [_GROWN_BY, 12] if any(plan.train.level_shares[:-1]) else _STEADY


def warm_starts(
    space: Sequence[SearchSpace],
    default: Setting,
    options: TuneOptions,
    earlier: Sequence[TuneResult],
) -> list[Setting]:
    """Settings that are tried first: other presets, and what earlier studies found.

    Only those that lie in the space and differ from the default.
    """
    found: list[Setting] = []
    for name in preset_names(options.recipe):
        preset = load_preset(name, options.recipe)
        own: dict[str, Any] = {key: value for key, (value, _) in preset.values.items()}
        own |= {"train.batch": preset.batch}
        own |= {f"preset.{key}": getattr(preset, key) for key in ("channel_base", "gamma_at_64")}
        found.append({key: value for key, value in own.items() if key in default})
    for study in earlier:
        best = study.finals.candidates[study.finals.chosen].setting if study.finals else None
        scored = [trial for trial in study.trials if trial.kid is not None]
        if best is None and scored:
            best = min(scored, key=lambda trial: trial.kid or 0.0).setting
        if best:
            found.append(dict(best))
    kept: list[Setting] = []
    for setting in found:
        changes = differing(setting, default)
        if changes and fits(space, changes) and changes not in kept:
            kept.append(changes)
    return kept
