"""A monotone map of grey values in straight pieces, and its way back.

Every normalisation beyond the robust range of a scan is such a map, so that one record of a few
points leads from any stored value to the scanner's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_APART = 1e-5  # points nearer than this are one: 16 bits resolve 1.5e-5


@dataclass(frozen=True)
class Curve:
    """A map of [0, 1] to [0, 1] that rises strictly between its points and keeps 0.

    Attributes:
        points: (before, after), both ascending, the first (0, 0). Beyond the last point the
            result stays; there the way back ends at that point. None at all: nothing changes.
    """

    points: tuple[tuple[float, float], ...] = ()

    def apply(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values after the map."""
        if not self.points:
            return values
        before, after = np.array(self.points, dtype=np.float64).T
        return np.interp(values, before, after).astype(np.float32)

    def restore(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values before the map."""
        if not self.points:
            return values
        before, after = np.array(self.points, dtype=np.float64).T
        return np.interp(values, after, before).astype(np.float32)


def through(before: Sequence[float], after: Sequence[float], *, slope: float) -> Curve:
    """The curve through (0, 0) and some points, and from the last one on with a slope.

    Points that do not rise above the one before them (ties, a tissue at zero) are left out, and
    the curve ends where either side reaches 1.

    Args:
        before: ascending.
        after: ascending, as many.
        slope: beyond the last point; > 0.
    """
    kept = [(0.0, 0.0)]
    for x, y in zip(before, after, strict=True):
        if x > kept[-1][0] + _APART and y > kept[-1][1] + _APART and x <= 1:
            if y > 1:
                kept.append(_reaching_one(kept[-1], (float(x), float(y))))
                return Curve(tuple(kept))
            kept.append((float(x), float(y)))
    x, y = kept[-1]
    reach = min(1 - x, (1 - y) / slope)
    if reach > _APART:
        kept.append((x + reach, min(1.0, y + reach * slope)))
    return Curve(tuple(kept)) if len(kept) > 1 else Curve()


def _reaching_one(last: tuple[float, float], above: tuple[float, float]) -> tuple[float, float]:
    """Where the line from one point to another crosses 1."""
    share = (1 - last[1]) / (above[1] - last[1])
    return last[0] + share * (above[0] - last[0]), 1.0
