"""The axes of searches and ablations: KID upward, and a value of any kind along it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    MaxNLocator,
    NullFormatter,
    NullLocator,
)

from popgan.evidence.experiments.results import Value
from popgan.report.tuning_words import value_words

_WIDE = 4.0  # ratio of KIDs from which on the axis is logarithmic
_FEW = 5  # as many numbers as this are categories


def kid_axis(axes: Axes, values: Sequence[float], ticks: int = 5) -> None:
    """Limits and figures of KID at the left; logarithmic where it spans more than a factor 4.

    Args:
        axes: what was drawn on.
        values: everything that must be seen; at least one.
        ticks: the most figures.
    """
    low, high = min(values), max(values)
    if low > 0 and high / low > _WIDE:
        axes.set_yscale("log")
        margin = (high / low) ** 0.06
        axes.set_ylim(low / margin, high * margin)
        _ticks(axes.yaxis, log_places(low / margin, high * margin, ticks))
        return
    margin = 0.08 * (high - low) or 0.1 * abs(high) or 0.1
    axes.set_ylim(low - margin, high + margin)
    axes.yaxis.set_major_locator(MaxNLocator(ticks - 1, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _plain(value)))


def log_places(low: float, high: float, most: int) -> list[float]:
    """Round places between two positive numbers: decades, or 1, 2 and 5 of each, `most` at most."""
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
        found = [step * 10.0**k for k in decades for step in steps]
        inside = [place for place in found if low <= place <= high]
        if len(inside) <= most:
            break
    else:
        inside = inside[:: -(-len(inside) // most)]
    return inside if len(inside) > 1 else [float(f"{low:.2g}"), float(f"{high:.2g}")]


def is_kind(values: Sequence[Value]) -> bool:
    """Whether values are kinds rather than numbers on a scale: words, yes and no, or a few."""
    words = any(isinstance(value, (bool, str)) for value in values)
    return words or len(set(values)) <= _FEW


def kinds_of(values: Sequence[Value]) -> list[Value]:
    """Distinct values in the order of an axis: numbers by size, words as they come."""
    found = list(dict.fromkeys(values))
    if any(isinstance(value, (bool, str)) for value in found):
        return found
    return sorted(found, key=float)


def value_axis(axes: Axes, values: Sequence[Value], *, log: bool, ticks: int = 4) -> None:
    """Limits and figures of a number along the foot.

    Args:
        axes: what was drawn on.
        values: all numbers that must be seen; at least one.
        log: whether they are told apart by ratio.
        ticks: the most figures.
    """
    numbers = [float(value) for value in values]
    low, high = min(numbers), max(numbers)
    if log and low > 0 and high > low:
        axes.set_xscale("log")
        margin = (high / low) ** 0.05
        axes.set_xlim(low / margin, high * margin)
        _ticks(axes.xaxis, log_places(low / margin, high * margin, ticks))
        return
    margin = 0.06 * (high - low) or 0.1 * abs(high) or 0.1
    axes.set_xlim(low - margin, high + margin)
    axes.xaxis.set_major_locator(MaxNLocator(ticks - 1, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _plain(value)))


def kind_axis(axes: Axes, kinds: Sequence[Value]) -> int:
    """Names of kinds along the foot, at 0, 1, 2 ...; slanted where they would touch.

    Returns:
        Letters of the longest name that is slanted; 0 where none is.
    """
    names = [value_words(kind) for kind in kinds]
    axes.set_xlim(-0.6, len(kinds) - 0.4)
    axes.set_xticks(range(len(kinds)), names)
    if sum(map(len, names)) + 2 * len(names) <= 26:
        return 0
    for label in axes.get_xticklabels():
        label.set(rotation=24, ha="right", rotation_mode="anchor")
    return max(map(len, names))


def _ticks(axis: Axis, places: Sequence[float]) -> None:
    axis.set_major_locator(FixedLocator(list(places)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _plain(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def _plain(value: float) -> str:
    return value_words(float(np.round(value, 9)) or 0.0)
