"""How an ablation begins: which variants of which default, how long each training gets.

Everything that follows is decided here, written down once, and shown. Speeds are measured here for
all variants alike, before anything is trained, so that the same seconds mean the same to all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from popgan.cohort.cohort import Cohort
from popgan.config.preset import Preset
from popgan.errors import UserError, is_out_of_memory
from popgan.evidence.experiments.results import Setting, Variant
from popgan.evidence.experiments.space_filling import space_filling
from popgan.progress import Reporter
from popgan.provenance import usable_cores
from popgan.stations.snapshots import seconds_a_snapshot
from popgan.tuning.ablation_study import CURVE, AblationPlaces, AblationStudy
from popgan.tuning.begin import TuneOptions, searched
from popgan.tuning.budgets import LEAST_SECONDS, Grant
from popgan.tuning.definition import LAST
from popgan.tuning.design import design_cells, doubts, factors_of
from popgan.tuning.parts import find_parts, parts_of
from popgan.tuning.planner import Planner
from popgan.tuning.prologue import ExperimentOptions, check_count, start_of
from popgan.tuning.space import defaults, differing, including, load_space, rounded
from popgan.tuning.variants import Default, default_variant, with_bases
from popgan.wording import counted

BUDGET, SEEDS, TRIALS = "8h", 5, 40
PARTS = ("out", "in", "factorial", "sensitivity")


@dataclass(frozen=True)
class AblateOptions(ExperimentOptions):
    """What the user asks of an ablation; see `ExperimentOptions`. Its seed is the first one.

    Attributes:
        seeds: trainings of each variant.
        parts: of `PARTS`; "out" alone by default.
        factors: of the factorial design; those that matter most a priori by default.
        trials: that fill the space of a sensitivity study.
    """

    seeds: int | None = None
    parts: Sequence[str] = ()
    factors: Sequence[str] = ()
    trials: int | None = None

    def defaults(self) -> dict[str, Any]:
        """See `ExperimentOptions.defaults`."""
        return {"budget": BUDGET, "seeds": SEEDS, "parts": [PARTS[0]], "trials": TRIALS}

    def has(self, part: str) -> bool:
        """Whether the study has a part."""
        return part in self.asked()["parts"]

    def check(self, run: Path | None = None) -> None:
        """See `ExperimentOptions.check`."""
        parts_of(self.recipe)
        super().check(run)
        for part in self.parts:
            if part not in PARTS:
                raise UserError(f"--parts {part}: no such part", do=f"choose of {', '.join(PARTS)}")
        find_parts(self.recipe, self.factors)
        if self.factors and not self.has("factorial"):
            raise UserError("--factors is for the part factorial", do="add --parts out,factorial")
        if self.trials is not None and not self.has("sensitivity"):
            raise UserError("--trials is for the part sensitivity", do="add --parts sensitivity")
        check_count("seeds", self.seeds, 1000)
        check_count("trials", self.trials, 10_000)


def define(
    places: AblationPlaces,
    cohort: Cohort,
    options: AblateOptions,
    reporter: Reporter,
    preset: Preset | None = None,
) -> AblationStudy:
    """Decide what a new ablation is about.

    Args:
        places: of the study.
        cohort: it is about.
        options: of the user.
        reporter: shows progress.
        preset: the default, where it is neither a file of the recipe nor found by a study.

    Raises:
        UserError: an option that is not possible, a default that cannot be planned, or a budget too
            short.
    """
    asked = options.asked()
    draft = AblationStudy(
        name=places.name,
        recipe=options.recipe,
        preset=asked["preset"],
        start=None if preset else start_of(options, cohort, reporter),
        cohort=cohort.hash,
        seed=options.seed,
        seeds=[options.seed + place for place in range(asked["seeds"])],
        overrides=dict(options.overrides),
        seconds=60.0,
        threads=max(1, usable_cores() // options.workers),
        variants=[default_variant()],
        asked=asked,
    )
    planner = Planner(draft, cohort, places.speeds, preset)
    draft = _with_variants(draft, planner, options)
    trials = asked["trials"] if options.has("sensitivity") else 0
    grant = _grant(options, cohort, len(draft.cells()) + trials)
    reason, needed = _too_slow(default_variant(), draft, planner, grant)
    if reason and not needed:
        raise UserError(f"the default cannot be trained: {reason}")
    seconds = math.floor(10 * grant.seconds(max(LEAST_SECONDS, needed))) / 10
    draft = draft.model_copy(update={"seconds": max(seconds, needed)})
    planner.definition = draft
    draft = _timed(draft, planner, grant, reporter)
    if trials:
        draft = _with_trials(draft, planner, trials)
    lost = doubts(draft.variants, draft.levels)
    notes = [*draft.told_start, *lost, *draft.notes, *planner.notes]
    return draft.model_copy(update={"notes": notes, "budget": _budget(draft, planner)})


def _grant(options: AblateOptions, cohort: Cohort, trainings: int) -> Grant:
    snapshot = seconds_a_snapshot(len(cohort.contrasts), (cohort.height, cohort.width))
    return Grant(
        budget=options.asked()["budget"],
        stopped=0.0,
        whole=trainings,
        workers=options.at_once,
        measuring=snapshot * len([*CURVE, *LAST]),
        what=counted(trainings, "training needs", "trainings need"),
        fewer="--seeds, --parts or --trials"
        if options.has("sensitivity")
        else "--seeds or --parts",
    )


def _with_variants(draft: AblationStudy, planner: Planner, options: AblateOptions) -> AblationStudy:
    default = Default(
        draft.recipe,
        lambda setting: planner.draft(setting, draft.seed, 10**6),
        list(draft.overrides),
    )
    variants = [default_variant()]
    levels: dict[str, dict[str, bool]] = {}
    if options.has("out"):
        variants += [default.paper(), *default.out()]
    if options.has("in"):
        variants += default.bare()
    if options.has("factorial"):
        factors = factors_of(default, find_parts(draft.recipe, options.factors))
        cells, levels = design_cells(default, factors, variants)
        variants += cells
    return draft.model_copy(update={"variants": variants, "levels": levels})


def _with_trials(draft: AblationStudy, planner: Planner, count: int) -> AblationStudy:
    """Settings that fill the space that a search of this default has."""
    plan = planner.plan({}, draft.seed)
    wished = TuneOptions(draft.recipe, draft.preset, overrides=draft.overrides)
    space, notes = searched(wished, plan)
    whole = defaults(load_space(draft.recipe), planner.preset, plan)
    space = including(space, whole)
    default: Setting = {one.name: whole[one.name] for one in space}
    space = [one.model_copy(update={"default": default[one.name]}) for one in space]
    held = {name: value for name, value in whole.items() if name not in default}
    found = space_filling(space, count, draft.seed, held=held)
    return draft.model_copy(
        update={
            "space": space,
            "default": default,
            "trials": [differing(rounded(setting), default) for setting in found],
            "notes": notes,
        }
    )


def _timed(
    draft: AblationStudy, planner: Planner, grant: Grant, reporter: Reporter
) -> AblationStudy:
    """The study without variants that need more time than is there.

    Speeds of all variants are measured on the way.
    """
    found = []
    with reporter.task("measuring speeds", len(draft.trained)) as task:
        for one in draft.variants:
            if not one.impossible:
                reason, _ = _too_slow(one, draft, planner, grant)
                task.advance()
                if reason:
                    one = one.model_copy(update={"impossible": reason})
            found.append(one)
    return draft.model_copy(update={"variants": with_bases(found)})


def _too_slow(
    one: Variant, draft: AblationStudy, planner: Planner, grant: Grant
) -> tuple[str, float]:
    """Why a variant cannot be trained in the time, empty if it can; and what it needs, seconds."""
    try:
        needed = planner.seconds_needed(one.setting, draft.seed)
    except UserError as error:
        return str(error).rstrip("."), 0.0
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return "the memory is not enough to build its networks", 0.0
    if needed <= draft.seconds:
        return "", needed
    reason = (
        f"its least number of steps takes {needed:.1f} s here, and a training has "
        f"{draft.seconds:g} s; grant --budget {grant.enough(needed)} or more"
    )
    return reason, needed


def _budget(draft: AblationStudy, planner: Planner) -> str:
    """What every training gets, in words and numbers."""
    images = [planner.plan(one.setting, draft.seed).train.images for one in draft.trained]
    span = f"{min(images):,}" if len(set(images)) == 1 else f"{min(images):,} to {max(images):,}"
    parts = [
        f"{draft.seconds:g} s of training for each of {len(draft.cells())} trainings on the same "
        f"machine, which by measured speed are {span} images",
        f"{counted(len(draft.trained), 'variant', 'variants')} with the same "
        f"{counted(len(draft.seeds), 'seed', 'seeds')}",
    ]
    if draft.trials:
        parts.append(f"{counted(len(draft.trials), 'trial', 'trials')} that fill the space")
    return f"Equal budgets: {'; '.join(parts)}"
