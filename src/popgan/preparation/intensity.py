"""Grey values of a scan to [0, 1], robustly, with the way back kept.

MRI has no unit: the same tissue is 80 in one scan and 900 in the next. Zero is put at the
background's lower end and one at a high percentile of the foreground; `offset` and `scale` of
the scan lead back: original = normalised * scale + offset (what lies above one is clipped).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SAMPLES = 400_000
_BINS = 256
# Otsu's threshold parts bright tissue from everything darker; CSF and skin edges lie below it,
# so the foreground begins at this share of the way up to it.
_FOREGROUND_SHARE = 0.6


@dataclass(frozen=True)
class Intensity:
    """How the grey values of one scan map to [0, 1].

    Attributes:
        offset: original value that becomes 0.
        scale: original units that span [0, 1]; > 0.
        threshold: normalised value that parts foreground from background, in (0, 1).
        blank: original value of an exactly constant background (padding, skull-stripping), or
            None where the background is measured air.
    """

    offset: float
    scale: float
    threshold: float
    blank: float | None

    def apply(self, data: NDArray[np.float32]) -> NDArray[np.float32]:
        """Original values to [0, 1], clipped; the blank background becomes 0."""
        normal = np.clip((data - np.float32(self.offset)) / np.float32(self.scale), 0, 1)
        if self.blank is not None:
            normal[data == np.float32(self.blank)] = 0
        return normal

    def restore(self, normal: NDArray[np.float32]) -> NDArray[np.float32]:
        """Normalised values back to original units (exact up to clipping)."""
        return normal * np.float32(self.scale) + np.float32(self.offset)


def measure_intensity(data: NDArray[np.float32], *, percentile: float = 99.5) -> Intensity | None:
    """Find the mapping of a scan; None if nothing stands out from the background.

    Args:
        data: X x Y x Z, RAS+, finite.
        percentile: of the foreground's values; becomes 1. In (50, 100].
    """
    rim = np.concatenate([part.ravel() for part in (data[0], data[-1], data[:, 0], data[:, -1])])
    thin = _thin(data)
    blank = _blank(rim, thin)
    own = thin if blank is None else thin[thin != np.float32(blank)]
    if own.size < 64:
        return None
    offset = _low_end(rim, own, blank)
    top = float(np.percentile(own, percentile))
    if not top > offset:
        return None
    low = offset if blank is None else min(offset, blank)
    cut = low + _FOREGROUND_SHARE * otsu(np.clip(thin, low, top) - low)
    if blank is None:
        offset = _air_level(rim, cut, offset)
        values = own[own > cut] - offset
    else:
        values = own - offset
    if values.size < 32:
        return None
    scale = float(np.percentile(values, percentile))
    if not scale > 0:
        return None
    return Intensity(offset, scale, min(max((cut - offset) / scale, 1e-3), 0.9), blank)


def otsu(values: NDArray[np.float32]) -> float:
    """Otsu's threshold (IEEE Trans. SMC 9, 62-66, 1979) from a histogram of 256 bins.

    The threshold maximises the variance between the two classes it makes. It is the upper edge
    of the last bin of the lower class.
    """
    counts, edges = np.histogram(values, bins=_BINS)
    centres = (edges[1:] + edges[:-1]) / 2
    below = counts.cumsum().astype(np.float64)
    mass = (counts * centres).cumsum()
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mass[-1] * below / below[-1] - mass) ** 2 / (below * above)
    between[~np.isfinite(between)] = -1
    return float(edges[int(between.argmax()) + 1])


def _thin(data: NDArray[np.float32]) -> NDArray[np.float32]:
    """A regular subsample of the voxels, enough for percentiles."""
    step = max(1, int(np.ceil((data.size / _SAMPLES) ** (1 / 2))))
    return np.ascontiguousarray(data[::step, ::step]).ravel()


def _blank(rim: NDArray[np.float32], thin: NDArray[np.float32]) -> float | None:
    """The value of an exactly constant background: nine tenths of the rim, a fifth of all."""
    value = float(np.median(rim))
    same = np.float32(value)
    if (rim == same).mean() > 0.9 and (thin == same).mean() > 0.2:
        return value
    return None


def _low_end(rim: NDArray[np.float32], own: NDArray[np.float32], blank: float | None) -> float:
    """Where the scan's values begin, robustly.

    Usually the low end of the rim (air, or the blank value itself). Where a blank background
    lies amid the tissue's values (scans scaled to mean zero), it is the low end of the tissue.
    """
    low = float(np.percentile(own, 0.1))
    if blank is None:
        return float(np.percentile(rim, 1))
    return low if low < blank else blank


def _air_level(rim: NDArray[np.float32], cut: float, low: float) -> float:
    """The level of air: magnitude noise is nowhere zero, padding outside the scan is.

    Taking the level away leaves no step where a scan ends within the cohort's field of view.
    Where a scan is cropped so tightly that its rim shows hardly any air, its low end is kept.
    """
    air = rim[rim < cut]
    return float(np.median(air)) if air.size > 0.05 * rim.size else low
