"""Values of a preset or an earlier search, as far as a search has room for them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from popgan.evidence.experiments.results import SearchSpace, Setting, Value
from popgan.tuning.space import active, differing, fits, rounded


def fitted(space: Sequence[SearchSpace], values: Mapping[str, Any], default: Setting) -> Setting:
    """What values change of a default, each as near as the space comes to it.

    One value that does not fit is no reason to forget the others. A number outside of a range is
    taken at its nearer end, one that is no choice at the nearest choice, by ratio; what is not
    searched, or is neither a number nor a choice, stays as the default has it. What does not count
    beside the others is left out, as it is of a proposal.

    Args:
        space: of the search, in its order; all its dimensions can count.
        values: by name, of any names.
        default: its value of each dimension.

    Returns:
        What differs from the default; nothing if that is what comes of the values.
    """
    # A value that others hang on and that is not searched is held, such that they count.
    held = {name: value for one in space for name, value in one.when.items() if name not in default}
    chosen: Setting = {}
    for one in space:
        if active(one, chosen, held):
            value = nearest(one, values.get(one.name))
            chosen[one.name] = default[one.name] if value is None else value
    return differing(rounded(chosen), default)


def nearest(one: SearchSpace, value: Any) -> Value | None:
    """The value of a dimension that is nearest to a given one; None where that means nothing."""
    if fits([one], {one.name: value}):
        return _whole(one, value)
    if not _number(value):
        return None
    if one.choices:
        numbers = [choice for choice in one.choices if _number(choice)]
        return min(numbers, key=lambda choice: _apart(float(choice), float(value)), default=None)
    assert one.low is not None and one.high is not None
    return _whole(one, min(max(float(value), one.low), one.high))


def _whole(one: SearchSpace, value: Any) -> Value:
    found: Value = round(value) if one.whole and _number(value) else value
    return found


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _apart(left: float, right: float) -> float:
    """How far two numbers lie apart by ratio, as rates, batches and sizes do."""
    if left > 0 and right > 0:
        return abs(math.log(left / right))
    return 0.0 if left == right else math.inf
