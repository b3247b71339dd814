"""The one path from an image to a stimulus, the same for patients' and for models' images.

What lies outside the head is noise in a patient's image and nearly nothing in a model's: a tell
that says nothing about anatomy. One rule, which looks at pixels alone, finds the head in both, and
everything else becomes black.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from popgan.study.png import encode_png
from popgan.synthesis.image import to_uint16

_SMOOTH = 0.02  # of the longer side: what the noise is smoothed with
_MARGIN = 0.03  # of the longer side: how far the mask reaches beyond what was found
_SHARE = 0.4  # of Otsu's threshold: dark skin and skull belong to the head, too
_SPECK = 0.05  # of the largest piece: what is smaller is no part of the head
_BINS = 256


def stimulus(image: NDArray[np.floating], *, masked: bool = True) -> bytes:
    """An image as the file that readers see.

    Args:
        image: H x W in [-1, 1], -1 is black; values outside are clipped.
        masked: whether everything outside the head becomes black.

    Raises:
        ValueError: not one image, or not numbers.
    """
    values = np.asarray(image, np.float32)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise ValueError(f"one image of finite numbers is wanted, got shape {values.shape}")
    values = np.clip(values, -1, 1)
    if masked:
        values = np.where(head_mask(values), values, np.float32(-1))
    return encode_png(to_uint16(values))


def head_mask(image: NDArray[np.floating], margin: int | None = None) -> NDArray[np.bool_]:
    """Where the head is, generously: too much background rather than too little head.

    The image is smoothed and held against a part of Otsu's threshold; gaps are bridged, holes
    filled, specks dropped, and a margin is added. A brain may be in several pieces, so all large
    ones stay.

    Args:
        image: H x W, on any scale. A brain without its skull is treated alike.
        margin: pixels to add around what was found; a share of the longer side if None.

    Returns:
        H x W; all of it where nothing stands out.
    """
    side = max(image.shape)
    reach = max(1, round(_MARGIN * side))
    margin = reach if margin is None else margin
    smooth = ndimage.gaussian_filter(np.asarray(image, np.float64), max(0.5, _SMOOTH * side))
    low, high = float(smooth.min()), float(smooth.max())
    if high - low < 1e-6:
        return np.ones(image.shape, np.bool_)
    found = smooth > low + _SHARE * (otsu(smooth) - low)
    # Skin that is interrupted (an ear, a signal void) is closed before the holes are filled.
    padded = np.pad(found, 2 * reach)
    closed = ndimage.binary_closing(padded, iterations=reach)
    filled = ndimage.binary_fill_holes(closed)[2 * reach : -2 * reach, 2 * reach : -2 * reach]
    pieces, count = ndimage.label(filled, np.ones((3, 3)))
    if count > 1:
        sizes = np.bincount(pieces.ravel())[1:]
        filled = np.isin(pieces, 1 + np.flatnonzero(sizes >= _SPECK * sizes.max()))
    if margin:
        # Not less than that: a rule that looks for noise here cuts dark skin off, sooner or later.
        filled = ndimage.binary_dilation(filled, iterations=margin)
    return np.asarray(filled, np.bool_)


def otsu(values: NDArray[np.floating]) -> float:
    """The threshold that parts values into two classes of least variance within (Otsu 1979)."""
    counts, edges = np.histogram(values, _BINS)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    above = values.size - below
    sums = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = sums[:-1] / below - (sums[-1] - sums[:-1]) / above
        between = np.where((below > 0) & (above > 0), below * above * means**2, -1.0)
    # All thresholds between two classes far apart are equally good: the middle one.
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return float(edges[1:-1][best].mean())
