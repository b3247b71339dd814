"""From unit intensities to grey values like those of the scans that a model was trained on.

MRI has no unit, so a translated image can have none that is its own: it gets the range that the
training scans of its contrast have in the middle. Offset, scale and normalisation of each of them
stand in the manifest; what lies in the middle are their medians.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.manifest import ScanRecord
from popgan.preparation.curve import Curve

_KNOTS = 256  # straight pieces of the median curve


@dataclass(frozen=True)
class TargetRange:
    """The way from [0, 1] to grey values.

    Attributes:
        offset: grey value of 0, the background.
        scale: grey values that span [0, 1] before normalisation; > 0.
        before: what the normalisation's curve leads back to, at 0, 1/256 .. 1; ascending.
        scans: how many training scans the medians are of.
    """

    offset: float
    scale: float
    before: tuple[float, ...]
    scans: int

    @classmethod
    def of(cls, training: Sequence[ScanRecord], contrast: str) -> TargetRange:
        """The medians over the training scans of a contrast.

        Raises:
            ValueError: there is no scan of that contrast.
        """
        own = [scan for scan in training if scan.contrast == contrast]
        if not own:
            raise ValueError(f"no training scan of {contrast}")
        knots = np.linspace(0, 1, _KNOTS + 1)
        curves = np.median([_back(Curve(scan.curve), knots) for scan in own], axis=0)
        return cls(
            offset=float(np.median([scan.offset for scan in own])),
            scale=float(np.median([scan.scale for scan in own])),
            before=tuple(float(value) for value in np.maximum.accumulate(curves)),
            scans=len(own),
        )

    def restore(self, unit: NDArray[np.floating]) -> NDArray[np.float32]:
        """Grey values of unit intensities; beyond [0, 1] it goes on straight."""
        knots = np.linspace(0, 1, len(self.before))
        if np.array_equal(knots, self.before):
            return np.asarray(unit * np.float32(self.scale) + np.float32(self.offset), np.float32)
        values = _interp(np.asarray(unit, np.float64), knots, np.array(self.before))
        return np.asarray(values * self.scale + self.offset, np.float32)

    def width(self, unit: NDArray[np.floating], half: NDArray[np.floating]) -> NDArray[np.float32]:
        """Half the width in grey values of the interval unit - half .. unit + half."""
        return np.asarray((self.restore(unit + half) - self.restore(unit - half)) / 2, np.float32)


def _back(curve: Curve, knots: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values before a curve; beyond its last point with the slope of its last piece."""
    if not curve.points:
        return knots
    before, after = np.array(curve.points, np.float64).T
    return _interp(knots, after, before)


def _interp(
    values: NDArray[np.float64], xs: NDArray[np.float64], ys: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Linear interpolation that goes on straight beyond both ends."""
    inside = np.interp(values, xs, ys)
    low = (ys[1] - ys[0]) / (xs[1] - xs[0])
    high = (ys[-1] - ys[-2]) / (xs[-1] - xs[-2])
    below, above = np.minimum(values - xs[0], 0), np.maximum(values - xs[-1], 0)
    return np.asarray(inside + low * below + high * above, np.float64)
