"""docs/how-to/complete-missing-contrasts.md is true: verbs, options, keys and names are so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import popgan
from popgan.stations.translate import translate
from small_runs import call
from whole_cohorts import ingested, with_model

PAGE_FILE = (
    Path(__file__).resolve().parents[2] / "docs" / "how-to" / "complete-missing-contrasts.md"
)
PAGE = PAGE_FILE.read_text(encoding="utf-8")

pytestmark = pytest.mark.xdist_group("whole volumes")


def test_every_verb_and_option_of_the_page_exists() -> None:
    commands = re.findall(r"^popgan ([a-z]+)([^\n]*)", PAGE, re.MULTILINE)
    assert [verb for verb, _ in commands] == ["phantom", "run", "phantom", "translate"]
    helps = {verb: " ".join(call(verb, "--help").out.split()) for verb, _ in commands}
    for verb, rest in commands:
        for option in re.findall(r"--[a-z][a-z-]*", rest):
            assert option in helps[verb], (verb, option)
    for start, verb in (
        ("| You want | Give |\n|---|---|\n| good", "run"),
        ("| to leave", "translate"),
    ):
        table = PAGE[PAGE.index(start) :].partition("\n\n")[0]
        for option in re.findall(r"--[a-z][a-z-]*", table):
            assert option in helps[verb] or option == "--json", (verb, option)


def test_names_of_files_and_keys_are_those_that_are_written(tmp_path) -> None:
    cohort = ingested(tmp_path)
    model = with_model(cohort, ["T1w"], recipe="pix2pix")
    made = translate(model, tmp_path / "scans/Person1", tmp_path / "out", workers=0)
    facts = json.loads(made.visits[0].sidecar.read_text())
    table = PAGE.partition("**The sidecar.**")[2].partition("\n\nA warning")[0]
    keys = re.findall(r"^\| `(\w+)`", table, re.MULTILINE)
    assert len(keys) == 7
    assert set(keys) <= set(facts)
    assert "Level" in facts["Uncertainty"]
    for path in sorted((tmp_path / "out").rglob("*.nii.gz")):
        kind = path.name.partition("_desc-")[2].replace("FLAIR", "T2w")
        assert f"sub-phantom0101_desc-{kind}" in PAGE


def test_names_of_the_python_example_exist() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    compile(example, PAGE_FILE.name, "exec")
    (names,) = re.findall(r"from popgan import ([^\n]*)", example)
    assert all(hasattr(popgan, name.strip()) for name in names.split(","))
    for kind, own in (
        (popgan.Translations, ("visits", "set_aside")),
        (popgan.TranslatedFiles, ("subject", "image", "warnings")),
        (popgan.TranslatedVolume, ("image", "half_width", "warnings")),
    ):
        assert set(own) <= set(kind.__dataclass_fields__)
