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

    def __str__(self) -> str:
        if self.kind == "class":
            return f"{self.name}: {', '.join(self.classes)}"
        low, high = self.about
        return f"{self.name}: {low:.4g} to {high:.4g}"

    @property
    def about(self) -> tuple[float, float]:
        """The range, rounded outwards: its ends are values of single patients.

        To half of the power of ten below the range, such as 15 to 95 for ages of 19.98 to 93.47.
        """
        if not self.high > self.low:
            return self.low, self.high
        step = 10.0 ** math.floor(math.log10(self.high - self.low)) / 2
        return step * math.floor(self.low / step), step * math.ceil(self.high / step)

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
