"""What generated images are conditioned on: drawn from the training slices, or as the user asks.

Image k of a seed takes the conditions of one training slice, all together, so that they go with
each other as they do in the data. A class that the user asks for leaves the slices of that class
to draw from; a number that the user asks for takes the place of the slice's own.

What a set may say of them is another matter: those of a slice are values of one patient. Words are
said as they are, numbers are rounded (`may_be_said`), and `rare` marks what few patients share.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.traits import is_age
from popgan.config.condition import Condition, Value, encode
from popgan.errors import UserError
from popgan.seeds import numpy_rng

LABEL, HEIGHT = "label", "height"
FEWEST = 5
"""Patients who must share values before a set that is given away says them."""
_HEIGHTS = 0.01
_YEAR = 1.0


@dataclass(frozen=True)
class Told:
    """Conditions to draw from.

    Attributes:
        vectors: M x K, one row a training slice that fits what was asked.
        labels: class of each row, or None; empty where the model knows no classes.
        conditions: of the plan.
        asked: what the user asks for: classes, words or numbers, by the condition's name.
        said: of all conditions but the class, what may be said of each row; None is unknown.
        rare: for each row, whether fewer than `FEWEST` patients share what is said of it.
    """

    vectors: NDArray[np.float32]
    labels: list[str | None]
    conditions: Sequence[Condition] = ()
    asked: Mapping[str, str | float] = field(default_factory=dict)
    said: Mapping[str, list[Value]] = field(default_factory=dict)
    rare: Sequence[bool] = ()

    def rows(self, seed: int, indices: Sequence[int]) -> list[int]:
        """The row of each image; it depends on the seed and the image's index alone."""
        count = len(self.vectors)
        return [int(numpy_rng(seed, "condition", i).integers(count)) for i in indices]

    def vectors_at(self, seed: int, indices: Sequence[int]) -> NDArray[np.float32]:
        """N x K for images of a seed."""
        return self.vectors[self.rows(seed, indices)]

    def labels_at(self, seed: int, indices: Sequence[int]) -> list[str] | None:
        """Class of each image of a seed; None where the model knows no classes."""
        if not self.labels:
            return None
        return [self.labels[row] or "unknown" for row in self.rows(seed, indices)]

    def said_at(
        self, seed: int, indices: Sequence[int], *, spare: bool = False
    ) -> dict[str, list[Value]]:
        """What may be said of images of a seed, by the condition's name, the class left out.

        Args:
            seed, indices: of the images.
            spare: leave out what is `rare`.
        """
        rows = self.rows(seed, indices)
        hidden = {row for row in set(rows) if spare and self.rare[row]}
        found = {}
        for name, values in self.said.items():
            whose = _of_a_patient(name, self.asked)
            found[name] = [None if whose and row in hidden else values[row] for row in rows]
        return found


def tell(
    conditions: Sequence[Condition],
    columns: Mapping[str, Sequence[Value]],
    given: Mapping[str, str | float],
    people: Sequence[str] | None = None,
) -> tuple[Told, list[str]]:
    """Conditions for generation.

    Args:
        conditions: of the plan.
        columns: the training slices' values for each condition.
        given: what the user asks for by name: a class, a word, or a number.
        people: the patient of each training slice; each is another one by default.

    Returns:
        The conditions to draw from, and notes for the user.

    Raises:
        UserError: the model was not told such a thing, or never saw such a class.
    """
    known = {condition.name: condition for condition in conditions}
    notes: list[str] = []
    count = len(next(iter(columns.values())))
    keep = np.arange(count)
    filled, asked = dict(columns), dict[str, str | float]()
    for name, value in _meant(known, given).items():
        condition = known[name]
        if condition.kind == "class":
            if value not in condition.classes:
                names = ", ".join(condition.classes)
                raise UserError(f"the model knows no class {value!r}", do=f"choose one of {names}")
            keep = keep[[columns[name][int(row)] == value for row in keep]]
            asked[name] = value
        else:
            number = _number(condition, value)
            if not condition.low <= number <= condition.high:
                notes.append(
                    f"{name} {number:g} lies outside of what the model saw "
                    f"({condition.low:.4g} to {condition.high:.4g})"
                )
            filled[name] = [number] * count
            word = condition.word(number)
            asked[name] = number if word is None else word
    asked = {name: asked[name] for name in known if name in asked}
    vectors = encode(conditions, filled)[keep]
    labels = [_text(columns[LABEL][int(row)]) for row in keep] if columns.get(LABEL) else []
    said: dict[str, list[Value]] = {
        name: [may_be_said(known[name], columns[name][int(row)]) for row in keep]
        if name not in asked
        else [asked[name]] * len(keep)
        for name in known
        if name != LABEL
    }
    who = [str(row) if people is None else people[int(row)] for row in keep]
    return Told(vectors, labels, conditions, asked, said, _rare(labels, said, asked, who)), notes


def may_be_said(condition: Condition, value: Value) -> Value:
    """A patient's value as a set may say it: a word, or a number rounded; None is unknown.

    A number is rounded to half of the power of ten below the range of the training data, ages to
    years at least, so that it fits many; heights are of slices and not of patients, to 0.01.
    """
    if value is None or value != value:
        return None
    if isinstance(value, str) or condition.words:
        return condition.word(value)
    step = step_of(condition)
    return round(step * round(value / step), 10) if step else value


def step_of(condition: Condition) -> float:
    """What a number of a patient is rounded to; 0 where all are the same."""
    if condition.name == HEIGHT:
        return _HEIGHTS
    return max(condition.step, _YEAR) if is_age(condition.name) else condition.step


def _of_a_patient(name: str, asked: Mapping[str, str | float]) -> bool:
    """Whether what is said under a name is a patient's: the user's wishes and heights are not."""
    return name != HEIGHT and name not in asked


def _rare(
    labels: Sequence[str | None],
    said: Mapping[str, list[Value]],
    asked: Mapping[str, str | float],
    people: Sequence[str],
) -> list[bool]:
    """For each row, whether few patients share its class and what is said of it."""
    own = [values for name, values in said.items() if _of_a_patient(name, asked)]
    rows = list(zip(*([labels] if labels else []), *own, strict=True)) or [()] * len(people)
    sharing: dict[tuple[Value, ...], set[str]] = defaultdict(set)
    for row, person in zip(rows, people, strict=True):
        sharing[row].add(person)
    return [len(sharing[row]) < FEWEST for row in rows]


def _meant(
    known: Mapping[str, Condition], given: Mapping[str, str | float]
) -> dict[str, str | float]:
    """Wishes by the names that the plan has: `site` = A is `site=A` = 1, its other words are 0.

    Raises:
        UserError: the model was not told such a thing.
    """
    meant: dict[str, str | float] = {}
    for name, value in given.items():
        wanted = f"{name}={value}".casefold()
        family = [other for other in known if other.startswith(f"{name}=")]
        alike = {other: float(other.casefold() == wanted) for other in family}
        if name in known:
            meant[name] = value
        elif any(alike.values()):
            meant |= alike
        else:
            knows = "; ".join(str(condition) for condition in known.values())
            raise UserError(
                f"the model was not trained with {f'{name}={value}' if alike else name!r}",
                do=f"it knows {knows}" if known else "leave it out, or plan with --condition",
            )
    return meant


def _number(condition: Condition, value: str | float) -> float:
    name = condition.name
    try:
        return condition.number(value)
    except ValueError as error:
        if condition.words:
            raise UserError(
                f"{name} {value!r} is none of its words and no number",
                do=f"give {name} as {condition.named}",
            ) from error
        raise UserError(f"{name} {value!r} is not a number", do=f"it knows {condition}") from error


def _text(value: Value) -> str | None:
    return None if value is None else str(value)
