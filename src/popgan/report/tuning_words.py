"""The words of searches and ablations: names of values, scores with fitting digits, reasons."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from popgan.evidence.experiments.results import Setting, State, Value
from popgan.report.words import duration, number, plain, typeset

SCORE = "KID to the tuning split"
LONGEST = 27  # letters of a name in a figure
STATES: Mapping[State, str] = {
    "complete": "complete",
    "pruned": "pruned",
    "infeasible": "infeasible",
    "failed": "failed",
    "out of memory": "out of memory",
    "running": "still running",
}
"""In the order in which they are counted."""

_CLEAR = {"", "train", "network", "preset"}  # sections whose names speak for themselves
_PATH = re.compile(
    r"\b[a-zA-Z][\w+.-]*://[^\s,;'\"]+"  # addresses, which may hold a password
    r"|(?<![\w.])(?:~|[A-Za-z]:)?[/\\](?:[^\s/\\,;:'\"()]+[/\\])+[^\s,;:'\"()]*"
)


def without_paths(text: str) -> str:
    """A text without paths and addresses of a machine."""
    return _PATH.sub("…", text)


def told(text: str) -> str:
    """A reason from elsewhere in the page's spelling, without paths and addresses."""
    return typeset(without_paths(text)).rstrip(".")


def decimals(spread: float | None) -> int:
    """Decimals of KID such that a spread has two digits: three for 0.021, four for 0.0034."""
    if spread is None or spread <= 0:
        return 3
    return min(6, max(3, 1 - math.floor(math.log10(spread))))


def shown(value: float | None, places: int = 3, *, sign: bool = False) -> str:
    """ "0.301", "−0.052"; a dash for nothing. A score that rounds to nothing has no sign."""
    if value is None:
        return "–"
    rounded = round(value, places) or 0.0
    return f"{rounded:{'+' if sign and rounded else ''}.{places}f}".replace("-", "\u2212")


def between(low: float | None, high: float | None, places: int = 3, *, sign: bool = False) -> str:
    """ "−0.082 to −0.020"; empty where there is no interval."""
    if low is None or high is None:
        return ""
    return f"{shown(low, places, sign=sign)} to {shown(high, places, sign=sign)}"


def value_words(value: Value | None) -> str:
    """A value of a setting with three significant digits: 0.00431, 128, yes, rpgan."""
    if isinstance(value, float):
        return f"{value:.3g}".replace("-", "\u2212", 1) if value < 0 else f"{value:.3g}"
    return plain(value)


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Each dotted name by its last part in words, or whole where two would be the same."""
    known = list(dict.fromkeys(names))
    tails = Counter(_tail(name) for name in known)
    return {name: _tail(name) if tails[_tail(name)] == 1 else name for name in known}


def _tail(name: str) -> str:
    section, _, tail = name.rpartition(".")
    # "probability" alone says nothing, "batch" does.
    words = tail if section in _CLEAR else f"{section} {tail}"
    return words.strip().replace("_", " ")


def setting_words(setting: Setting, names: Mapping[str, str] | None = None) -> list[str]:
    """ "lr generator 0.0043" for each value of a setting, in the order of `names`."""
    names = names if names is not None else short_names(setting)
    order = {name: place for place, name in enumerate(names)}
    found = sorted(setting, key=lambda name: (order.get(name, len(order)), name))
    return [f"{names.get(name, name)} {value_words(setting[name])}" for name in found]


def cut(name: str) -> str:
    """A name that fits the left of a figure."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def listed(words: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def spanned(values: Sequence[float]) -> str:
    """The least and the largest: "40 112 to 41 940", or one where all print the same."""
    if not values:
        return "–"
    low, high = number(min(values)), number(max(values))
    return low if low == high else f"{low} to {high}"


def granted(seconds: float) -> str:
    """A time that was asked for: "3 min" rather than "3 min 00 s"."""
    return duration(seconds).removesuffix(" 00 s")


def sentence(text: str) -> str:
    """Words of a result as a sentence of the page."""
    words = told(text)
    return f"{words[:1].upper()}{words[1:]}." if words else ""
