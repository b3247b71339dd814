"""Conditions looked up in a cohort: what there is, what is missing, what is too little."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from popgan.config.condition import Condition
from popgan.errors import UserError
from popgan.planning.condition import find_conditions, vectors, with_words


class MadeCohort:
    """What conditions need of a cohort."""

    run = Path("run")

    def __init__(
        self,
        labels: list[str | None],
        ages: list[float] | None = None,
        heights: Any = None,
        held_out: list[str | None] | None = None,
    ) -> None:
        count = len(labels)
        heights = heights if heights is not None else np.linspace(0, 1, count)
        self._labels, self._ages, self._held_out = labels, ages, held_out or []
        self.slices = [SimpleNamespace(height=float(h)) for h in heights]

    @property
    def words(self) -> dict[str, list[str]]:
        return {} if self._ages is None else {"sex": ["F", "M"], "site": ["A", "B", "C"]}

    def indices(self, split: str) -> np.ndarray:
        return np.arange(len(self.slices))

    def labels(self, split: str) -> list[str | None]:
        return self._labels if split == "train" else self._held_out

    def covariates(self, split: str) -> tuple[list[str], np.ndarray]:
        if self._ages is None:
            return [], np.empty((len(self._labels), 0), np.float32)
        columns = [self._ages, [float(i % 2) for i in range(len(self._ages))]]
        return ["age", "sex=M"], np.array(columns, np.float32).T


def cohort(*labels: str | None, **more: Any) -> Any:
    return MadeCohort(list(labels), **more)


MIXED = ["a"] * 60 + ["b"] * 60


def test_classes_and_numbers_become_vectors_in_the_order_asked_for() -> None:
    ages = [float(20 + i % 50) for i in range(120)]
    made = cohort(*MIXED, ages=ages)
    conditions, notes = find_conditions(made, ["age", "label"])
    assert notes == []
    assert [c.size for c in conditions] == [2, 2]
    found = vectors(made, "train", conditions)
    assert found is not None
    assert found.shape == (120, 4)
    assert abs(found[:, 0].mean()) < 1e-6
    assert found[:, 0].std() == pytest.approx(1, abs=1e-5)
    assert found[:, 1].tolist() == [1] * 120
    assert found[0, 2:].tolist() == [1, 0]
    assert found[-1, 2:].tolist() == [0, 1]


def test_what_is_missing_is_zero_marked_and_counted() -> None:
    ages = [float("nan")] * 3 + [float(i) for i in range(117)]
    labels = [None, *MIXED[1:]]
    made = cohort(*labels, ages=ages)
    conditions, notes = find_conditions(made, ["label", "age"])
    assert any("1 of 120" in note and "label" in note for note in notes)
    assert any("3 of 120" in note and "age" in note for note in notes)
    found = vectors(made, "train", conditions)
    assert found is not None
    assert found[0].tolist() == [0, 0, 0, 0]
    assert np.isfinite(found).all()


def test_a_word_for_two_is_found_by_its_name() -> None:
    made = cohort(*MIXED, ages=[float(i) for i in range(120)])
    conditions, _ = find_conditions(made, ["sex"])
    found = vectors(made, "train", conditions)
    assert found is not None
    assert sorted(set(found[:, 0].tolist())) == pytest.approx([-1, 1])


def test_a_plan_says_what_the_two_numbers_of_a_word_mean() -> None:
    made = cohort(*MIXED, ages=[float(i) for i in range(120)])
    (sex, age), _ = find_conditions(made, ["sex", "age"])
    assert sex.words == ["F", "M"]
    assert str(sex) == "sex: F (0), M (1)"
    assert age.words is None
    # A plan of before has no words: it is read, its hash stays, and the cohort still knows them.
    old = Condition.model_validate(sex.model_dump(exclude={"words"}))
    assert "words" not in old.model_dump(exclude_none=True)
    assert str(old) == "sex: 0 to 1"
    assert with_words(made, [old, age]) == [sex, age]


@pytest.mark.parametrize(
    ("said", "number"),
    [("M", 1), ("m", 1), ("f", 0), ("1", 1), (0.0, 0), (" F ", 0), ("0.5", 0.5)],
)
def test_a_covariate_of_two_words_is_asked_for_by_word_or_number(said, number) -> None:
    sex = Condition(name="sex", kind="number", words=["F", "M"])
    assert sex.number(said) == number
    longer = Condition(name="sex", kind="number", words=["female", "male"])
    assert longer.number(said) == number


def test_words_that_are_digits_are_words_first() -> None:
    assert Condition(name="sex", kind="number", words=["1", "2"]).number("1") == 0
    alike = Condition(name="type", kind="number", words=["primary", "progressive"])
    for said in ("p", "", "inf", "relapsing"):
        with pytest.raises(ValueError):
            alike.number(said)


def test_no_conditions_are_no_vectors() -> None:
    assert vectors(cohort(*MIXED), "train", []) is None


@pytest.mark.parametrize(
    ("labels", "names", "words"),
    [
        ([None] * 9, ["label"], "no labels"),
        (["a"] * 9, ["label"], "all training slices have the label 'a'"),
        (["a"] * 60 + ["b"] * 3, ["label"], "'b' has 3 training slices"),
        (MIXED, ["weight"], "nothing called 'weight'.*height, label, age"),
        (MIXED, ["label", "label"], "twice"),
    ],
)
def test_what_cannot_be_told_is_refused_in_one_line(
    labels: list[str | None], names: list[str], words: str
) -> None:
    made = cohort(*labels, ages=[float(i) for i in range(len(labels))])
    with pytest.raises(UserError, match=words) as caught:
        find_conditions(made, names)
    assert "\n" not in str(caught.value)


def test_a_number_that_never_changes_says_nothing() -> None:
    with pytest.raises(UserError, match=r"'height' is 0\.5 everywhere"):
        find_conditions(cohort(*MIXED, heights=[0.5] * 120), ["height"])
    with pytest.raises(UserError, match="'age' is known of no training slice"):
        find_conditions(cohort(*MIXED, ages=[float("nan")] * 120), ["age"])


def test_a_class_whose_patients_are_all_held_out_is_told_of_and_not_lost() -> None:
    made = cohort(*MIXED, held_out=["a", "c", None])
    with pytest.raises(UserError, match="class 'c' has no training slices, too few to learn from"):
        find_conditions(made, ["label"])


def test_a_small_class_is_noted() -> None:
    _, notes = find_conditions(cohort(*["a"] * 60, *["b"] * 9), ["label"])
    assert any("'b' has 9" in note and "copies" in note for note in notes)


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (19.98, 93.47, (15, 95)),
        (0.213, 0.871, (0.2, 0.9)),
        (-3.0, 4.2, (-3.0, 4.5)),
        (5, 5, (5, 5)),
    ],
)
def test_a_range_is_told_without_the_values_of_its_two_patients(low, high, shown) -> None:
    condition = Condition(name="age", kind="number", low=low, high=high)
    assert condition.about == pytest.approx(shown)
    assert str(condition) == f"age: {shown[0]:.4g} to {shown[1]:.4g}"
