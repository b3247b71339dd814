"""What tells one kind of scan from another: a few numbers of each contrast of a visit.

Quantiles of intensity tell a scan that is too dark, cut off or inverted. They do not tell a FLAIR
from a T1w: preparation may bring the histogram of whatever is passed as a T1w onto that of T1w. So
other traits are of ranks alone, which no rising curve changes: how bright tissue is beside the
darkest (of which most is fluid: there cortex is bright in FLAIR and dark in T1w), and at which
brightness edges and fine detail lie.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy import ndimage

from popgan.evidence.paired.regions import brain_mask

Images = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SIDE = 64  # pixels; slices are reduced to about that for all but the noise
_QUANTILES = (2, 10, 25, 50, 75, 90, 98)
_INNER = 0.3  # relative depth from which there is hardly any scalp or skull
_DARKEST = 0.1  # share of the inner tissue that counts as darkest
_AWAY = (0.5, 1.1, 1.6, 2.3, 3.3, 5.0, 8.0)  # pixels from it: beside, diagonal, ...
_PARTS = 8  # of the inner tissue, by brightness
_FINE, _COARSE = 0.7, 1.4  # pixels, standard deviations of the blurs

LEVELS = (
    *(f"{q} % quantile of the inner intensities" for q in _QUANTILES),
    "share of the picture that is tissue",
    "noise",
)
"""Traits of intensity."""
BESIDE = tuple(
    f"rank of brightness {a:g} to {b:g} pixels from the darkest tissue" for a, b in pairwise(_AWAY)
)
"""Traits of what lies beside what."""
TEXTURE = tuple(
    f"{what} where it is {place + 1} of {_PARTS} in brightness"
    for what in ("edge", "detail")
    for place in range(_PARTS)
)
NAMES = (*LEVELS, *BESIDE, *TEXTURE)
"""Traits of a contrast, in the order of `Traits.contrasts`."""


class Traits(BaseModel):
    """A visit in numbers; nothing that names it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    contrasts: dict[str, list[float]] = Field(description="traits of each contrast, as in NAMES")
    slice_distance: float | None = Field(default=None, gt=0, description="mm between slices")
    pixel: float | None = Field(default=None, gt=0, description="mm a pixel, in the plane")


def traits_of(
    images: Mapping[str, Images],
    *,
    slice_distance: float | None = None,
    pixel: float | None = None,
) -> Traits:
    """Measure a visit.

    Args:
        images: n x H x W of each contrast, unit intensities, as prepared for the model, of slices
            at such heights as training had. Some ten slices do.
        slice_distance: mm between slices of the source. pixel: mm a pixel of the source, in the
            plane. None: not known.
    """
    return Traits(
        contrasts={name: _numbers(np.asarray(x, np.float64)) for name, x in images.items()},
        slice_distance=slice_distance,
        pixel=pixel,
    )


def logarithms(traits: Traits) -> list[float | None]:
    """Slice distance and pixel in log mm, as they are compared: twice as thick is always as far."""
    known = (traits.slice_distance, traits.pixel)
    return [None if value is None else math.log(value) for value in known]


def _numbers(stack: Floats) -> list[float]:
    small = _reduced(stack)
    mask = brain_mask(small[:, None])
    inner = np.stack([_depth(plane) for plane in mask]) > _INNER
    if not inner.any():
        return [0.0] * len(NAMES)
    numbers = [
        *np.percentile(small[inner], _QUANTILES),
        mask.mean(),
        _noise(stack),
        *_arrangement(small, inner),
    ]
    return [round(float(number), 5) for number in numbers]


def _reduced(stack: Floats) -> Floats:
    """Slices of about `_SIDE` pixels, by means of blocks."""
    factor = max(1, round(max(stack.shape[1:]) / _SIDE))
    n, height, width = (stack.shape[0], *(size // factor for size in stack.shape[1:]))
    even = stack[:, : height * factor, : width * factor]
    return np.asarray(even.reshape(n, height, factor, width, factor).mean(axis=(2, 4)))


def _depth(mask: Mask) -> Floats:
    """How deep a pixel lies under the surface, as a share of the deepest; 0 outside."""
    far = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    return np.asarray(far / max(float(far.max()), 1.0))


def _noise(stack: Floats) -> float:
    """Standard deviation of the noise in tissue: Immerkaer 1996, with a median against edges."""
    if min(stack.shape[1:]) < 3:
        return 0.0
    rows = stack[:, 2:] - 2 * stack[:, 1:-1] + stack[:, :-2]
    response = rows[:, :, 2:] - 2 * rows[:, :, 1:-1] + rows[:, :, :-2]
    inside = np.abs(response[brain_mask(stack[:, None])[:, 1:-1, 1:-1]])
    # The weights have a root sum of squares of 6; 0.6745 turns a median into a deviation.
    return float(np.median(inside) / 0.6745 / 6) if inside.size else 0.0


def _arrangement(small: Floats, inner: Mask) -> list[float]:
    """`BESIDE` and `TEXTURE`, of ranks in 0..1 among the inner tissue of the whole visit."""
    ranks = np.zeros_like(small)
    own = (np.argsort(np.argsort(small[inner], kind="stable"), kind="stable") + 0.5) / inner.sum()
    ranks[inner] = own
    far = np.stack([_away(plane) for plane in inner & (ranks < _DARKEST)])
    numbers = []
    for near, end in pairwise(_AWAY):
        ring = inner & (far > near) & (far <= end)
        numbers.append(float(ranks[ring].mean()) if ring.any() else 0.5)
    fine, coarse = (_blurred(ranks, inner, sigma) for sigma in (_FINE, _COARSE))
    down, right = np.gradient(fine, axis=(1, 2))
    part = np.minimum((own * _PARTS).astype(int), _PARTS - 1)
    sizes = np.maximum(np.bincount(part, minlength=_PARTS), 1)
    for values in (np.hypot(down, right), fine - coarse):
        numbers += (np.bincount(part, values[inner], minlength=_PARTS) / sizes).tolist()
    return numbers


def _away(dark: Mask) -> Floats:
    """Pixels to the nearest dark one; far where a slice has none."""
    if not dark.any():
        return np.full(dark.shape, np.inf)
    return np.asarray(ndimage.distance_transform_edt(~dark))


def _blurred(values: Floats, mask: Mask, sigma: float) -> Floats:
    """Blurred within a mask, whose outside does not bleed in."""
    share = ndimage.gaussian_filter(mask.astype(np.float64), (0, sigma, sigma))
    inside = ndimage.gaussian_filter(values * mask, (0, sigma, sigma))
    return np.asarray(inside / np.maximum(share, 0.05))
