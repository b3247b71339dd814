"""What may be an answer: the values of one trial, checked one by one, refused with words.

Values come from a browser, so nothing about them is taken for granted: `true` is no number, 3.0 is
no score, and a key that is not known is refused rather than ignored.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from popgan.evidence.readers.answers import CONFIDENCES, CRITERIA, SCORES
from popgan.study.schema import Block, Kind

LONGEST_REMARK = 2000
SIDES = ("left", "right")
_KEPT = "\n\t"


def check_values(block: Block, kind: Kind, values: Mapping[str, object]) -> dict[str, object]:
    """Values of a trial as they are stored: known keys in a fixed order, a tidy remark.

    Raises:
        ValueError: an unknown key or a value that is not possible; one line for the reader.
    """
    allowed = needed(block, kind)
    unknown = [key for key in values if key not in allowed and key != "remark"]
    if unknown:
        raise ValueError(f"{_short(unknown[0])} is not asked in this block")
    checked: dict[str, object] = {}
    for key in allowed:
        if key in values:
            checked[key] = _check(key, values[key])
    remark = _remark(values.get("remark", ""))
    return checked | ({"remark": remark} if remark else {})


def needed(block: Block, kind: Kind) -> tuple[str, ...]:
    """What must be there before an answer counts."""
    if block == "practice":
        block = "2afc" if kind == "2afc" else "likert"
    if block == "likert":
        return CRITERIA
    return ("choice" if block == "2afc" else "real", "confidence")


def is_complete(block: Block, kind: Kind, values: Mapping[str, object]) -> bool:
    """Whether everything was answered; a remark is free."""
    return all(key in values for key in needed(block, kind))


def _check(key: str, value: object) -> object:
    if key == "real":
        if not isinstance(value, bool):
            raise ValueError("real must be true or false")
    elif key == "choice":
        if value not in SIDES:
            raise ValueError("choice must be left or right")
    elif key == "confidence":
        _whole(key, value, CONFIDENCES)
    else:
        _whole(key, value, SCORES)
    return value


def _whole(key: str, value: object, allowed: tuple[int, ...]) -> None:
    # `True == 1`, so the type is asked first.
    if type(value) is not int or value not in allowed:
        raise ValueError(f"{key} must be a whole number from {allowed[0]} to {allowed[-1]}")


def _remark(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("remark must be text")
    if len(value) > LONGEST_REMARK:
        raise ValueError(f"remark is longer than {LONGEST_REMARK} characters")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError("remark is not valid text") from error
    return "".join(c for c in value if c in _KEPT or unicodedata.category(c) != "Cc").strip()


def _short(key: str) -> str:
    shown = key.encode(errors="backslashreplace").decode()
    return repr(shown if len(shown) <= 40 else shown[:40] + "...")
