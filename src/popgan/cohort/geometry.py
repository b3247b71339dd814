"""The axes of a stored slice and its place in space, so that writers need not know them.

A stored slice stands upright: row 0 is the front of the head, column 0 the subject's right. As a
NIfTI volume of one slice it is X x Y x 1 in RAS+ with the cohort's affine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from popgan.preparation.orientation import from_upright

_Number = TypeVar("_Number", bound=np.generic)


def to_volume(slice2d: NDArray[_Number]) -> NDArray[_Number]:
    """A stored slice (H x W) as a volume X x Y x 1 (X = W, Y = H) in RAS+ order."""
    if slice2d.ndim != 2:
        raise ValueError(f"one slice is wanted, got shape {slice2d.shape}")
    return np.ascontiguousarray(from_upright(slice2d)[..., None])


def slice_affine(
    shape: tuple[int, int], spacing: Sequence[float], centre: Sequence[float]
) -> NDArray[np.float64]:
    """Affine of a single-slice volume, voxel indices to RAS+ millimetres.

    Args:
        shape: rows and columns of the stored slice.
        spacing: mm a row, a column, a slice.
        centre: RAS+ position (mm) of the middle of the slice.
    """
    rows, columns = shape
    affine = np.diag([spacing[1], spacing[0], spacing[2], 1.0]).astype(np.float64)
    affine[0, 3] = centre[0] - (columns - 1) / 2 * spacing[1]
    affine[1, 3] = centre[1] - (rows - 1) / 2 * spacing[0]
    affine[2, 3] = centre[2]
    return affine
