"""Simulated answers come back as they were, and only for the design they were drawn for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from popgan.errors import UserError
from popgan.evidence.readers.answers import CRITERIA, Answers, Case, Choice, Judgement, Rating
from popgan.study.rehearsal import load_rehearsal, rehearsal_path, save_rehearsal
from popgan.study.schema import Design, Key, Places, Study

ANSWERS = Answers(
    cases={"a": Case("a", "real", "sub-1"), "b": Case("b", "popgan", "b")},
    readers=("R1", "R2"),
    ratings=(Rating("R1", "a", dict.fromkeys(CRITERIA, 3), seconds=4.5),),
    judgements=(Judgement("R1", "b", True, 2, repeat=1),),
    choices=(Choice("R2", "a", "b", True, 3, False),),
    planned={"likert": 2},
)


def a_study(run: Path, seed: int = 0) -> Study:
    design = Design(
        **{"title": "t", "kind": "2afc", "readers": 1, "real": 1, "synthetic": {"popgan": 1}},
        **{"patients": 1, "per_patient": 1, "design_effect": 1.0, "repeats": 0, "practice": 0},
        **{"contrast": "T1w", "size": (4, 4), "spacing": (1.0, 1.0), "models": {}, "cohort": ""},
        **{"generators": 0, "seed": seed, "masked": True, "created": "now"},
    )
    return Study(Places(run), design, Key(design=design.hash(), stimuli=[], readers=[]))


def test_answers_come_back_as_they_were(tmp_path: Path) -> None:
    study = a_study(tmp_path)
    path = save_rehearsal(study, ANSWERS, {"dprime": 0.5})
    assert path == tmp_path / "private/study/rehearsal.json"
    assert path.stat().st_mode & 0o777 == 0o600
    found = load_rehearsal(study)
    assert found.answers == ANSWERS
    assert found.told == {"dprime": 0.5}
    save_rehearsal(study, ANSWERS, number=2)
    assert load_rehearsal(study, 2).answers == ANSWERS


def test_nothing_else_is_taken_for_them(tmp_path: Path) -> None:
    study = a_study(tmp_path)
    with pytest.raises(UserError, match="no simulated answers"):
        load_rehearsal(study)
    save_rehearsal(study, ANSWERS)
    with pytest.raises(UserError, match="another design"):
        load_rehearsal(a_study(tmp_path, seed=1))
    path = rehearsal_path(study.places)
    good = json.loads(path.read_text())
    for bad in ({}, [], good | {"answers": {}}, good | {"simulated": False}, good | {"told": 3}):
        path.write_text(json.dumps(bad))
        with pytest.raises(UserError):
            load_rehearsal(study)
