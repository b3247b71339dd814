"""Two-dimensional shape of masks: how large, how round, in how many parts.

IBSI (arXiv 1612.07003, section 3.1) defines shape in three dimensions; these are its counterparts
for one slice, with names as there where there is one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.radiomics.discretise import Masks

NAMES = (
    "area",
    "perimeter",
    "perimeter to area ratio",
    "sphericity 2D",
    "major axis length",
    "minor axis length",
    "elongation",
    "number of parts",
)
Values = NDArray[np.float64]


def features(masks: Masks, pixel: float = 1.0) -> Values:
    """N x 8 in the order of `NAMES`.

    - area: pixels times the area of one;
    - perimeter: of all outlines, holes included, by the formula of Cauchy and Crofton over four
      directions: within about 5 % for smooth outlines, where counting pixel edges is 27 % too long;
    - sphericity 2D: perimeter of the disc of equal area over the perimeter: 1 is a disc (a few
      pixels may exceed it), smaller is longer, rougher or in more parts. Its square is the
      compactness 4 pi area / perimeter^2;
    - axes: 4 times the root of the eigenvalues of the covariance of the pixels' centres;
    - elongation: minor over major axis, 1 round; 1 where both are zero (a single pixel);
    - parts: 8-connected.

    An empty mask gets zeros.

    Args:
        masks: N x H x W.
        pixel: side of the square pixels, in whatever unit the lengths are to have.
    """
    area = np.count_nonzero(masks.reshape(len(masks), -1), axis=1).astype(np.float64)
    perimeter = _perimeter(masks)
    major, minor = _axes(masks, area)
    some = np.maximum(area, 1)
    columns = [
        area * pixel**2,
        perimeter * pixel,
        perimeter / some / pixel,
        2 * np.sqrt(np.pi * area) / np.maximum(perimeter, 1),
        major * pixel,
        minor * pixel,
        np.where(major > 0, minor / np.where(major > 0, major, 1), 1),
        _parts(masks),
    ]
    return np.stack(columns, axis=1) * (area > 0)[:, None]


def _perimeter(masks: Masks) -> Values:
    """Crossings of parallel lines with the outline, times the lines' distance, over directions.

    L = 1/2 of the integral of the number of crossings over all lines; four directions of pi/4 each,
    lines a pixel apart along the axes and 1 / sqrt 2 along the diagonals.
    """
    padded = np.pad(masks, ((0, 0), (1, 1), (1, 1)))
    straight = (
        (padded[:, :, 1:] != padded[:, :, :-1]).sum((1, 2)),
        (padded[:, 1:] != padded[:, :-1]).sum((1, 2)),
    )
    oblique = (
        (padded[:, 1:, 1:] != padded[:, :-1, :-1]).sum((1, 2)),
        (padded[:, 1:, :-1] != padded[:, :-1, 1:]).sum((1, 2)),
    )
    return np.asarray(np.pi / 8 * (sum(straight) + sum(oblique) / np.sqrt(2)), np.float64)


def _axes(masks: Masks, area: Values) -> tuple[Values, Values]:
    """Lengths of the major and minor axis of the ellipse with the same second moments."""
    some = np.maximum(area, 1)
    by_row, by_column = masks.sum(2), masks.sum(1)
    y, x = np.arange(masks.shape[1]), np.arange(masks.shape[2])
    mean_y, mean_x = by_row @ y / some, by_column @ x / some
    yy = (by_row * (y - mean_y[:, None]) ** 2).sum(1) / some
    xx = (by_column * (x - mean_x[:, None]) ** 2).sum(1) / some
    xy = np.einsum("nij,i,j->n", masks.astype(np.float64), y, x) / some - mean_y * mean_x
    middle, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    major = np.maximum(middle + half, 0)
    # The smaller eigenvalue of a straight line is zero; what rounding leaves of it is not an axis.
    minor = np.where(middle - half > 1e-9 * major, middle - half, 0)
    return 4 * np.sqrt(major), 4 * np.sqrt(minor)


def _parts(masks: Masks) -> Values:
    from scipy.ndimage import label

    within_a_slice = np.zeros((3, 3, 3), bool)
    within_a_slice[1] = True
    parts, found = label(masks, within_a_slice)
    first = np.unique(parts.ravel(), return_index=True)[1]
    image = first // max(masks[0].size, 1)
    background = parts.ravel()[first] == 0
    count = np.bincount(image[~background], minlength=len(masks))
    assert count.sum() == found
    return count.astype(np.float64)
