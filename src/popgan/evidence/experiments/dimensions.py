"""A dimension of a search: where it counts, and its values on a scale from 0 to 1 and back.

The scale is the one that the dimension is searched on, so equal steps are equally likely. A whole
number takes the stretch from half below it to half above it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from popgan.evidence.experiments.results import SearchSpace, Setting, Value


def parents_first(space: Sequence[SearchSpace]) -> list[SearchSpace]:
    """Dimensions in an order in which each stands behind those that its `when` names.

    Raises:
        ValueError: a name appears twice, or dimensions wait for each other.
    """
    names = [one.name for one in space]
    if len(set(names)) < len(names):
        raise ValueError(f"a dimension appears twice: {', '.join(names)}")
    done: list[SearchSpace] = []
    left = list(space)
    while left:
        waiting = {one.name for one in left}
        free = [one for one in left if not waiting & one.when.keys() - {one.name}]
        if not free:
            raise ValueError(f"dimensions wait for each other: {', '.join(sorted(waiting))}")
        done += free
        left = [one for one in left if one not in free]
    return done


def conditions(space: Sequence[SearchSpace], one: SearchSpace) -> Setting:
    """What must hold for a dimension to count: its own `when`, and that of those it names."""
    by_name = {other.name: other for other in space}
    found = dict(one.when)
    for name in one.when:
        if name in by_name:
            found = {**conditions(space, by_name[name]), **found}
    return found


def active(space: Sequence[SearchSpace], one: SearchSpace, setting: Setting) -> bool:
    """Whether a dimension counts in a setting.

    A condition on a value that is neither searched nor in the setting is taken to hold: whoever
    lists the dimension means it to be searched.
    """
    searched = {other.name for other in space}
    return all(
        setting.get(name, None if name in searched else wanted) == wanted
        for name, wanted in conditions(space, one).items()
    )


def completed(space: Sequence[SearchSpace], setting: Setting) -> Setting:
    """A setting with the preset's values where it is silent, without what does not count in it."""
    full = {one.name: one.default for one in space if one.default is not None} | setting
    return {
        one.name: full[one.name] for one in space if one.name in full and active(space, one, full)
    }


def inside(one: SearchSpace, value: Value) -> bool:
    """Whether a value is among those that are searched."""
    if one.choices:
        return value in one.choices
    low, high = _ends(one)
    return not isinstance(value, str) and low <= value <= high


def to_unit(one: SearchSpace, value: Value) -> float:
    """A value of a range on its scale, 0 .. 1; 0.5 where the range is a point."""
    low, high = _scaled_ends(one)
    return (_scaled(one, float(value)) - low) / (high - low) if high > low else 0.5


def from_unit(one: SearchSpace, share: float) -> Value:
    """The value of a range at a place of its scale, within its bounds.

    Args:
        share: 0 .. 1.
    """
    low, high = _scaled_ends(one)
    at = low + share * (high - low)
    value = math.exp(at) if one.log else at
    least, most = _ends(one)
    if one.whole:
        return min(max(round(value), round(least)), round(most))
    return min(max(value, least), most)


def _ends(one: SearchSpace) -> tuple[float, float]:
    if one.low is None or one.high is None:
        raise ValueError(f"{one.name} has neither bounds nor choices")
    return one.low, one.high


def _scaled_ends(one: SearchSpace) -> tuple[float, float]:
    half = 0.5 if one.whole else 0.0
    low, high = _ends(one)
    return _scaled(one, low - half), _scaled(one, high + half)


def _scaled(one: SearchSpace, value: float) -> float:
    return math.log(value) if one.log else value
