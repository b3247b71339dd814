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
from popgan.evidence.experiments.results import Setting as Values
from popgan.evidence.experiments.results import TuneResult
from popgan.tuning.begin import TuneOptions, define
from popgan.tuning.definition import Definition, StudyPlaces
from quality_plan import COHORTS, Setting

SEARCHED = ("popgan", "stylegan2", "r3gan")
SEARCH_COHORT = "ixi-64"
TRIALS, SECONDS, SEEDS = 24, 180.0, (0, 1, 2)
VERIFY_COHORTS = ("ixi-64", "lgg-64")
THIRD = "cheng-64"
MINUTES = 8.0
NEW, OLD, PAPER, PAPER_32 = "new standard", "old standard", "paper", "paper, batch 32"
SCRATCH = "new standard, from scratch"
RUNNER_UP = "runner-up of popgan"
"""The best of the others in the final, where the search was a tie and kept the default: three short
trainings cannot tell, longer ones on patients of no search may."""
RUNNER_UP_SCRATCH = "runner-up of popgan, from scratch"
STYLEGAN2, R3GAN = "tuned stylegan2", "tuned r3gan"
METHODS = (NEW, OLD, PAPER_32, STYLEGAN2, R3GAN, PAPER, SCRATCH, RUNNER_UP, RUNNER_UP_SCRATCH)
THIRD_METHODS = (NEW, OLD, PAPER_32, PAPER, SCRATCH, RUNNER_UP)
"""From scratch: what of the standard's lead is the physics prior's, which no other recipe has."""

COHORTS.setdefault(THIRD, ("cheng_t1ce_axial", OPTIONS.model_copy(update={"contrasts": ["T1wCE"]})))


def start_of(recipe: str, name: str = "standard") -> Preset:
    """A preset as it was before any search."""
    kept = json.loads(Path(__file__).with_name("tuning_start.json").read_text("utf-8"))
    return Preset.model_validate(kept[recipe][name])


def definition_of(recipe: str, places: StudyPlaces, cohort: Cohort, threads: int) -> Definition:
    """The study of a recipe; written once."""
    if places.definition.exists():
        return Definition.load(places.definition)
    places.make()
    options = TuneOptions(recipe=recipe, trials=TRIALS, budget="30d", threads=threads)
    # Every trial of every recipe gets the same seconds.
    made = define(places, cohort, options, preset=start_of(recipe), seconds=SECONDS)
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
    return found.finals.candidates[found.finals.chosen].setting, found.finals.reason


def runner_up(cells: Mapping[str, Any]) -> Values | None:
    """The best other setting of popgan's final, if the default was kept; None if there is none."""
    record = cells.get("search/popgan")
    if record is None or not stays(cells):
        return None
    finals = TuneResult.model_validate(record["value"]["result"]).finals
    others = [one for one in finals.candidates if one.setting and one.mean] if finals else []
    return min(others, key=lambda one: one.mean or 0.0).setting if others else None


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
    if name == OLD:
        return replace(plain, preset=start_of("popgan"))
    if name in (PAPER, PAPER_32):
        overrides = {"train.batch": 32} if name == PAPER_32 else {}
        paper = start_of("popgan", "paper")
        return replace(plain, preset=paper, overrides=overrides, init="scratch")
    if name in (RUNNER_UP, RUNNER_UP_SCRATCH):
        values = runner_up(cells)
        if values is None:
            raise UserError("the search of popgan has no runner-up", do="--only search")
        preset = changed(start_of("popgan"), values, reason="a tie in the search", tuned=True)
        init = "scratch" if name == RUNNER_UP_SCRATCH else plain.init
        return replace(plain, preset=preset, init=init)
    recipe = {NEW: "popgan", SCRATCH: "popgan", STYLEGAN2: "stylegan2", R3GAN: "r3gan"}[name]
    found = chosen(cells, recipe)
    if found is None:
        raise UserError(f"{name}: the search of {recipe} is not finished", do="--only search")
    base = changed(start_of(recipe), found[0], reason=found[1], tuned=True)
    init = "scratch" if name == SCRATCH else plain.init
    return replace(plain, recipe=recipe, preset=base, init=init)
