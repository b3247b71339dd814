"""SSIM and MS-SSIM of slices inside masks: the map is of the whole image, its mean of the mask.

A mask that was cut out of the image first would have an edge, at which both images agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from popgan.evidence.fidelity.msssim import WEIGHTS, default_scales

Images = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

RANGE = 1.0
"""Data range of every metric; never the range of an image."""
_SIGMA, _RADIUS = 1.5, 5  # the published window, 11 x 11
_C1, _C2 = (0.01 * RANGE) ** 2, (0.03 * RANGE) ** 2
_CHUNK = 16  # slices whose maps are in memory at a time


@dataclass(frozen=True)
class Structure:
    """Similarity of each slice in one mask: n values each, NaN where the mask is empty."""

    ssim: Floats
    ms_ssim: Floats


def structure(
    truth: Images, image: Images, masks: Sequence[Mask | None], *, scales: int | None = None
) -> list[Structure]:
    """SSIM and MS-SSIM of each slice, in several masks at the cost of one.

    Gaussian window of 11 x 11 and sigma 1.5, biased variances, range 1.0. In a mask all its pixels
    count; where the window leaves the image it sees the image mirrored. Over the whole field those
    pixels are left out, as published. For MS-SSIM images and mask are halved together by 2 x 2
    means, and a coarse pixel counts by the share of it that lies in the mask; a term below zero
    counts as zero, and the published weights of the scales used are made to sum to one.

    Args:
        truth, image: n x H x W, unit intensities.
        masks: n x H x W each; None is the whole field.
        scales: 1 to 5, by default as many as leave 16 pixels.
    """
    levels = default_scales(*truth.shape[1:]) if scales is None else scales
    weights = np.array(WEIGHTS[:levels]) / sum(WEIGHTS[:levels])
    found = np.full((2, len(masks), len(truth)), np.nan)
    for start in range(0, len(truth), _CHUNK):
        part = slice(start, start + _CHUNK)
        a, b = truth[part].astype(np.float64), image[part].astype(np.float64)
        shares = [_field(a.shape) if m is None else m[part].astype(np.float64) for m in masks]
        product = np.ones((len(masks), len(a)))
        for level in range(levels):
            light, contrast = _maps(a, b)
            for i, mask in enumerate(masks):
                share = _field(a.shape) if mask is None else shares[i]
                full = _weighted(light * contrast, share)
                term = full if level == levels - 1 else _weighted(contrast, share)
                product[i] *= np.maximum(term, 0) ** weights[level]
                if level == 0:
                    found[0, i, part] = full
            if level < levels - 1:
                a, b, *shares = (_halved(stack) for stack in (a, b, *shares))
        found[1, :, part] = product
    return [Structure(*found[:, i]) for i in range(len(masks))]


def _maps(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Luminance and contrast-structure map of each slice, n x H x W."""
    mean_a, mean_b = _smoothed(a), _smoothed(b)
    # Rounding can make a variance of a flat region slightly negative.
    variance_a = np.maximum(_smoothed(a * a) - mean_a**2, 0)
    variance_b = np.maximum(_smoothed(b * b) - mean_b**2, 0)
    shared = _smoothed(a * b) - mean_a * mean_b
    light = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    return light, (2 * shared + _C2) / (variance_a + variance_b + _C2)


def _smoothed(stack: Floats) -> Floats:
    """The Gaussian along rows and columns; images go on mirrored beyond their edge."""
    # Not as products of matrices: no faster, and where another program holds a core thousands of
    # small ones stall, because the threads of each wait for one another.
    across = ndimage.gaussian_filter1d(stack, _SIGMA, axis=2, radius=_RADIUS)
    return np.asarray(ndimage.gaussian_filter1d(across, _SIGMA, axis=1, radius=_RADIUS))


def _field(shape: tuple[int, ...]) -> Floats:
    """The pixels of a field at which the window fits; all of a picture that is smaller."""
    inside = np.zeros(shape)
    if min(shape[1:]) > 2 * _RADIUS:
        inside[:, _RADIUS:-_RADIUS, _RADIUS:-_RADIUS] = 1
        return inside
    return np.ones(shape)


def _weighted(values: Floats, share: Floats) -> Floats:
    """Mean of each slice, weighted; NaN where nothing has weight."""
    total = share.sum(axis=(1, 2))
    with np.errstate(invalid="ignore"):
        return np.asarray((values * share).sum(axis=(1, 2)) / total)


def _halved(stack: Floats) -> Floats:
    """Means of 2 x 2 pixels; a last odd row or column is dropped."""
    n, height, width = stack.shape
    even = stack[:, : height // 2 * 2, : width // 2 * 2]
    return np.asarray(even.reshape(n, height // 2, 2, width // 2, 2).mean(axis=(2, 4)))
