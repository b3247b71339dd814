"""Conditions: what networks are told beside noise, as numbers, the same in training and after.

A class becomes one place a class (all zero where it is not known). A number becomes two places:
the value, standardised by the training split, and whether it is known; an unknown value is zero in
both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from popgan.config.section import Section

Value = str | float | None
"""A class, a number, or unknown (None or not a number)."""


class Condition(Section):
    """One thing that networks are told, with what is needed to encode it."""

    name: str = Field(description="label, height, or the name of a covariate")
    kind: Literal["class", "number"]
    classes: list[str] = Field(default_factory=list, description="names of the classes, in order")
    mean: float = Field(default=0.0, description="of the training split's known values")
    deviation: float = Field(default=1.0, gt=0, description="of the training split's known values")
    low: float = Field(default=0.0, description="least known value of the training split")
    high: float = Field(default=0.0, description="largest known value of the training split")
    # None where there are none, so that the hash of a plan made before there were words stays.
    words: list[str] | None = Field(
        default=None, description="of a covariate of two words: what 0 and 1 stand for"
    )

    def __str__(self) -> str:
        if self.kind == "class":
            return f"{self.name}: {', '.join(self.classes)}"
        if self.words:
            return f"{self.name}: {self.named}"
        low, high = self.about
        return f"{self.name}: {low:.4g} to {high:.4g}"

    @property
    def about(self) -> tuple[float, float]:
        """The range, rounded outwards: its ends are values of single patients.

        To half of the power of ten below the range, such as 15 to 95 for ages of 19.98 to 93.47.
        """
        step = self.step
        if not step:
            return self.low, self.high
        return step * math.floor(self.low / step), step * math.ceil(self.high / step)

    @property
    def step(self) -> float:
        """Half of the power of ten below the range, to which values of patients are rounded."""
        if not self.high > self.low:
            return 0.0
        return 10.0 ** math.floor(math.log10(self.high - self.low)) / 2

    @property
    def named(self) -> str:
        """Its words with their numbers: "F (0), M (1)"."""
        return ", ".join(f"{word} ({number})" for number, word in enumerate(self.words or []))

    def word(self, value: Value) -> Value:
        """A value as people say it: the word of a number that has one, else the value itself."""
        return self.words[int(value)] if self.words and value in (0, 1) else value

    def number(self, text: str | float) -> float:
        """What a user asks for as a number: one of the words in any case, a number, or a beginning.

        Raises:
            ValueError: it is none of them, or not finite.
        """
        said, words = str(text).strip(), self.words or []
        for alike in (str, str.casefold):
            if alike(said) in map(alike, words):
                return float([alike(word) for word in words].index(alike(said)))
        begun = [n for n, word in enumerate(words) if word.casefold().startswith(said.casefold())]
        try:
            value = float(text)
        except ValueError:
            if said and len(begun) == 1:  # m for male
                return float(begun[0])
            raise
        if not math.isfinite(value):
            raise ValueError(f"{text!r} is not finite")
        return value

    @property
    def size(self) -> int:
        """Places it takes in a condition vector."""
        return len(self.classes) if self.kind == "class" else 2

    def encode(self, values: Sequence[Value]) -> NDArray[np.float32]:
        """N values to N x size; what is not known, and classes never seen, are zero."""
        if self.kind == "class":
            rows = [[float(value == name) for name in self.classes] for value in values]
            return np.array(rows, dtype=np.float32).reshape(len(values), self.size)
        numbers = np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64)
        known = np.isfinite(numbers)
        standard = np.where(known, (numbers - self.mean) / self.deviation, 0.0)
        return np.stack([standard, known], 1).astype(np.float32)


def condition_size(conditions: Sequence[Condition]) -> int:
    """K, the length of a condition vector; 0 = unconditional."""
    return sum(condition.size for condition in conditions)


def encode(
    conditions: Sequence[Condition], columns: Mapping[str, Sequence[Value]]
) -> NDArray[np.float32]:
    """Condition vectors of N images.

    Args:
        conditions: from the plan.
        columns: N values for every condition's name.

    Returns:
        N x K.
    """
    parts = [condition.encode(columns[condition.name]) for condition in conditions]
    return np.concatenate(parts, axis=1)
