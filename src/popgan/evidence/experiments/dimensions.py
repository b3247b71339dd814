"""A dimension of a search: where it counts, and its values on a scale from 0 to 1 and back.

The scale is the one that the dimension is searched on, so equal steps are equally likely. A whole
number takes the stretch from half below it to half above it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from popgan.evidence.experiments.results import SearchSpace, Setting, Value


def parents_first(space: Sequence[SearchSpace]) -> list[SearchSpace]:
    """Dimensions in an order in which each stands behind those that decide whether it counts.

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
        free = [one for one in left if not waiting & {*one.when, *one.unless}]
        if not free:
            raise ValueError(f"dimensions wait for each other: {', '.join(sorted(waiting))}")
        done += free
        left = [one for one in left if one.name not in {other.name for other in free}]
    return done


def active(space: Sequence[SearchSpace], one: SearchSpace, setting: Setting) -> bool:
    """Whether a dimension counts in a setting.

    A condition on a value that is neither searched nor in the setting is taken to be met: whoever
    lists the dimension means it to be searched.

    Args:
        space: all dimensions.
        one: of them.
        setting: without dimensions that do not count in it.
    """
    if any(setting.get(name) == value for name, value in one.unless.items()):
        return False
    searched = {other.name for other in space}
    return all(
        setting[name] == value if name in setting else name not in searched
        for name, value in one.when.items()
    )


def completed(space: Sequence[SearchSpace], setting: Setting) -> Setting:
    """A setting with the preset's values where it is silent, without what does not count in it."""
    full = {one.name: one.default for one in space if one.default is not None} | setting
    searched = {one.name for one in space}
    found = {name: value for name, value in full.items() if name not in searched}
    for one in parents_first(space):
        if one.name in full and active(space, one, found):
            found[one.name] = full[one.name]
    return found


def allowed(space: Sequence[SearchSpace], one: SearchSpace) -> dict[str, list[Value]]:
    """Values of other searched dimensions with which a dimension counts, where it is not all."""
    by_name = {other.name: other for other in space}
    found: dict[str, list[Value]] = {}
    for name, value in one.when.items():
        if name in by_name:
            found |= {**allowed(space, by_name[name]), **found, name: [value]}
    for name, value in one.unless.items():
        if name in by_name and by_name[name].choices:
            choices = found.get(name, by_name[name].choices)
            found[name] = [choice for choice in choices if choice != value]
    return found


def inside(one: SearchSpace, value: Value) -> bool:
    """Whether a value is among those that are searched, give or take a hundredth of the scale.

    Settings are kept with three digits, which may move a value across a bound.
    """
    if one.choices:
        return value in one.choices
    if isinstance(value, str) or (one.log and value <= 0):
        return False
    low, high = _scaled_ends(one)
    slack = 0.01 * (high - low)
    return low - slack <= _scaled(one, float(value)) <= high + slack


def to_unit(one: SearchSpace, value: Value) -> float:
    """A value of a range on its scale, 0 .. 1; 0.5 where the range is a point."""
    low, high = _scaled_ends(one)
    share = (_scaled(one, float(value)) - low) / (high - low) if high > low else 0.5
    return min(max(share, 0.0), 1.0)


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
