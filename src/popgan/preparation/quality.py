"""How good a scan is, from the scan alone: indices of quality, and a sketch to know it again.

The indices follow those of MRIQC (Esteban et al., PLoS ONE 12, e0184661, 2017), on the slices that
are used and without a segmentation, so that they exist for any contrast.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from popgan.preparation.intensity import otsu
from popgan.preparation.resample import resample_slices

_SKETCH_SLICES, _SKETCH_SIDE = 5, 24
_MIDDLE = 0.6  # share of the head's width and length that holds hardly any skull
_LEAST_AIR = 200  # samples of air that a ghost can be measured on


@dataclass(frozen=True)
class Quality:
    """Indices of one scan; None where one cannot be measured.

    Attributes:
        snr: median of the foreground over the standard deviation of the noise.
        cnr: difference of the two classes that Otsu's threshold makes in the middle of the head,
            over the standard deviation of the noise.
        foreground: share of the slices' area that shows a head, 0..1.
        ghost: brightness of the air half a field of view away from the head, above that of other
            air, over the foreground's: what motion and N/2 ghosts leave.
        entropy: entropy focus criterion (Atkinson et al., IEEE TMI 16, 903-910, 1997), 0 one
            bright point, 1 evenly grey; blurring and ghosting raise it.
        pixels: SHA-256 of the normalised slices: equal where the same pixels lie in two files.
        sketch: a coarse picture of the head, 0..255, that finds the same head again.
        height: mm along the slice axis in which the volume shows a head or brain; None for a
            single picture, and where the voxel size is not known.
    """

    snr: float | None
    cnr: float | None
    foreground: float
    ghost: float | None
    entropy: float
    pixels: str
    sketch: tuple[int, ...]
    height: float | None = None


def measure_quality(
    planes: NDArray[np.float32],
    *,
    threshold: float,
    noise: float,
    spacing: tuple[float, float],
    centre: tuple[float, float],
    extent: tuple[float, float],
    height: float | None = None,
) -> Quality:
    """Measure one scan.

    Args:
        planes: n x X x Y, values in [0, 1].
        threshold: value that parts foreground from background.
        noise: standard deviation of the noise, same units.
        spacing: mm between samples along X and Y.
        centre: mm from sample (0, 0) to the middle of the head.
        extent: mm, size of the head.
        height: as in `Quality`.
    """
    mask = np.stack([ndimage.binary_fill_holes(plane > threshold) for plane in planes])
    inside = planes[mask]
    signal = float(np.median(inside)) if inside.size else 0.0
    noisy = noise > 1e-6
    classes = _classes(planes, spacing, centre, extent)
    return Quality(
        snr=_digits(signal / noise) if noisy else None,
        cnr=_digits(classes / noise) if noisy and classes is not None else None,
        foreground=_digits(float(mask.mean())),
        ghost=_ghost(planes, mask, signal),
        entropy=_digits(_entropy(planes)),
        pixels=hashlib.sha256(np.round(planes * 65535).astype("<u2").tobytes()).hexdigest(),
        sketch=_sketch(planes, spacing, centre, extent),
        height=None if height is None else _digits(height),
    )


def _classes(
    planes: NDArray[np.float32],
    spacing: tuple[float, float],
    centre: tuple[float, float],
    extent: tuple[float, float],
) -> float | None:
    """Difference of the means of the two classes in the middle of the head."""
    ends = []
    for axis in (0, 1):
        half = max(extent[axis] * _MIDDLE / 2, spacing[axis])
        low = int(max(0, (centre[axis] - half) / spacing[axis]))
        ends.append(slice(low, max(low + 2, int((centre[axis] + half) / spacing[axis]))))
    middle = planes[:, ends[0], ends[1]].ravel()
    if middle.size < 64 or middle.min() == middle.max():
        return None
    cut = otsu(middle)
    dark, bright = middle[middle < cut], middle[middle >= cut]
    return float(bright.mean() - dark.mean()) if dark.size and bright.size else None


def _ghost(planes: NDArray[np.float32], mask: NDArray[np.bool_], signal: float) -> float | None:
    """Ghost-to-signal ratio along the worse of the two axes of the plane."""
    air = ~ndimage.binary_dilation(mask, np.ones((1, 3, 3), bool), iterations=2)
    found = []
    for axis in (1, 2):
        shifted = np.roll(mask, mask.shape[axis] // 2, axis)
        haunted, other = planes[air & shifted], planes[air & ~shifted]
        if haunted.size >= _LEAST_AIR and other.size >= _LEAST_AIR and signal > 0:
            found.append((float(haunted.mean()) - float(other.mean())) / signal)
    return _digits(max(found)) if found else None


def _entropy(planes: NDArray[np.float32]) -> float:
    """Entropy focus criterion over all samples, as a share of the largest possible."""
    values = planes.astype(np.float64).ravel()
    root = float(np.sqrt((values**2).sum()))
    if root == 0:
        return 0.0
    shares = values[values > 0] / root
    largest = np.sqrt(values.size) * np.log(np.sqrt(values.size))
    return float(-(shares * np.log(shares)).sum() / largest)


def _sketch(
    planes: NDArray[np.float32],
    spacing: tuple[float, float],
    centre: tuple[float, float],
    extent: tuple[float, float],
) -> tuple[int, ...]:
    """Five slices of 24 x 24 over the head's own extent, so that it does not depend on others."""
    rows = np.round(np.linspace(0, len(planes) - 1, _SKETCH_SLICES)).astype(int)
    side = max(*extent, *spacing)
    small = resample_slices(
        planes[rows],
        spacing=spacing,
        centre=centre,
        field=(side, side),
        shape=(_SKETCH_SIDE, _SKETCH_SIDE),
    )
    return tuple(int(value) for value in np.round(np.clip(small, 0, 1) * 255).ravel())


def _digits(value: float) -> float:
    return round(value, 5)
