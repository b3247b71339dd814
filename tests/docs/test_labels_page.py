"""docs/labels.md is true: options, names and numbers are those of the program."""

from __future__ import annotations

import re
from pathlib import Path

from popgan import LabelledImages
from popgan.cohort import Cohort
from popgan.cohort.cohort import LabelMaps
from popgan.cohort.label_maps import LEAST_AREA
from popgan.cohort.traits import OLDEST
from popgan.config.condition import Condition
from popgan.config.masks import MOST
from popgan.evidence.masks import RING
from popgan.planning.masks import FEWEST, FEWEST_MAPPED
from popgan.planning.rules import SIDED
from popgan.preparation.label_map import MOST_LABELS
from popgan.scans.entities import CHOICE
from popgan.scans.names import LABEL_FOLDERS, LABEL_WORDS
from popgan.synthesis.told import FEWEST as RARE
from popgan.synthesis.told import step_of
from small_runs import call

PAGE = " ".join(
    (Path(__file__).parents[2] / "docs" / "labels.md").read_text(encoding="utf-8").split()
)


def test_every_option_of_the_page_exists() -> None:
    options = set(re.findall(r"--[a-z-]+", PAGE))
    help_of_ingest = call("ingest", "--help").out
    planned = {"--with-masks", "--set", "--condition"}
    asked = {"--given", "--class", "--age", "--first", "--release"}
    ingested = options - planned - asked
    assert ingested == {"--covariate", "--label", "--label-map", "--contrast"}
    assert all(option in help_of_ingest for option in ingested)
    assert all(option in call("generate", "--help").out for option in asked)
    for verb in ("plan", "run"):
        assert all(option in call(verb, "--help").out for option in planned)


def test_the_names_of_the_page_are_those_of_the_api() -> None:
    assert {"covariates", "label_maps", "indices"} <= set(dir(Cohort))
    assert set(re.findall(r"\bmaps\.(\w+)", PAGE)) == set(LabelMaps.__dataclass_fields__)
    assert set(re.findall(r"\bdrawn\.(\w+)", PAGE)) == set(LabelledImages.__dataclass_fields__)


def test_what_a_set_says_of_patients_is_what_the_page_says() -> None:
    age = Condition(name="age", kind="number", low=20.1, high=84.9)
    assert "ages of 20 to 85 to 5 years" in PAGE
    assert str(age) == "age: 20 to 85"
    assert step_of(age) == 5
    assert "never finer than a year" in PAGE
    assert step_of(age.model_copy(update={"low": 83.0})) == 1
    assert f"heights of slices to {step_of(age.model_copy(update={'name': 'height'})):g}" in PAGE
    assert f"above {OLDEST - 1:g} years all are {OLDEST:g} since ingest" in PAGE
    assert f"fewer than {RARE} training patients" in PAGE
    sex = Condition(name="sex", kind="number", words=["F", "M"])
    assert f"`{sex}`" in PAGE


def test_words_and_limits_of_the_page_are_those_in_force() -> None:
    assert f"at least {LEAST_AREA:g} mm²" in PAGE
    assert f"At most {MOST_LABELS} values" in PAGE
    assert f"at least {FEWEST} training slices show, at most {MOST}" in PAGE
    assert f"With fewer than {FEWEST_MAPPED} left" in PAGE
    assert SIDED == 0.9
    assert "nine tenths in one half" in PAGE
    assert RING == 2
    assert "the two pixels around" in PAGE
    named = re.search(r"name says so \((.*?) and the like\)", PAGE)
    assert named is not None
    assert set(re.findall(r"`(\w+)`", named.group(1))) <= LABEL_WORDS
    assert {"masks", "labels"} <= LABEL_FOLDERS
    assert CHOICE.removeprefix("of several, one is taken: ") in PAGE.replace("`", "")
