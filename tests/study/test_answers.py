"""Answers as tables: every version, its truth only where it is asked for, no formula in a cell."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from popgan.study.answers import as_csv, export_rows, read_answers, read_events, read_log
from study.served import answer, served
from study.small_studies import make_study


def test_a_study_that_nobody_answered_is_empty_but_planned(tmp_path: Path) -> None:
    study = make_study(tmp_path / "run", readers=3)
    answers = read_answers(study)
    assert (answers.ratings, answers.judgements, answers.choices) == ((), (), ())
    assert answers.readers == ("R1", "R2", "R3")
    assert answers.planned == {"likert": 7, "authenticity": 7}
    assert answers.models == ("popgan",)
    assert read_log(study) == read_events(study) == export_rows(study, truth=True) == []
    assert as_csv([]).startswith("version,reader,block,")
    assert not study.places.database.exists()


def test_rows_of_pairs_tell_both_sides_only_with_the_truth(tmp_path: Path) -> None:
    study = make_study(tmp_path / "run", kind="2afc", repeats=1)
    with served(study) as house:
        reader = house.reader()
        for block in ("practice", "2afc"):
            reader.finish(block)
    plain, told = export_rows(study, truth=False), export_rows(study, truth=True)
    assert len(plain) == len(told) == 1 + 4
    assert set(told[0]) - set(plain[0]) == {
        *("repeat", "case", "source", "cluster", "case_right", "source_right", "cluster_right"),
    }
    assert all({row["source"], row["source_right"]} == {"real", "popgan"} for row in told)
    assert [row["repeat"] for row in told] == [0, 0, 0, 0, 1]
    assert [row["position"] for row in told] == [1, 1, 2, 3, 4]
    assert (told[1]["choice"], told[1]["confidence"], told[1]["anatomy"]) == ("left", 3, None)


def test_drafts_and_former_versions_do_not_reach_the_analysis(tmp_path: Path) -> None:
    study = make_study(tmp_path / "run")
    with served(study) as house:
        reader = house.reader()
        reader.finish("practice")
        first, second, *_ = (trial.id for trial in house.trials("likert"))
        full = dict.fromkeys(("anatomy", "contrast", "artefacts", "usefulness", "realism"), 2)
        reader.answer(
            answer("likert", first, full | {"realism": 1}, shown_ms=4000),
            answer("likert", first, full, shown_ms=100),
            answer("likert", second, {"anatomy": 5}),
        )
    (rating,) = read_answers(study).ratings
    # The longest time, should a page have begun to count anew.
    assert (dict(rating.scores), rating.seconds) == (full, 4.0)


def test_cells_are_text_that_no_spreadsheet_calculates() -> None:
    rows = [
        {"a": "=1+1", "b": None, "c": True, "d": -5},
        {"a": " @x", "b": 'a,b\n"c"', "c": False, "d": 0.5},
    ]
    found = list(csv.DictReader(io.StringIO(as_csv(rows), newline="")))
    assert [row["a"] for row in found] == ["'=1+1", "' @x"]
    assert [row["b"] for row in found] == ["", 'a,b\n"c"']
    assert [row["c"] for row in found] == ["true", "false"]
    assert [row["d"] for row in found] == ["-5", "0.5"]
