"""Conditions of generated images: from the data, or as asked; the same for the same image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from popgan.config.condition import Condition
from popgan.errors import UserError
from popgan.synthesis.told import tell

CLASSES = Condition(name="label", kind="class", classes=["big", "small"])
AGE = Condition(name="age", kind="number", mean=50.0, deviation=10.0, low=30.0, high=70.0)
COLUMNS: dict[str, Any] = {
    "label": ["big"] * 6 + ["small"] * 3 + [None],
    "age": [40.0] * 6 + [60.0] * 4,
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


@pytest.mark.parametrize(
    ("conditions", "given", "words"),
    [
        ([CLASSES], {"label": "huge"}, "no class 'huge'.*big, small"),
        ([AGE], {"label": "big"}, "not trained with 'label'.*age"),
        ([], {"age": 3.0}, "takes no conditions"),
        ([AGE], {"age": "old"}, "not a number"),
        ([AGE], {"age": "inf"}, "not a number"),
    ],
)
def test_what_the_model_does_not_know_is_refused(
    conditions: list[Condition], given: dict[str, Any], words: str
) -> None:
    columns = {c.name: COLUMNS[c.name] for c in conditions} or {"": []}
    with pytest.raises(UserError, match=words) as caught:
        tell(conditions, columns, given)
    assert "\n" not in str(caught.value)
