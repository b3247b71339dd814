"""All radiomics of a set of slices as one matrix with a name for each column.

Intensities are taken as u = (x + 1) / 2 in [0, 1] and cut into bins of one width for all images:
scaling every image to its own range would hide a generator that is too dark or too flat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.errors import UserError
from popgan.evidence.radiomics import first_order, glcm, glrlm, glszm, shape
from popgan.evidence.radiomics.discretise import MAX_LEVELS, Masks, fixed_bin_width

BINS = 32
# Linear functions of other features: they would weigh one fact twice and make covariances singular.
LEFT_OUT = {
    "first order": ("range",),
    "GLCM": ("joint variance", "sum average", "dissimilarity", "cluster tendency"),
    "GLRLM": (),
    "GLSZM": (),
}
_FAMILIES = {
    "first order": first_order.NAMES + first_order.HISTOGRAM_NAMES,
    "GLCM": glcm.NAMES,
    "GLRLM": glrlm.NAMES,
    "GLSZM": glszm.NAMES,
}
_KEPT = {
    family: [i for i, name in enumerate(names) if name not in LEFT_OUT[family]]
    for family, names in _FAMILIES.items()
}
_BLOCK = 32


@dataclass(frozen=True)
class Radiomics:
    """values: N x F, float64, all finite. names: F, like "T1w: GLCM contrast"."""

    values: NDArray[np.float64]
    names: tuple[str, ...]


def radiomics(
    images: NDArray[np.floating],
    masks: Mapping[str, Masks] | None = None,
    *,
    contrasts: Sequence[str] | None = None,
    bins: int = BINS,
    advance: Callable[[int], None] | None = None,
) -> Radiomics:
    """Intensity and texture of each contrast in each region, and the shape of each region.

    Without masks the whole image, background included, is the one region, and has no shape.
    A region that an image does not have gives zeros in all its columns; a region of one intensity
    has no variance, entropy, skewness or kurtosis (0) and correlation 1. Nothing is ever NaN. A set
    in which a region is often missing says mostly that: check the column "area".

    Args:
        images: N x C x H x W in [-1, 1]; what lies outside counts as the nearest end.
        masks: by name of the region, N x H x W each.
        contrasts: C names, by default "contrast 1" and so on.
        bins: number of grey levels of the range, 2 .. 255.
        advance: called with numbers of images done.

    Raises:
        UserError: other axes, masks of another size, a number of names or bins that cannot be, or
            a value that is not a finite number.
    """
    _check(images, masks, contrasts, bins)
    labels = list(contrasts or [f"contrast {c + 1}" for c in range(images.shape[1])])
    names = tuple(_names(labels, masks))
    values = np.empty((len(images), len(names)))
    for start in range(0, len(images), _BLOCK):
        rows = slice(start, start + _BLOCK)
        block = np.asarray(images[rows], np.float32)
        if not np.isfinite(block).all():
            bad = start + int(np.flatnonzero(~np.isfinite(block).all((1, 2, 3)))[0])
            raise UserError(f"image {bad} contains NaN or infinity", do="repair or drop it")
        regions = None if masks is None else [mask[rows].astype(bool) for mask in masks.values()]
        values[rows] = _measure((np.clip(block, -1, 1) + 1) / 2, regions, bins)
        if advance is not None:
            advance(len(block))
    return Radiomics(values, names)


def names_of(contrasts: Sequence[str], regions: Sequence[str]) -> tuple[str, ...]:
    """Names of the features of images with these contrasts, in these regions."""
    return tuple(_names(contrasts, regions))


def _measure(
    units: NDArray[np.floating], regions: list[Masks] | None, bins: int
) -> NDArray[np.float64]:
    """Columns of one block of images n x C x H x W in [0, 1], in the order of `_names`."""
    columns: list[NDArray[np.float64]] = []
    every: list[Masks] | list[None] = [None] if regions is None else regions
    for mask in every:
        if mask is not None:
            columns.append(shape.features(mask))
        for contrast in range(units.shape[1]):
            image = units[:, contrast]
            levels = fixed_bin_width(image, 1 / bins, low=0, high=1, masks=mask)
            first = [first_order.features(image, mask), first_order.histogram(levels)]
            columns.append(np.concatenate(first, axis=1)[:, _KEPT["first order"]])
            columns.append(glcm.features(levels, bins)[:, _KEPT["GLCM"]])
            columns.append(glrlm.features(levels)[:, _KEPT["GLRLM"]])
            columns.append(glszm.features(levels)[:, _KEPT["GLSZM"]])
    return np.concatenate(columns, axis=1)


def _names(labels: Sequence[str], regions: Iterable[str] | None) -> Iterator[str]:
    for region in [None] if regions is None else list(regions):
        if region is not None:
            yield from (f"{region}: shape {name}" for name in shape.NAMES)
        for label in labels:
            where = label if region is None else f"{region}, {label}"
            for family, names in _FAMILIES.items():
                yield from (f"{where}: {family} {names[i]}" for i in _KEPT[family])


def _check(
    images: NDArray[np.floating],
    masks: Mapping[str, Masks] | None,
    contrasts: Sequence[str] | None,
    bins: int,
) -> None:
    if images.ndim != 4 or 0 in images.shape[1:]:
        raise UserError(f"images of shape {images.shape} where N x C x H x W is needed")
    if contrasts is not None and len(contrasts) != images.shape[1]:
        raise UserError(f"{len(contrasts)} names for {images.shape[1]} contrasts")
    if not 2 <= bins <= MAX_LEVELS:
        raise UserError(f"{bins} grey levels", do=f"use 2 to {MAX_LEVELS}")
    if masks is not None and not masks:
        raise UserError("no region to measure", do="give a mask, or None for the whole image")
    expected = (len(images), *images.shape[2:])
    for name, mask in (masks or {}).items():
        if mask.shape != expected:
            raise UserError(f"mask {name!r} of shape {mask.shape} where {expected} is needed")
