"""The checklists hold facts and visible blanks, and never an opinion of the software."""

from __future__ import annotations

import re

import pytest
from reader_fixtures import analysis, facts, result

from popgan.evidence.readers.record import StudyAnalysis
from popgan.study.background import Background, ModelFacts
from popgan.study.checklist_items import CLAIM, GRRAS
from popgan.study.checklists import BLANK, checklist_markdown

KNOWN = Background(
    counts={"Training subjects": 28, "Tuning subjects": 6, "Test subjects": 6},
    preparation=["bias field: n4 (40 scans)"],
    models={"popgan": ModelFacts("recipe popgan", "random weights", "48000 images", "the last.")},
    software={"popgan": "0.1.0", "torch": "2.13.0"},
)
UNKNOWN = Background(counts={}, preparation=[], models={}, software={})


def rows(text: str, title: str) -> dict[int, str]:
    """Item -> answer of one of the two tables."""
    part = text.split(f"## {title}")[1].split("\n## ")[0]
    found = re.findall(r"^\| (\d+) \|[^|]*\|[^|]*\| (.*) \|$", part, re.M)
    return {int(number): answer for number, answer in found}


@pytest.fixture(scope="module")
def text() -> str:
    return checklist_markdown(analysis(), KNOWN)


def test_all_items_of_both_lists_are_there_once(text: str) -> None:
    assert list(rows(text, "CLAIM 2024")) == [number for number, _, _ in CLAIM] == [*range(1, 45)]
    assert list(rows(text, "GRRAS")) == [number for number, _, _ in GRRAS] == [*range(1, 16)]


def test_what_only_a_human_knows_is_visibly_blank(text: str) -> None:
    claim, grras = rows(text, "CLAIM 2024"), rows(text, "GRRAS")
    for item in (1, 2, 3, 5, 7, 8, 13, 33, 36, 39, 40, 41, 44):
        assert claim[item] == BLANK
    for item in (1, 3, 4, 5, 14):
        assert grras[item] == BLANK
    # Half known: the blank stands beside the fact.
    assert "aliases only" in claim[11] and BLANK in claim[11]
    assert "6 of the test split" not in grras[12] and BLANK in grras[12]
    blank = sum(answer == BLANK for answer in (*claim.values(), *grras.values()))
    assert f"{blank} of 59 items are blank" in text


def test_what_run_and_study_know_is_filled_in(text: str) -> None:
    claim, grras = rows(text, "CLAIM 2024"), rows(text, "GRRAS")
    assert "28 training, 6 tuning, 6 test" in claim[19]
    assert "random weights" in claim[24]
    assert "5 invited, 5 started, 4 completed" in claim[35]
    assert "120 real images of 40 patients" in grras[11]
    assert "balanced accuracy of 65%" in claim[37]
    assert "38 of 2700 answers" in claim[12]
    assert "SHA-256 eeeeeeeeeeee" in claim[34]


def test_what_is_not_known_is_blank_rather_than_guessed() -> None:
    claim = rows(checklist_markdown(analysis(), UNKNOWN), "CLAIM 2024")
    for item in (9, 19, 22, 23, 24, 25, 26, 32):
        assert claim[item] == BLANK


@pytest.mark.parametrize("status", ["interim", "rehearsal"])
def test_numbers_that_are_not_final_are_marked(status: str) -> None:
    assert f"**{status.upper()}" in checklist_markdown(analysis(status=status), KNOWN)


def test_a_title_cannot_break_the_page() -> None:
    hostile = "a | b\n# c <script>"
    found = StudyAnalysis(status="final", facts=facts(title=hostile), result=result())
    text = checklist_markdown(found, KNOWN)
    assert "<script>" not in text
    assert "\n# c" not in text
