"""Numbers, durations and values as a reader wants them: short, honest, never with false digits."""

from __future__ import annotations

import datetime
import math
import re
from typing import Any

_THIN = "\u202f"
_MINUS = "\u2212"
PERCENT = f"{_THIN}%"
"""The sign with the narrow space that sets it off from its number."""


def number(value: float | int | None) -> str:
    """Three significant digits; whole numbers in full, thin spaces from 10 000 on; a dash for
    nothing.
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if float(value).is_integer() or abs(value) >= 1000:
        text = f"{round(value):,}".replace(",", _THIN if abs(value) >= 9999.5 else "")
    elif abs(value) < 1e-4:
        text = f"{value:.1e}"
    else:
        digits = max(0, 2 - math.floor(math.log10(abs(value))))
        text = f"{value:.{digits}f}"
        if abs(value) < 1:
            text = text.rstrip("0").rstrip(".") if digits > 3 else text
    return text.replace("-", _MINUS, 1) if text.startswith("-") else text


def score(value: float | None) -> str:
    """A measured number: as `number`, but no more than three decimals down to 0.0005.

    A floor of 0.00608 beside a value of 0.801 would claim digits that nobody measured.
    """
    if value is None or not 5e-4 <= abs(value) < 0.1:
        return number(value)
    return f"{value:.3f}".replace("-", _MINUS)


def interval(low: float | None, high: float | None) -> str:
    """ "0.120 to 0.170"; a dash where there is no interval."""
    if low is None or high is None:
        return "–"
    return f"{score(low)} to {score(high)}"


def typeset(text: str) -> str:
    """A sentence from elsewhere in the page's spelling: 95 % with a narrow fixed space, Fréchet, a
    true minus.

    Sentences of the evidence and the plan are also shown by terminals, and keep to ASCII there.
    """
    text = re.sub(r"(?<=\d) ?%", PERCENT, text)
    text = re.sub(r"(?<![\w.-])-(?=\d)", _MINUS, text)
    return text.replace("Frechet", "Fréchet")


def percent(share: float) -> str:
    """A share as a percentage: 0.52 is "52 %"."""
    return f"{share * 100:.0f}{PERCENT}"


def duration(seconds: float) -> str:
    """ "42 s", "6 min 10 s", "3 h 05 min"."""
    whole = round(seconds)
    if seconds < 10:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def moment(stamp: str) -> str:
    """An ISO 8601 time in words: "22 November 2026, 12:40 UTC"; anything else as it is."""
    try:
        time = datetime.datetime.fromisoformat(stamp).astimezone(datetime.UTC)
    except ValueError:
        return stamp
    return f"{time.day} {time:%B %Y, %H:%M} UTC"


def plain(value: Any) -> str:
    """A value of a plan or of a record: lists with commas, booleans as yes and no."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}".replace("-", _MINUS, 1) if value < 0 else f"{value:g}"
    if isinstance(value, int):
        return str(value) if abs(value) < 10_000 else number(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(item) for item in value)
    return str(value)
