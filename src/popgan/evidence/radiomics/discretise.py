"""Intensities to grey levels 1 .. G, the step that every texture feature depends on; 0 is outside.

IBSI reference manual (arXiv 1612.07003), section 2.7. Texture values from different settings must
not be compared, so the setting belongs beside every result.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_LEVELS = 255
Levels = NDArray[np.uint8]
Masks = NDArray[np.bool_]


def fixed_bin_number(images: NDArray[np.floating], bins: int, masks: Masks | None = None) -> Levels:
    """`bins` equal bins between the lowest and the highest intensity of each image's own region.

    Blind to brightness and contrast of the whole image. A region of one intensity is level 1.

    Args:
        images: N x H x W.
        bins: 1 .. 255.
        masks: N x H x W, the region of each image; None is everything.

    Returns:
        N x H x W, 1 .. bins inside of the region, 0 outside.
    """
    _check(bins)
    flat = np.asarray(images, np.float64).reshape(len(images), -1)
    inside = np.ones(flat.shape, bool) if masks is None else masks.reshape(flat.shape)
    low = np.min(flat, axis=1, where=inside, initial=np.inf)[:, None]
    high = np.max(flat, axis=1, where=inside, initial=-np.inf)[:, None]
    width = np.where(high > low, high - low, 1.0)
    place = np.where(inside, flat - low, 0.0) / width
    levels = np.where(high > low, np.floor(bins * place) + 1, 1.0)
    return _outside(np.clip(levels, 1, bins), inside).reshape(images.shape)


def fixed_bin_width(
    images: NDArray[np.floating],
    width: float,
    *,
    low: float,
    high: float,
    masks: Masks | None = None,
) -> Levels:
    """Bins of one width, counted from `low`, the same for all images: brightness counts.

    IBSI: "fixed bin size". Intensities below `low` are level 1, those above `high` the last.

    Args:
        images: N x H x W.
        width: of a bin, in units of intensity.
        low, high: range of intensities; `(high - low) / width` levels, rounded up, at most 255.
        masks: N x H x W, the region of each image; None is everything.

    Returns:
        N x H x W, 1 .. G inside of the region, 0 outside.
    """
    count = int(np.ceil((high - low) / width - 1e-9))
    _check(count)
    levels = np.clip(np.floor((np.asarray(images, np.float64) - low) / width) + 1, 1, count)
    return _outside(levels, np.ones(levels.shape, bool) if masks is None else masks)


def _outside(levels: NDArray[np.float64], inside: Masks) -> Levels:
    return np.where(inside, levels, 0).astype(np.uint8)


def _check(bins: int) -> None:
    if not 1 <= bins <= MAX_LEVELS:
        raise ValueError(f"{bins} grey levels where 1 to {MAX_LEVELS} are possible")
