"""What is compared: where each search starts, and the methods that are trained afterwards.

`tuning_start.json` keeps the presets as they were before any search, because the shipped `standard`
becomes what was found. All searches get the same trials and the same seconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cohort import OPTIONS
from popgan.cohort import Cohort
from popgan.config.preset import Preset, changed
from popgan.errors import UserError
from popgan.evidence.experiments.choice import Finalist, choose_final
from popgan.evidence.experiments.results import Finals, Trial, TuneResult
from popgan.evidence.experiments.results import Setting as Values
from popgan.tuning.begin import TuneOptions, define
from popgan.tuning.definition import Definition, StudyPlaces
from popgan.tuning.outcome import lost
from quality_plan import COHORTS, Setting

SEARCHED = ("popgan", "stylegan2", "r3gan")
SEARCH_COHORT = "ixi-64"
TRIALS, SECONDS, SEEDS = 24, 180.0, (0, 1, 2)
VERIFY_COHORTS = ("ixi-64", "lgg-64")
THIRD = "cheng-64"
MINUTES = 8.0
NEW, OLD, PAPER, PAPER_32 = "new standard", "old standard", "paper", "paper, batch 32"
SCRATCH, OLD_SCRATCH = "new standard, from scratch", "old standard, from scratch"
"""What of the standard's lead is the physics prior's, which no other recipe has."""
STYLEGAN2, R3GAN = "tuned stylegan2", "tuned r3gan"
METHODS = (NEW, OLD, PAPER_32, STYLEGAN2, R3GAN, PAPER, SCRATCH, OLD_SCRATCH)
THIRD_METHODS = (NEW, OLD, PAPER_32, PAPER, SCRATCH, OLD_SCRATCH)

COHORTS.setdefault(THIRD, ("cheng_t1ce_axial", OPTIONS.model_copy(update={"contrasts": ["T1wCE"]})))


def start_of(recipe: str, name: str = "standard") -> Preset:
    """A preset as it was before any search."""
    kept = json.loads(Path(__file__).with_name("tuning_start.json").read_text("utf-8"))
    return Preset.model_validate(kept[recipe][name])


def definition_of(
    recipe: str,
    places: StudyPlaces,
    cohort: Cohort,
    threads: int,
    *,
    preset: Preset | None = None,
    seconds: float = SECONDS,
    **changes: Any,
) -> Definition:
    """The study of a recipe; written once.

    Args:
        recipe: that is searched.
        places: of the study.
        cohort: it is about.
        threads: of each trial.
        preset: it starts from; the shipped `standard` if None.
        seconds: of each trial; the same for every recipe.
        changes: of what is written.
    """
    if places.definition.exists():
        return Definition.load(places.definition)
    places.make()
    options = TuneOptions(recipe=recipe, trials=TRIALS, budget="30d", threads=threads)
    made = define(places, cohort, options, preset=preset, seconds=seconds)
    made = made.model_copy(update=changes)
    made.save(places.definition)
    return made


def chosen(cells: Mapping[str, Any], recipe: str) -> tuple[Values, str] | None:
    """What the search of a recipe has found: the setting, and the hash of the study's trials."""
    record = cells.get(f"search/{recipe}")
    if record is None:
        return None
    found = TuneResult.model_validate(record["value"]["result"])
    if found.finals is None:
        return {}, "the default stays"
    finals = judged(found)
    return finals.candidates[finals.chosen].setting, finals.reason


def judged(found: TuneResult) -> Finals:
    """The final of a search by the present rules; when it was made they may have been others."""
    finals = found.finals
    assert finals is not None, "nothing was trained with fresh seeds"
    fresh = [one for one in found.trials if one.purpose == "final" and one.kid is not None]

    def of(setting: Values) -> list[Trial]:
        return [one for one in fresh if one.setting == setting]

    default, *rest = (
        Finalist(one.trial, one.setting, one.searched, one.values, lost(of(one.setting), of({})))
        for one in sorted(finals.candidates, key=lambda one: one.trial is not None)
    )
    return choose_final(finals.seeds, default, rest)


def stays(cells: Mapping[str, Any]) -> bool:
    """Whether the search of popgan has kept the old standard, which then is the new one too."""
    found = chosen(cells, "popgan")
    return found is not None and not found[0]


def method(name: str, cohort: str, cells: Mapping[str, Any]) -> Setting:
    """A method on a cohort.

    Raises:
        UserError: its search is not finished.
    """
    plain = Setting(name, cohort=cohort, init="default")
    if name in (OLD, OLD_SCRATCH):
        init = "scratch" if name == OLD_SCRATCH else plain.init
        return replace(plain, preset=start_of("popgan"), init=init)
    if name in (PAPER, PAPER_32):
        overrides = {"train.batch": 32} if name == PAPER_32 else {}
        paper = start_of("popgan", "paper")
        return replace(plain, preset=paper, overrides=overrides, init="scratch")
    recipe = {NEW: "popgan", SCRATCH: "popgan", STYLEGAN2: "stylegan2", R3GAN: "r3gan"}[name]
    found = chosen(cells, recipe)
    if found is None:
        raise UserError(f"{name}: the search of {recipe} is not finished", do="--only search")
    base = changed(start_of(recipe), found[0], reason=found[1], tuned=True)
    init = "scratch" if name == SCRATCH else plain.init
    return replace(plain, recipe=recipe, preset=base, init=init)
