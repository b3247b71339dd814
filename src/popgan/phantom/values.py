"""Values of a protocol file, checked: a mapping with known keys, a number within its range."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from popgan.errors import UserError


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    """A part of the file that must be a mapping from names.

    Raises:
        UserError: it is something else.
    """
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise UserError("is not a table of names and values", where=where, do="see docs/phantom.md")
    return value


def only(given: Iterable[str], names: Iterable[str], where: str) -> None:
    """Refuse names that mean nothing.

    Raises:
        UserError: one of them is unknown.
    """
    unknown = [name for name in given if name not in set(names)]
    if unknown:
        raise UserError(
            f"nothing is called {unknown[0]!r}", where=where, do=f"choose among {', '.join(names)}"
        )


def number(value: Any, where: str, low: float, high: float) -> float:
    """A finite number in [low, high].

    Raises:
        UserError: it is something else.
    """
    # A whole number can be too long for a float, and too long to be shown.
    if isinstance(value, int) and abs(value) > 10**15:
        raise UserError("a number is out of range", where=where, do=f"give {low:g} to {high:g}")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UserError(f"{value!r} is not a number", where=where)
    if not low <= value <= high:
        raise UserError(f"{value:g} is out of range", where=where, do=f"give {low:g} to {high:g}")
    return float(value)
