"""Values of a DICOM data set without trust: texts of bounded length, numbers that are finite."""

from __future__ import annotations

import math
from typing import Any

_TEXT = 128  # characters of a text that are kept
_MANY = 64  # values of a list that are kept


class FunctionalGroups:
    """Where enhanced images keep what classic ones keep at the top: shared or a frame's own."""

    def __init__(self, data: Any, index: int) -> None:
        shared = data.get("SharedFunctionalGroupsSequence")
        own = data.get("PerFrameFunctionalGroupsSequence")
        self._places = [
            items[number]
            for items, number in ((own, index), (shared, 0))
            if items is not None and len(items) > number
        ]

    def group(self, keyword: str) -> Any:
        """The first item of a functional group, or None."""
        for place in self._places:
            items = place.get(keyword)
            if items:
                return items[0]
        return None

    def number(self, group: str, keyword: str) -> float | None:
        """The first value of an element in a functional group, or None."""
        found = self.group(group)
        return None if found is None else number_of(found, keyword)


def text_of(data: Any, keyword: str) -> str:
    """A value as text without blanks around it; empty where there is none."""
    value = data.get(keyword)
    return "" if value is None else _plain(value)


def texts_of(data: Any, keyword: str) -> tuple[str, ...]:
    """All values of an element as texts in capitals."""
    value = data.get(keyword)
    if value is None or value == "":
        return ()
    parts = [value] if isinstance(value, str) else list(value)
    return tuple(_plain(part).upper() for part in parts[:_MANY])


def _plain(value: Any) -> str:
    """A text that any encoding can carry; what was no character becomes a question mark."""
    return str(value).strip()[:_TEXT].encode("utf-8", "replace").decode("utf-8")


def numbers_of(data: Any, keyword: str) -> list[float]:
    """All values of an element as finite numbers; none if one of them is not."""
    value = data.get(keyword)
    if value is None or value == "":
        return []
    parts = list(value) if hasattr(value, "__iter__") and not isinstance(value, str) else [value]
    try:
        found = [float(part) for part in parts[:_MANY]]
    except (TypeError, ValueError):
        return []
    return found if all(map(math.isfinite, found)) else []


def number_of(data: Any, keyword: str) -> float | None:
    """The first value of an element as a finite number, or None."""
    found = numbers_of(data, keyword)
    return found[0] if found else None


def whole_of(data: Any, keyword: str, default: int = 0) -> int:
    """The first value of an element as a whole number."""
    found = number_of(data, keyword)
    return default if found is None else int(found)
