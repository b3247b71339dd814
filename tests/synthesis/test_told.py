"""Conditions of generated images: from the data, or as asked; the same for the same image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from popgan.config.condition import Condition
from popgan.errors import UserError
from popgan.synthesis.told import may_be_said, tell

CLASSES = Condition(name="label", kind="class", classes=["big", "small"])
AGE = Condition(name="age", kind="number", mean=50.0, deviation=10.0, low=30.0, high=70.0)
SEX = Condition(name="sex", kind="number", mean=0.5, deviation=0.5, high=1.0, words=["F", "M"])
SITES = [Condition(name=f"site={word}", kind="number", high=1.0) for word in "AB"]
COLUMNS: dict[str, Any] = {
    "label": ["big"] * 6 + ["small"] * 3 + [None],
    "age": [40.0] * 6 + [60.0] * 4,
    "sex": [1.0] * 5 + [0.0] * 4 + [float("nan")],
    "site=A": [1.0] * 5 + [0.0] * 5,
    "site=B": [0.0] * 5 + [1.0] * 5,
}


def test_images_take_the_conditions_of_real_slices_together() -> None:
    told, notes = tell([CLASSES, AGE], COLUMNS, {})
    assert notes == []
    found = told.vectors_at(3, range(500))
    # Big ones are 40 and all others 60, as in the data.
    assert set(map(tuple, found.tolist())) == {(1, 0, -1, 1), (0, 1, 1, 1), (0, 0, 1, 1)}
    assert found[:, 0].mean() == pytest.approx(0.6, abs=0.08)
    assert told.labels_at(3, range(500))[:3] == [
        "big" if row[0] else "small" if row[1] else "unknown" for row in found[:3]
    ]


def test_an_image_s_condition_depends_on_seed_and_index_alone() -> None:
    told, _ = tell([CLASSES, AGE], COLUMNS, {})
    many = told.vectors_at(3, range(40))
    np.testing.assert_array_equal(told.vectors_at(3, [17]), many[17:18])
    assert not np.array_equal(told.vectors_at(4, range(40)), many)


def test_a_class_brings_the_numbers_of_its_own_slices() -> None:
    told, _ = tell([CLASSES, AGE], COLUMNS, {"label": "small"})
    assert set(map(tuple, told.vectors.tolist())) == {(0, 1, 1, 1)}
    assert told.labels_at(0, range(3)) == ["small"] * 3


def test_a_number_takes_the_place_of_the_data_s() -> None:
    told, notes = tell([CLASSES, AGE], COLUMNS, {"age": "55"})
    assert set(told.vectors[:, 2].tolist()) == {0.5}
    assert notes == []
    _, notes = tell([CLASSES, AGE], COLUMNS, {"age": 95.0})
    assert "outside" in notes[0]
    assert "30 to 70" in notes[0]


def test_a_word_is_asked_for_as_it_stands_in_the_table() -> None:
    for word in ("M", "m", "1", 1.0):
        told, notes = tell([SEX], COLUMNS, {"sex": word})
        assert set(map(tuple, told.vectors.tolist())) == {(1, 1)}
        assert (dict(told.asked), notes) == ({"sex": "M"}, [])


def test_one_of_several_words_leaves_the_others_out() -> None:
    told, _ = tell(SITES, COLUMNS, {"site": "b"})
    assert dict(told.asked) == {"site=A": 0, "site=B": 1}
    assert set(map(tuple, told.vectors.tolist())) == {(0, 1, 1, 1)}


def test_what_is_said_of_an_image_is_what_it_was_drawn_for() -> None:
    columns = COLUMNS | {"age": [41.3, 62.6, 90.0, *[float("nan")] * 7]}
    age = AGE.model_copy(update={"low": 20.2, "high": 90.0})
    told, _ = tell([CLASSES, age, SEX], columns, {})
    said = told.said_at(3, range(200))
    rows = told.rows(3, range(200))
    # Ages to 5 years, as the range of a plan is rounded; the nearest stays the nearest.
    ages = [40.0, 65.0, 90.0, *[None] * 7]
    sexes = ["M"] * 5 + ["F"] * 4 + [None]
    assert said == {"age": [ages[r] for r in rows], "sex": [sexes[r] for r in rows]}
    assert len(set(rows)) == 10
    asked, _ = tell([CLASSES, age, SEX], columns, {"age": "41.3"})
    assert asked.said_at(3, range(3))["age"] == [41.3] * 3


@pytest.mark.parametrize(
    ("name", "low", "high", "value", "said"),
    [
        ("age", 20.2, 90.0, 62.4, 60.0),
        ("age", 61.0, 64.0, 62.4, 62.0),
        ("age_months", 700.0, 1080.0, 787.6, 800.0),
        ("height", 0.21, 0.93, 0.43217, 0.43),
        ("dose", 0.0, 0.0041, 0.00333, 0.0035),
        ("volume", 1.1e6, 1.9e6, 1234567.0, 1250000.0),
        ("site=A", 0.0, 1.0, 1.0, 1.0),
        ("constant", 3.3, 3.3, 3.3, 3.3),
    ],
)
def test_a_number_of_a_patient_is_said_rounded(name, low, high, value, said) -> None:
    condition = Condition(name=name, kind="number", low=low, high=high)
    assert may_be_said(condition, value) == pytest.approx(said, rel=1e-9)


def test_what_few_patients_share_is_spared() -> None:
    people = [f"p{n}" for n in range(5)] + ["q"] * 5
    height = Condition(name="height", kind="number", low=0.0, high=1.0)
    columns = {
        "label": ["big"] * 10,
        "sex": [1.0] * 5 + [0.0] * 5,
        "height": [0.5] * 10,
    }
    told, _ = tell([CLASSES, SEX, height], columns, {}, people)
    assert list(told.rare) == [False] * 5 + [True] * 5
    said, spared = (told.said_at(1, range(60), spare=spare) for spare in (False, True))
    assert set(said["sex"]) == {"M", "F"}
    # Five men share their sex; all slices of the women are one woman's.
    assert spared["sex"] == [None if value == "F" else value for value in said["sex"]]
    assert spared["height"] == said["height"] == [0.5] * 60
    # What the user asks for is nobody's.
    asked, _ = tell([CLASSES, SEX, height], columns, {"sex": "F"}, people)
    assert asked.said_at(1, range(9), spare=True)["sex"] == ["F"] * 9


@pytest.mark.parametrize(
    ("conditions", "given", "words"),
    [
        ([CLASSES], {"label": "huge"}, "no class 'huge'.*big, small"),
        ([AGE], {"label": "big"}, "not trained with 'label'.*age"),
        ([], {"age": 3.0}, "plan with --condition"),
        ([AGE], {"age": "old"}, "not a number"),
        ([AGE], {"age": "inf"}, "not a number"),
        ([SEX], {"sex": "X"}, r"none of its words and no number; give sex as F \(0\), M \(1\)"),
        (SITES, {"site": "C"}, "not trained with 'site=C'.*site=A"),
    ],
)
def test_what_the_model_does_not_know_is_refused(
    conditions: list[Condition], given: dict[str, Any], words: str
) -> None:
    columns = {c.name: COLUMNS[c.name] for c in conditions} or {"": []}
    with pytest.raises(UserError, match=words) as caught:
        tell(conditions, columns, given)
    assert "\n" not in str(caught.value)
