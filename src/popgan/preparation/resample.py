"""Slices to the cohort's common grid: anti-aliased, aspect kept, true to size.

All scans of a cohort get the same field of view in millimetres, centred on the head: a small
head stays small. A target pixel is the exact average of the source over its area; where the
target is finer than the source it is the linear interpolation. The operator is separable, one
small matrix an axis.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def axis_weights(
    source: int, target: int, *, spacing: float, field: float, centre: float
) -> NDArray[np.float32]:
    """Matrix (target x source) that resamples one axis.

    Args:
        source: samples of the source axis.
        target: samples of the target axis.
        spacing: mm between source samples.
        field: mm covered by the target axis.
        centre: mm from the centre of source sample 0 to the centre of the target field.

    Returns:
        Weights >= 0. Rows that lie within the source sum to 1; what lies outside counts as 0.
    """
    pitch = field / target
    middles = (centre + (np.arange(target) - (target - 1) / 2) * pitch) / spacing
    width = max(pitch / spacing, 1.0)
    low, high = middles - width / 2, middles + width / 2
    cells = np.arange(source)
    overlap = np.minimum(high[:, None], cells + 0.5) - np.maximum(low[:, None], cells - 0.5)
    return (np.clip(overlap, 0, None) / width).astype(np.float32)


def resample_slices(
    slices: NDArray[np.float32],
    *,
    spacing: tuple[float, float],
    centre: tuple[float, float],
    field: tuple[float, float],
    shape: tuple[int, int],
) -> NDArray[np.float32]:
    """Resample planes (..., X, Y) to (..., shape[0], shape[1]).

    Args:
        slices: planes with values in [0, 1].
        spacing: mm between samples along X and Y.
        centre: mm from sample (0, 0) to the centre of the new field.
        field: mm covered along X and Y.
        shape: samples of the result along X and Y.
    """
    first, second = (
        axis_weights(
            slices.shape[axis - 2],
            shape[axis],
            spacing=spacing[axis],
            field=field[axis],
            centre=centre[axis],
        )
        for axis in (0, 1)
    )
    return np.asarray(first @ slices @ second.T, dtype=np.float32)


def resample_back(
    slices: NDArray[np.float32],
    *,
    spacing: tuple[float, float],
    centre: tuple[float, float],
    field: tuple[float, float],
    shape: tuple[int, int],
) -> NDArray[np.float32]:
    """The way back of `resample_slices`: planes of the common grid onto those they came from.

    The same operator between the same two grids, the other way round; what lies outside the field
    is 0.

    Args:
        slices: planes (..., X', Y') of the common grid, with values in [0, 1].
        spacing, centre, field: as they were given to `resample_slices`.
        shape: samples of the planes that were given to it, along X and Y.
    """
    first, second = (
        axis_weights(
            slices.shape[axis - 2],
            shape[axis],
            spacing=field[axis] / slices.shape[axis - 2],
            field=shape[axis] * spacing[axis],
            centre=_from_the_other(
                slices.shape[axis - 2], shape[axis], spacing[axis], centre[axis], field[axis]
            ),
        )
        for axis in (0, 1)
    )
    return np.asarray(first @ slices @ second.T, dtype=np.float32)


def _from_the_other(side: int, count: int, spacing: float, centre: float, field: float) -> float:
    """Mm from sample 0 of the common grid to the middle of the planes."""
    first = centre - (side - 1) / 2 * field / side  # from sample 0 of the planes
    return (count - 1) / 2 * spacing - first


def same_grid(
    shape: tuple[int, ...],
    affine: NDArray[np.float64],
    other_shape: tuple[int, ...],
    other_affine: NDArray[np.float64],
) -> bool:
    """Whether two volumes share their grid, to a twentieth of a voxel at every corner."""
    if shape != other_shape:
        return False
    corners = np.array([[x, y, z, 1] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
    corners[:, :3] *= np.array(shape) - 1
    apart = np.abs(corners @ (affine - other_affine).T)[:, :3].max()
    return bool(apart < 0.05 * np.sqrt((affine[:3, :3] ** 2).sum(axis=0)).min())


def onto_grid(
    data: NDArray[np.float32],
    affine: NDArray[np.float64],
    shape: tuple[int, ...],
    target_affine: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Resample a volume to another grid by the two affines, linearly; outside is the minimum.

    A source finer than the target is first smoothed (standard deviation 0.35 voxel for each
    voxel of ratio beyond one) so that the result does not alias.
    """
    matrix = np.linalg.inv(affine) @ target_affine
    ratio = np.sqrt((matrix[:3, :3] ** 2).sum(axis=1))
    if (ratio > 1.05).any():
        data = ndimage.gaussian_filter(data, 0.35 * np.clip(ratio - 1, 0, None))
    low = float(data.min())
    return ndimage.affine_transform(
        data, matrix[:3, :3], matrix[:3, 3], output_shape=shape, order=1, cval=low
    ).astype(np.float32)
