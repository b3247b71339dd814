"""Every answer can be had as a table: pseudonymous, safe to open, the truth only after the lock."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from popgan.errors import UserError
from popgan.files import write_json
from popgan.study.answers import as_csv
from popgan.study.export import patient_names, simulated_rows, study_rows
from popgan.study.schema import Study
from study.answered_studies import answer, register, simulated
from study.small_studies import make_study

SIZES = {"readers": 2, "real": 4, "synthetic": 4, "repeats": 2, "size": (4, 4)}


def study_with(tmp_path: Path, remark: str = "", **changes: object) -> Study:
    study = make_study(tmp_path / "run", **(SIZES | changes))
    register(study)
    answer(study, simulated(study), remark=remark)
    return study


def table(rows: list[dict[str, object]]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(as_csv(rows))))


def test_every_answer_is_there_with_its_truth(tmp_path: Path) -> None:
    study = study_with(tmp_path)
    rows = table(study_rows(study, truth=True))
    assert len(rows) == 2 * 2 * (8 + 2)
    truth = {s.case: s.source for s in study.key.stimuli}
    assert all(row["source"] == truth[row["case"]] for row in rows)
    assert {row["reader"] for row in rows} == {"R1", "R2"}
    assert sum(row["repeat"] == "1" for row in rows) == 8


def test_no_truth_before_the_lock(tmp_path: Path) -> None:
    study = study_with(tmp_path)
    rows = study_rows(study, truth=False)
    assert not {"case", "source", "cluster", "repeat"} & set(rows[0])
    text = as_csv(rows)
    assert not any(s.case in text or s.file in text for s in study.key.stimuli)


def test_patients_have_numbers_of_their_own(tmp_path: Path) -> None:
    study = study_with(tmp_path)
    rows = study_rows(study, truth=True)
    named = {row["cluster"] for row in rows if row["source"] == "real"}
    assert named == {"P1", "P2", "P3", "P4"}
    assert "sub-" not in as_csv(rows)
    # The same patient has the same number everywhere, and the order does not follow pseudonyms.
    assert len({(row["case"], row["cluster"]) for row in rows}) == 8
    names = patient_names(study)
    assert len(set(names.values())) == len(names)


def test_the_numbers_of_patients_follow_from_the_secret_alone(tmp_path: Path) -> None:
    study = study_with(tmp_path, real=8)
    before, path = patient_names(study), study.places.private / "secret.json"
    assert patient_names(study) == before
    write_json(path, {"version": 1, "secret": "7a" * 32})
    assert patient_names(study) != before
    path.unlink()
    with pytest.raises(UserError, match=r"secret\.json"):
        patient_names(study)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", " ="])
def test_no_remark_becomes_a_formula(tmp_path: Path, start: str) -> None:
    harm = f'{start}HYPERLINK("http://127.0.0.1","x")'
    rows = table(study_rows(study_with(tmp_path, remark=harm), truth=True))
    assert all(row["remark"].startswith("'") for row in rows)
    assert all(row["remark"].endswith(harm) for row in rows)


def test_simulated_answers_say_so_in_every_row(tmp_path: Path) -> None:
    study = make_study(tmp_path / "run", **SIZES)
    rows = table(simulated_rows(study, simulated(study)))
    assert len(rows) == 2 * 2 * 10
    assert {row["simulated"] for row in rows} == {"true"}
    assert "sub-" not in as_csv(simulated_rows(study, simulated(study)))


def test_pairs_keep_their_sides(tmp_path: Path) -> None:
    study = study_with(tmp_path, kind="2afc")
    answered = table(study_rows(study, truth=True))
    rehearsed = table(simulated_rows(study, simulated(study)))

    def sides(rows: list[dict[str, str]]) -> set[tuple[str, ...]]:
        columns = ("reader", "case", "case_right", "choice", "source", "source_right", "repeat")
        return {tuple(row[column] for column in columns) for row in rows}

    first = {row[:-1] for row in sides(answered) if row[-1] == "0"}
    assert first == {row[:-1] for row in sides(rehearsed) if row[-1] == "0"}
    assert all({row["source"], row["source_right"]} == {"real", "popgan"} for row in answered)
