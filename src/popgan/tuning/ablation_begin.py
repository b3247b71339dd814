"""How an ablation begins: which variants of which default, how long each training gets.

Everything that follows is decided here, written down once, and shown. Speeds are measured here for
all variants alike, before anything is trained, so that the same seconds mean the same to all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from popgan.cohort.cohort import Cohort
from popgan.config.preset import Preset, load_preset
from popgan.errors import UserError, is_out_of_memory
from popgan.evidence.experiments.results import Setting, Variant
from popgan.evidence.experiments.space_filling import space_filling
from popgan.planning.budget import parse_budget
from popgan.planning.trial import LEAST_SUBJECTS
from popgan.progress import Reporter
from popgan.provenance import usable_cores
from popgan.stations.snapshots import seconds_a_snapshot
from popgan.tuning.ablation_study import CURVE, AblationPlaces, AblationStudy, seconds_each
from popgan.tuning.begin import TuneOptions, searched
from popgan.tuning.definition import LAST, LEAST_SECONDS
from popgan.tuning.design import design_cells, factors_of
from popgan.tuning.parts import find_parts, parts_of
from popgan.tuning.planner import Planner
from popgan.tuning.space import defaults, differing, including, load_space, rounded
from popgan.tuning.variants import Default, default_variant, with_bases
from popgan.wording import counted

BUDGET, SEEDS, TRIALS = "8h", 5, 40
PARTS = ("out", "in", "factorial", "sensitivity")


@dataclass(frozen=True)
class AblateOptions:
    """What the user asks of an ablation; None or nothing takes the default.

    Attributes:
        recipe: name of a recipe that draws images.
        preset: the default that is taken apart.
        budget: time of the whole study on this machine, such as "8h".
        seeds: trainings of each variant.
        parts: of `PARTS`; "out" alone by default.
        factors: of the factorial design; those that matter most a priori by default.
        trials: that fill the space of a sensitivity study.
        workers: processes on this machine.
        seed: the first one.
        overrides: values of the plan that are held.
    """

    recipe: str = "popgan"
    preset: str = "standard"
    budget: str | None = None
    seeds: int | None = None
    parts: Sequence[str] = ()
    factors: Sequence[str] = ()
    trials: int | None = None
    workers: int = 1
    seed: int = 0
    overrides: Mapping[str, Any] = field(default_factory=dict)

    def asked(self) -> dict[str, Any]:
        """What decides the study; how many work at it does not."""
        values = {
            **asdict(self),
            "budget": self.budget or BUDGET,
            "seeds": self.seeds or SEEDS,
            "parts": list(self.parts) or [PARTS[0]],
            "factors": list(self.factors),
            "trials": self.trials or TRIALS,
            "overrides": dict(self.overrides),
        }
        return {name: value for name, value in values.items() if name != "workers"}

    def given(self) -> set[str]:
        """Names of what is asked for; an option that is not given asks for nothing."""
        plain = AblateOptions()
        pairs = {name: (getattr(self, name), getattr(plain, name)) for name in asdict(self)}
        return {
            name for name, (now, default) in pairs.items() if (now or None) != (default or None)
        }

    def has(self, part: str) -> bool:
        """Whether the study has a part."""
        return part in self.asked()["parts"]

    def check(self) -> None:
        """Refuse what is not possible, before anything heavy.

        Raises:
            UserError: which option, and why.
        """
        parts_of(self.recipe)
        load_preset(self.preset, self.recipe)
        parse_budget(self.asked()["budget"])
        for part in self.parts:
            if part not in PARTS:
                raise UserError(f"--parts {part}: no such part", do=f"choose of {', '.join(PARTS)}")
        find_parts(self.recipe, self.factors)
        if self.factors and not self.has("factorial"):
            raise UserError("--factors is for the part factorial", do="add --parts out,factorial")
        if self.trials is not None and not self.has("sensitivity"):
            raise UserError("--trials is for the part sensitivity", do="add --parts sensitivity")
        for name, value, most in (
            ("seeds", self.seeds, 1000),
            ("trials", self.trials, 10_000),
            ("workers", self.workers, 256),
        ):
            if value is not None and not 1 <= value <= most:
                raise UserError(f"--{name} {value} is not possible", do=f"give 1 to {most}")


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
        preset: the default, where it is no file of the recipe.

    Raises:
        UserError: too few tuning subjects, a default that cannot be planned, or a budget too short.
    """
    options.check()
    _refuse_few(cohort)
    asked = options.asked()
    draft = AblationStudy(
        name=places.name,
        recipe=options.recipe,
        preset=options.preset,
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
    trainings, budget = len(draft.cells()) + trials, asked["budget"]
    snapshot = seconds_a_snapshot(len(cohort.contrasts), (cohort.height, cohort.width))
    measuring = snapshot * len([*CURVE, *LAST])

    def granted(least: float) -> float:
        return seconds_each(budget, trainings, options.workers, measuring=measuring, least=least)

    seconds = granted(LEAST_SECONDS)
    draft = draft.model_copy(update={"seconds": seconds})
    planner = Planner(draft, cohort, places.speeds, preset)
    needed, draft = _timed(draft, planner, reporter)
    granted(max(LEAST_SECONDS, needed))
    if trials:
        draft = _with_trials(draft, planner, trials)
    return draft.model_copy(update={"budget": _budget(draft, planner)})


def _refuse_few(cohort: Cohort) -> None:
    count = len(set(cohort.subjects("tuning")))
    if count < LEAST_SUBJECTS:
        raise UserError(
            f"{count} tuning subjects are too few to score variants by ({LEAST_SUBJECTS} or more)",
            where=cohort.run,
            do="ingest more subjects",
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
    found = space_filling(space, count, draft.seed)
    return draft.model_copy(
        update={
            "space": space,
            "default": default,
            "trials": [differing(rounded(setting), default) for setting in found],
            "notes": notes,
        }
    )


def _timed(
    draft: AblationStudy, planner: Planner, reporter: Reporter
) -> tuple[float, AblationStudy]:
    """Seconds that the default needs, and the study without variants that need more than is there.

    Speeds of all variants are measured on the way.
    """
    needed, found = 0.0, []
    with reporter.task("measuring speeds", len(draft.trained)) as task:
        for one in draft.variants:
            if not one.impossible:
                reason, seconds = _too_slow(one, draft, planner)
                task.advance()
                if one.kind == "default":
                    if reason and not seconds:
                        raise UserError(f"the default cannot be trained: {reason}")
                    needed = seconds
                elif reason:
                    one = one.model_copy(update={"impossible": reason})
            found.append(one)
    return needed, draft.model_copy(update={"variants": with_bases(found)})


def _too_slow(one: Variant, draft: AblationStudy, planner: Planner) -> tuple[str, float]:
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
    has = f"a training has {draft.seconds:g} s"
    reason = f"its least number of steps takes {needed:.1f} s here, and {has}; grant more --budget"
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
