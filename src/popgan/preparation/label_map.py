"""A label map along the path of the slices: the same grid, crop and orientation, nearest neighbour.

Whatever was done to the scan, one matrix leads from a sample of its planes to a place in the space
of the map (`Place`). A label is taken from the voxel whose centre is nearest; none is made up.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from popgan.preparation.orientation import to_ras
from popgan.scans import Scan, ScanError

MOST_LABELS = 64
"""Different values of a label map; more are a parcellation too fine for slices."""
_CLOSE = 2**20
_COVERED = 0.5  # a slice is mapped if the map holds at least this share of the head's box


@dataclass(frozen=True)
class Place:
    """Where the planes of a visit lie.

    Attributes:
        shape: samples of a plane along x and y.
        affine: 4 x 4, sample (x, y, slice index) to RAS+ millimetres of the planes' space.
        indices: slice index of each plane.
        to_scan: 4 x 4, millimetres of the planes' space to those of the first scan's own; the
            identity unless the visit was moved (to a template, for example).
    """

    shape: tuple[int, int]
    affine: NDArray[np.float64]
    indices: NDArray[np.intp]
    to_scan: NDArray[np.float64] = field(default_factory=lambda: np.eye(4))


@dataclass(frozen=True)
class LabelPlanes:
    """A label map on the planes of a visit.

    Attributes:
        values: the map's different values, ascending; at most `MOST_LABELS`.
        planes: uint8 n x X x Y, places in `values`.
        valid: n, whether the map covers the slice; what it does not cover is no absence.
        areas: n, samples of each plane whose value is not 0.
        sha256: of the map's file.
    """

    values: tuple[int, ...]
    planes: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    areas: NDArray[np.intp]
    sha256: str


class TooManyLabelsError(ScanError):
    """A map with more than `MOST_LABELS` values: its kind cannot be used, not only this file."""


def label_planes(
    found: Scan,
    place: Place,
    *,
    spacing: tuple[float, float],
    centre: tuple[float, float],
    extent: tuple[float, float],
) -> LabelPlanes:
    """Sample a label map on the planes of a visit.

    Args:
        found: the map, read with `Found.labels`.
        place: where the planes lie.
        spacing: mm between samples of a plane along x and y.
        centre, extent: middle and size of the head in the plane, mm from sample (0, 0).

    Raises:
        TooManyLabelsError: more than `MOST_LABELS` values.
        ScanError: a map of a picture that has another size, or one that covers no slice.
    """
    data, affine = to_ras(found.data, found.affine)
    if not found.spacing_known and data.shape[:2] != place.shape:
        sizes = " x ".join(map(str, data.shape[:2])), " x ".join(map(str, place.shape))
        raise ScanError(f"has another size than its picture ({sizes[0]}, not {sizes[1]})")
    values = distinct_values(data)
    if len(values) > MOST_LABELS:
        raise TooManyLabelsError(f"has {len(values)} different values, more than {MOST_LABELS}")
    values = np.union1d(values, [0.0])  # beyond the map there is nothing, which is 0
    box = _box(place.shape, spacing, centre, extent)
    planes = np.empty((len(place.indices), *place.shape), np.uint8)
    valid = np.zeros(len(place.indices), np.bool_)
    # One matrix from a sample of a plane to a voxel of the map.
    matrix = np.linalg.inv(affine) @ place.to_scan @ place.affine
    for row, index in enumerate(place.indices):
        plane, inside = _sample(data, matrix, int(index), place.shape)
        planes[row] = np.searchsorted(values, plane)
        valid[row] = inside[box].mean() >= _COVERED
    if not valid.any():
        raise ScanError("covers no slice of its scan: by its header it lies somewhere else")
    return LabelPlanes(
        values=tuple(int(value) for value in values),
        planes=planes,
        valid=valid,
        areas=(planes != np.searchsorted(values, 0.0)).sum(axis=(1, 2)),
        sha256=found.sha256,
    )


def _sample(
    data: NDArray[np.float32], matrix: NDArray[np.float64], index: int, shape: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The nearest voxels of a plane (0 beyond the map), and which samples lie in the map."""
    x, y = np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij")
    plane, inside = np.zeros(shape, np.float32), np.ones(shape, np.bool_)
    places = []
    for axis in range(3):
        a, b, c, d = matrix[axis]
        # A hair of rounding must not decide between two voxels on grids that agree.
        voxel = np.floor(a * x + b * y + (c * index + d) + 0.5 + 1e-6).astype(np.int64)
        inside &= (voxel >= 0) & (voxel < data.shape[axis])
        places.append(voxel)
    plane[inside] = data[places[0][inside], places[1][inside], places[2][inside]]
    return plane, inside


def distinct_values(data: NDArray[np.float32]) -> NDArray[np.float64]:
    """The different values of whole numbers, ascending; no sorting where they lie close."""
    low, high = int(data.min()), int(data.max())
    if high - low > _CLOSE:
        return np.unique(data).astype(np.float64)
    seen = np.zeros(high - low + 1, np.bool_)
    for k in range(data.shape[2]):
        seen[data[:, :, k].astype(np.int64) - low] = True
    return np.flatnonzero(seen).astype(np.float64) + low


def _box(
    shape: tuple[int, int],
    spacing: tuple[float, float],
    centre: tuple[float, float],
    extent: tuple[float, float],
) -> tuple[slice, slice]:
    """The samples of a plane that hold the head."""
    ranges = []
    for axis in (0, 1):
        first = round((centre[axis] - extent[axis] / 2) / spacing[axis])
        last = round((centre[axis] + extent[axis] / 2) / spacing[axis])
        first = min(max(first, 0), shape[axis] - 1)
        ranges.append(slice(first, max(min(last, shape[axis]), first + 1)))
    return ranges[0], ranges[1]


def nearest_slices(
    planes: NDArray[np.uint8],
    *,
    spacing: tuple[float, float],
    centre: tuple[float, float],
    field: tuple[float, float],
    shape: tuple[int, int],
    fill: int = 0,
) -> NDArray[np.uint8]:
    """Planes n x X x Y on the cohort's grid, n x shape: `resample_slices` for labels.

    Args:
        planes: codes.
        spacing, centre, field, shape: as for `popgan.preparation.resample.resample_slices`.
        fill: code of what lies outside the planes.
    """
    picked = []
    for axis in (0, 1):
        pitch = field[axis] / shape[axis]
        middles = centre[axis] + (np.arange(shape[axis]) - (shape[axis] - 1) / 2) * pitch
        picked.append(np.floor(middles / spacing[axis] + 0.5 + 1e-6).astype(np.int64))
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1)), constant_values=fill)
    rows, columns = (
        np.clip(place, -1, side) + 1 for place, side in zip(picked, planes.shape[1:], strict=True)
    )
    return padded[:, rows[:, None], columns[None, :]]
