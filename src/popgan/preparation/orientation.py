"""Every volume in one orientation: RAS+, and slices that stand upright.

A volume's axes are x to the subject's right, y to the front, z to the top. A slice is stored as
it is looked at: row 0 is the front of the head, column 0 the subject's right (radiological).
"""

from __future__ import annotations

from typing import TypeVar

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

_Number = TypeVar("_Number", bound=np.generic)


def to_ras(
    data: NDArray[np.float32], affine: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Flip and permute axes to the closest RAS+ orientation; no interpolation.

    Args:
        data: three axes in any order.
        affine: 4 x 4, voxel indices to RAS+ millimetres.

    Returns:
        The reoriented array (a view) and its affine.
    """
    orientation = nib.orientations.io_orientation(affine)
    turned = nib.orientations.apply_orientation(data, orientation)
    return turned, affine @ nib.orientations.inv_ornt_aff(orientation, data.shape)


def from_ras(data: NDArray[_Number], affine: NDArray[np.float64]) -> NDArray[_Number]:
    """Inverse of `to_ras`: axes back in the order and direction of a file.

    Args:
        data: X x Y x Z in RAS+ order.
        affine: 4 x 4 of the file, as it was given to `to_ras`.

    Returns:
        The array (a view) whose voxels lie where the file's lie.
    """
    there = nib.orientations.io_orientation(affine)
    straight = np.array([[0, 1], [1, 1], [2, 1]])
    back = nib.orientations.ornt_transform(straight, there)
    return nib.orientations.apply_orientation(data, back)


def spacing_of(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Voxel size along each axis, mm."""
    return np.sqrt((affine[:3, :3] ** 2).sum(axis=0))


def upright(plane: NDArray[_Number]) -> NDArray[_Number]:
    """RAS planes (..., X, Y) to upright slices (..., H = Y, W = X); a view."""
    return np.swapaxes(plane[..., ::-1, ::-1], -1, -2)


def from_upright(slices: NDArray[_Number]) -> NDArray[_Number]:
    """Inverse of `upright`: slices (..., H, W) to RAS planes (..., X = W, Y = H); a view."""
    return np.swapaxes(slices, -1, -2)[..., ::-1, ::-1]


def axes_of(affine: NDArray[np.float64]) -> str:
    """The directions in which a volume's axes run, as three letters: "LPS"."""
    return "".join(nib.aff2axcodes(affine))
