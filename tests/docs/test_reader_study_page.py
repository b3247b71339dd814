"""docs/how-to/reader-study.md is true: verbs, options, names and numbers are those in force."""

from __future__ import annotations

import re
from pathlib import Path

import popgan.study
from popgan.study.schema import Design, Places
from small_runs import call

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "how-to" / "reader-study.md").read_text(encoding="utf-8")
SCRIPTS = Path(popgan.study.__file__).parent / "page"


def test_every_verb_and_option_of_the_page_exists() -> None:
    text = PAGE.replace("\\\n", " ")
    commands = re.findall(r"popgan study ([a-z-]+) RUN([^\n`]*)", text)
    assert {verb for verb, _ in commands} == {
        *("create", "simulate", "analyse", "serve", "links", "status", "lock", "unlock")
    }
    helps = {verb: call("study", verb, "--help").out for verb, _ in commands}
    for verb, rest in commands:
        for option in re.findall(r"--[a-z][a-z-]*", rest.partition("#")[0]):
            assert option in helps[verb], (verb, option)
    table = PAGE.partition("| You want | Give |")[2].partition("\n\n")[0]
    options = set(re.findall(r"--[a-z][a-z-]*", table))
    assert len(options) >= 8
    assert all(option in helps["create"] for option in options)


def test_every_picture_and_page_it_leads_to_is_there() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert len(targets) >= 12
    for target in targets:
        path = (DOCS / "how-to" / target).resolve()
        assert path.is_file()
        assert path.suffix != ".png" or path.stat().st_size <= 150 * 1024


def test_numbers_and_names_of_the_page_are_those_in_force() -> None:
    images, window = (SCRIPTS / "images.js").read_text(), (SCRIPTS / "window.js").read_text()
    ahead = re.search(r"const AHEAD = (\d+);", images)
    assert ahead is not None and f"({ahead[1]} cases)" in PAGE
    assert "percentile(pixels, 0.998)" in window and "99.8 %" in PAGE
    assert f"every {Design.model_fields['break_every'].default} cases" in PAGE
    places = Places(Path("RUN"))
    for path in (places.preregistration, places.consent, places.instructions, places.texts):
        assert path.as_posix() in PAGE
    for path in (places.key, places.stimuli, places.database):
        assert path.as_posix() in PAGE
