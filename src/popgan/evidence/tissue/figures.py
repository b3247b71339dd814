"""Figures of outlined tissues: what is compared, and what tells whether an outline is plausible.

Each is one number an image. Those that are compared (`features_of`) and those that decide what is
compared (`checks_of`) are kept apart: a rule on grey matter's share would cut off the very
differences in that share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.tissue.results import FeatureName
from popgan.evidence.tissue.segment import VENTRICLES, Outlines

Values = NDArray[np.float64]
Codes = NDArray[np.uint8]

_SHIFTS = 4  # pixels of 128 by which the mirror may be moved to either side
_BLOCK = 512  # images at once
_EIGHT = np.ones((3, 3), np.int8)


@dataclass(frozen=True)
class FeatureText:
    """What a feature is called and how it is read."""

    title: str
    how_to_read: str


TEXTS: dict[FeatureName, FeatureText] = {
    "grey": FeatureText("Grey matter", "Share of the brain's area in the slice."),
    "white": FeatureText("White matter", "Share of the brain's area in the slice."),
    "csf": FeatureText(
        "Cerebrospinal fluid",
        "Share of the brain's area, ventricles included; fluid outside the brain counts only where "
        "images show it as part of the brain.",
    ),
    "ventricles": FeatureText(
        "Ventricles", "Area in the slice; too uniform a size is a sign of lost variety."
    ),
    "contrast": FeatureText(
        "Grey-white contrast",
        "(white - grey) / (white + grey) of mean brightness; its sign depends on the contrast.",
    ),
    "symmetry": FeatureText(
        "Left-right symmetry",
        "Share of the brain whose tissue is that of its mirror image; turned heads lower it in "
        "real images as well.",
    ),
}


def features_of(
    images: NDArray[np.float32], outlines: Outlines, *, pixel: float | None
) -> dict[FeatureName, Values]:
    """What is compared.

    Args:
        images: N x H x W in [-1, 1], of the contrast that was outlined.
        outlines: of the same images.
        pixel: area of a pixel, mm2; None where it is not known.

    Returns:
        N values for each feature; NaN where an image has no such tissue. Ventricles are in mm2,
        or a share of the brain where `pixel` is None.
    """
    codes = outlines.codes
    brain, grey, white = ((codes > 0).sum((1, 2)), _area(codes, 2), _area(codes, 3))
    inner = _area(codes, VENTRICLES)
    fluid = _area(codes, 1) + inner
    return {
        "grey": _ratio(grey, brain),
        "white": _ratio(white, brain),
        "csf": _ratio(fluid, brain),
        "ventricles": inner * pixel if pixel is not None else _ratio(inner, brain),
        "contrast": grey_white_contrast(images, codes),
        "symmetry": symmetry(codes),
    }


def grey_white_contrast(images: NDArray[np.float32], codes: Codes) -> Values:
    """(white - grey) / (white + grey) of mean grey values above background; -1 to 1.

    Args:
        images: N x H x W in [-1, 1]. codes: N x H x W.

    Returns:
        N; NaN where one of the two is missing or both are black.
    """
    means = []
    for code in (2, 3):
        inside = codes == code
        total = np.where(inside, (images + 1) / 2, 0).sum((1, 2), dtype=np.float64)
        means.append(_ratio(total, inside.sum((1, 2))))
    grey, white = means
    return _ratio(white - grey, white + grey)


def symmetry(codes: Codes) -> Values:
    """Share of the brain's pixels whose tissue is also at the mirrored place, 0 to 1.

    The mirror stands upright at the brain's middle column and is moved a few pixels to either
    side; the best place counts.

    Args:
        codes: N x H x W.

    Returns:
        N; NaN where there is no brain.
    """
    found = np.full(len(codes), np.nan)
    for start in range(0, len(codes), _BLOCK):
        found[start : start + _BLOCK] = _symmetry(codes[start : start + _BLOCK])
    return found


def _symmetry(codes: Codes) -> Values:
    width = codes.shape[2]
    brain = codes > 0
    columns, total = brain.sum(1), brain.sum((1, 2))
    # Twice the middle column; the mirror image of column x is column `twice - x`.
    twice = np.rint(2 * _ratio((columns * np.arange(width)).sum(1), total))
    twice = np.nan_to_num(twice).astype(np.int64)
    reach = max(1, round(2 * _SHIFTS * width / 128))
    best = np.zeros(len(codes))
    rows = np.arange(len(codes))[:, None, None]
    lines = np.arange(codes.shape[1])[None, :, None]
    for shift in range(-reach, reach + 1):
        place = (twice + shift)[:, None] - np.arange(width)[None]
        inside = (place >= 0) & (place < width)
        mirrored = codes[rows, lines, place.clip(0, width - 1)[:, None, :]]
        same = (mirrored == codes) & brain & inside[:, None, :]
        best = np.maximum(best, same.sum((1, 2)))
    return _ratio(best, total)


CHECKS: dict[str, str] = {
    "size": "brain's share of the image",
    "whole": "share of the brain in its largest piece",
    "holes": "holes as a share of the brain",
    "grey": "grey matter is there: its share of the brain, at most 20 %",
    "white": "white matter is there: its share of the brain, at most 20 %",
    "borders": "share of neighbouring brain pixels with different tissues",
    "certainty": "mean probability that the network gives to its outlines",
    "likeness": "distance of the coarse outline to the nearest one of another training patient",
}
"""Names and titles of the figures that tell a plausible outline."""
LIKENESS = "likeness"
"""The one figure that takes training images (`plausible.Nearest`)."""
COARSE = 16
"""Cells a side of the coarse outlines that are compared for it."""
_THERE = 0.2  # a share of grey or white matter above this says no more about plausibility


def checks_of(outlines: Outlines) -> dict[str, Values]:
    """What tells whether an outline is plausible: N numbers for each of `CHECKS` but likeness.

    None of them is missing.
    """
    codes = outlines.codes
    brain = codes > 0
    area = brain.sum((1, 2))
    pieces = np.array([_pieces(one) for one in brain], np.float64).reshape(-1, 2)
    pairs = borders = np.zeros(len(codes))
    for first, second in ((codes[:, 1:], codes[:, :-1]), (codes[:, :, 1:], codes[:, :, :-1])):
        both = (first > 0) & (second > 0)
        pairs = pairs + both.sum((1, 2))
        borders = borders + (both & (first != second)).sum((1, 2))
    found = {
        "size": area / codes[0].size if len(codes) else area.astype(np.float64),
        "whole": _ratio(pieces[:, 0], area),
        "holes": _ratio(pieces[:, 1], area),
        "grey": np.minimum(_ratio(_area(codes, 2), area), _THERE),
        "white": np.minimum(_ratio(_area(codes, 3), area), _THERE),
        "borders": _ratio(borders, pairs),
        "certainty": outlines.certainty.astype(np.float64),
    }
    return {name: np.nan_to_num(values) for name, values in found.items()}


def coarse(codes: Codes) -> NDArray[np.float32]:
    """How much fluid, grey and white matter each cell of a 16 x 16 grid holds, N x 768.

    Args:
        codes: N x H x W, at least 16 a side.
    """
    down, across = ((np.arange(COARSE) * side) // COARSE for side in codes.shape[1:])
    area = np.diff(np.append(down, codes.shape[1]))[:, None] * np.diff(
        np.append(across, codes.shape[2])
    )
    parts = []
    for chosen in ((1, VENTRICLES), (2,), (3,)):
        inside = np.isin(codes, chosen).astype(np.float32)
        cells = np.add.reduceat(np.add.reduceat(inside, down, axis=1), across, axis=2)
        parts.append((cells / area).reshape(len(codes), -1))
    return np.concatenate(parts, axis=1, dtype=np.float32)


def _pieces(brain: NDArray[np.bool_]) -> tuple[int, int]:
    """Pixels of the largest piece of a brain, and pixels of holes that it encloses."""
    from scipy import ndimage

    parts, count = ndimage.label(brain, _EIGHT)
    largest = int(np.bincount(parts.ravel())[1:].max()) if count else 0
    around, count = ndimage.label(np.pad(~brain, 1, constant_values=True))
    outside = int((around == around[0, 0]).sum()) if count else 0
    return largest, int((around > 0).sum()) - outside


def _area(codes: Codes, code: int) -> Values:
    return np.asarray((codes == code).sum((1, 2)), np.float64)


def _ratio(over: NDArray[np.generic], under: NDArray[np.generic]) -> Values:
    """Quotients; NaN where the denominator is 0."""
    above, below = np.asarray(over, np.float64), np.asarray(under, np.float64)
    quotients: Values = np.full(len(below), np.nan)
    np.divide(above, below, out=quotients, where=below != 0)
    return quotients
