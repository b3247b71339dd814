"""Covariates as numbers: what a model can be told about a person."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.manifest import CovariateColumn, CovariateRecord

_Key = tuple[str, int]


def design(record: CovariateRecord) -> tuple[list[str], dict[_Key, NDArray[np.float32]]]:
    """Covariates as numbers: a number is itself, of two words the second is 1, more are one-hot.

    Returns:
        Names of the numbers (`age`, `sex=M`), and the numbers of each pseudonym and visit; NaN
        where a value is missing.
    """
    names: list[str] = []
    for column in record.columns:
        names += [column.name] if column.kind == "number" else _names(column)
    numbers = {}
    for row in record.rows:
        line: list[float] = []
        for column, value in zip(record.columns, row.values, strict=True):
            if column.kind == "number":
                line.append(math.nan if value is None else float(value))
            else:
                line += _codes(column, value)
        numbers[row.subject, row.visit] = np.array(line, dtype=np.float32)
    return names, numbers


def _shown(column: CovariateColumn) -> list[str]:
    """Words that get a number each: all, but of two the second alone."""
    return column.levels[1:] if len(column.levels) == 2 else column.levels


def _names(column: CovariateColumn) -> list[str]:
    return [f"{column.name}={word}" for word in _shown(column)]


def _codes(column: CovariateColumn, value: float | str | None) -> list[float]:
    shown = _shown(column)
    return [math.nan] * len(shown) if value is None else [float(value == word) for word in shown]
