"""What generated images are conditioned on: drawn from the training slices, or as the user asks.

Image k of a seed takes the conditions of one training slice, all together, so that they go with
each other as they do in the data. A class that the user asks for leaves the slices of that class
to draw from; a number that the user asks for takes the place of the slice's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.config.condition import Condition, Value, encode
from popgan.errors import UserError
from popgan.seeds import numpy_rng

LABEL = "label"


@dataclass(frozen=True)
class Told:
    """Conditions to draw from.

    Attributes:
        vectors: M x K, one row a training slice that fits what was asked.
        labels: class of each row, or None; empty where the model knows no classes.
    """

    vectors: NDArray[np.float32]
    labels: list[str | None]

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


def tell(
    conditions: Sequence[Condition],
    columns: Mapping[str, Sequence[Value]],
    given: Mapping[str, str | float],
) -> tuple[Told, list[str]]:
    """Conditions for generation.

    Args:
        conditions: of the plan.
        columns: the training slices' values for each condition.
        given: what the user asks for by name: a class, or a number.

    Returns:
        The conditions to draw from, and notes for the user.

    Raises:
        UserError: the model was not told such a thing, or never saw such a class.
    """
    known = {condition.name: condition for condition in conditions}
    notes: list[str] = []
    for name in given:
        if name not in known:
            raise UserError(
                f"the model was not trained with {name!r}",
                do=f"it knows {', '.join(known)}" if known else "it takes no conditions",
            )
    count = len(next(iter(columns.values())))
    keep = np.arange(count)
    filled = dict(columns)
    for name, value in given.items():
        condition = known[name]
        if condition.kind == "class":
            if value not in condition.classes:
                names = ", ".join(condition.classes)
                raise UserError(f"the model knows no class {value!r}", do=f"choose one of {names}")
            keep = keep[[columns[name][int(row)] == value for row in keep]]
        else:
            number = _number(name, value)
            if not condition.low <= number <= condition.high:
                notes.append(
                    f"{name} {number:g} lies outside of what the model saw "
                    f"({condition.low:.4g} to {condition.high:.4g})"
                )
            filled[name] = [number] * count
    vectors = encode(conditions, filled)[keep]
    labels: list[str | None] = []
    if classes := columns.get(LABEL):
        chosen = [classes[int(row)] for row in keep]
        labels = [None if name is None else str(name) for name in chosen]
    return Told(vectors, labels), notes


def _number(name: str, value: str | float) -> float:
    try:
        number = float(value)
    except ValueError as error:
        raise UserError(f"{name} {value!r} is not a number") from error
    if not np.isfinite(number):
        raise UserError(f"{name} {value!r} is not a number")
    return number
