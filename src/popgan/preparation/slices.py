"""Where the brain lies in a volume: its height, its place in the plane, and the slices to take.

Three kinds of volumes are told apart. A *head* holds skin, skull and perhaps a neck: its brain
ends a known distance below the top of the head and has the height of an adult brain of that
head's width and length. A *brain* is skull-stripped: it is its foreground. A *stack* covers the
brain already (thick slices, or a header with placeholder spacing): it is taken whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from popgan.preparation.intensity import Intensity

VolumeKind = Literal["head", "brain", "stack", "picture"]

# Measured on 40 adults of IXI (T1w, tissue maps): the brain ends 14 mm (SD 2.4) below the top of
# the head and is 137 mm high (SD 5.8); width and length of the head explain some of it.
_SCALP_TO_BRAIN = 14.0
_HEIGHT, _HEIGHT_SHARES = 137.4, (0.40, 0.20)
_HEAD_WIDTH, _HEAD_LENGTH = 153.7, 191.8
_HEIGHT_RANGE = (100.0, 165.0)
_LEVEL = 70.0  # mm below the top of the head where its width and length are measured
_STACK_RATIO = 0.6  # a volume lower than this share of the head's length is a stack
_BRAIN_LITRES = 2.2  # foreground below this, on a blank background, is skull-stripped
_GRID = 3.0  # mm; the foreground is looked at this coarsely in the plane
_ABOVE_EYES = 0.5  # share of the brain's height above which no nose or eye is in the slice
_MIN_AREA = 400.0  # mm^2 of foreground that make a slice part of the head
_EMPTY_SHARE = 0.02  # a slice with less foreground than this share of the fullest one is empty
_SMALLEST_HEAD = 140.0  # mm, length of a head
_MIN_SHARE = 0.01  # nor may the foreground be less than this share of the picture


@dataclass(frozen=True)
class BrainBox:
    """Where the brain is, in millimetres from the centre of voxel (0, 0, 0) along RAS axes.

    Attributes:
        kind: what sort of volume it is.
        bottom, top: ends of the brain along z.
        coarse: foreground on a coarse grid, X' x Y' x Z.
        step: mm between samples of `coarse` along x and y.
    """

    kind: VolumeKind
    bottom: float
    top: float
    coarse: NDArray[np.bool_]
    step: tuple[float, float]


def find_brain(
    data: NDArray[np.float32], spacing: NDArray[np.float64], intensity: Intensity
) -> BrainBox | None:
    """Find the brain of a volume; None if there is no foreground worth the name.

    Args:
        data: X x Y x Z in RAS+, original values.
        spacing: mm a voxel along x, y, z.
        intensity: the scan's mapping to [0, 1]; its threshold parts foreground from background.
    """
    strides = [max(1, round(_GRID / spacing[axis])) for axis in (0, 1)]
    thin = intensity.apply(data[:: strides[0], :: strides[1]])
    step = (float(spacing[0] * strides[0]), float(spacing[1] * strides[1]))
    dz = float(spacing[2])
    coarse = _largest_part(thin > intensity.threshold)
    if coarse is None:
        return None
    whole = (-0.5 * dz, (data.shape[2] - 0.5) * dz)
    if data.shape[2] == 1:
        return BrainBox("picture", *whole, coarse, step)
    if whole[1] - whole[0] < _STACK_RATIO * _extent(np.any(coarse, axis=(0, 2))) * step[1]:
        return BrainBox("stack", *whole, coarse, step)
    stripped = _largest_part(thin > 0) if intensity.blank is not None else None
    if stripped is not None:
        bottom, top = _ends(stripped, step, dz)
        if _litres(stripped, step, dz, top) < _BRAIN_LITRES:
            return BrainBox("brain", bottom, top, stripped, step)
    bottom, top = _ends(coarse, step, dz)
    low, high = _inside_head(coarse, step, dz, top)
    return BrainBox("head", max(low, bottom), high, coarse, step)


def box_of_mask(
    kept: NDArray[np.bool_], brain: NDArray[np.bool_], spacing: NDArray[np.float64]
) -> BrainBox | None:
    """Where the brain is after extraction: its heights are those of the brain itself.

    Args:
        kept: what is left of the volume, X x Y x Z; it may have a margin.
        brain: the brain in it.
        spacing: mm a voxel along x, y, z.
    """
    if not kept.any() or not brain.any():
        return None
    strides = [max(1, round(_GRID / spacing[axis])) for axis in (0, 1)]
    step = (float(spacing[0] * strides[0]), float(spacing[1] * strides[1]))
    thin = tuple(slice(None, None, stride) for stride in strides)
    if not kept[thin].any() or not brain[thin].any():
        return None
    bottom, top = _ends(brain[thin], step, float(spacing[2]))
    return BrainBox("brain", bottom, top, kept[thin], step)


def height_seen(box: BrainBox, spacing: float) -> float | None:
    """How much of the way from chin to crown a volume shows: mm along z; None for a picture.

    Args:
        box: of the volume as it was read, before anything was masked.
        spacing: mm between slices.
    """
    if box.kind == "picture":
        return None
    bottom, top = _ends(box.coarse, box.step, spacing)
    return top - bottom


def choose_slices(
    box: BrainBox, *, depth: int, spacing: float, count: int, percent: tuple[float, float]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Indices of slices evenly between two percentiles of the brain's height, and their heights.

    Args:
        box: where the brain is.
        depth: slices of the volume.
        spacing: mm between slices.
        count: slices wanted; fewer come back where the volume has fewer in that range.
        percent: lower and upper end, percent of the brain's height.

    Returns:
        Indices, ascending and without repeats; heights, 0 bottom to 1 top of the brain.
    """
    if box.kind == "picture":
        return np.zeros(1, dtype=np.intp), np.full(1, 0.5)
    extent = box.top - box.bottom
    wanted = box.bottom + np.linspace(percent[0], percent[1], count) / 100 * extent
    indices = np.unique(np.clip(np.round(wanted / spacing), 0, depth - 1).astype(np.intp))
    heights = np.clip((indices * spacing - box.bottom) / extent, 0, 1)
    return indices, heights


def worthwhile(share: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which slices show more than a sliver, by the share of each that is foreground."""
    return share > max(_MIN_SHARE, _EMPTY_SHARE * float(share.max()))


def plane_extent(
    box: BrainBox, indices: NDArray[np.intp], heights: NDArray[np.float64]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Centre and size in the plane (x, y; mm) of the head in the chosen slices.

    In a whole head the slices of the brain's upper half are taken: lower ones hold the nose,
    which would shift the centre and cost every image an eighth of its resolution. The centre is
    counted from the centre of voxel (0, 0).
    """
    upper = indices[heights >= _ABOVE_EYES] if box.kind == "head" else indices
    seen = np.any(box.coarse[:, :, upper if len(upper) else indices], axis=2)
    if not np.any(seen):
        seen = np.any(box.coarse, axis=2)
    centre, size = [], []
    for axis in (0, 1):
        line = np.flatnonzero(np.any(seen, axis=1 - axis))
        centre.append(float(line[0] + line[-1]) / 2 * box.step[axis])
        size.append(float(line[-1] - line[0] + 1) * box.step[axis])
    return (centre[0], centre[1]), (size[0], size[1])


def placeholder(box: BrainBox, spacing: NDArray[np.float64], extent: tuple[float, float]) -> bool:
    """Whether a header's voxel size of exactly 1 mm makes a head no adult or child has."""
    return box.kind == "stack" and bool((spacing == 1).all()) and max(extent) < _SMALLEST_HEAD


def _largest_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """The largest connected part of a mask; None if it has fewer than 16 voxels."""
    parts, count = ndimage.label(mask)
    if count == 0:
        return None
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    largest = int(sizes.argmax())
    return parts == largest if sizes[largest] >= 16 else None


def _ends(mask: NDArray[np.bool_], step: tuple[float, float], dz: float) -> tuple[float, float]:
    """Lowest and highest end of a mask along z, mm; slivers do not count."""
    area = mask.sum(axis=(0, 1)) * step[0] * step[1]
    present = np.flatnonzero(area > min(_MIN_AREA, 0.25 * area.max()))
    return (float(present[0]) - 0.5) * dz, (float(present[-1]) + 0.5) * dz


def _extent(line: NDArray[np.bool_]) -> int:
    present = np.flatnonzero(line)
    return int(present[-1] - present[0] + 1) if present.size else 0


def _litres(mask: NDArray[np.bool_], step: tuple[float, float], dz: float, top: float) -> float:
    """Volume of the foreground in the upper 170 mm; a head has more than a brain."""
    first = max(0, int((top - 170.0) / dz))
    filled = [ndimage.binary_fill_holes(mask[:, :, k]).sum() for k in range(first, mask.shape[2])]
    return float(sum(filled)) * step[0] * step[1] * dz / 1e6


def _inside_head(
    mask: NDArray[np.bool_], step: tuple[float, float], dz: float, top: float
) -> tuple[float, float]:
    """Bottom and top of the brain in a head, from the head's top, width and length."""
    level = max(0, min(mask.shape[2] - 1, round((top - _LEVEL) / dz)))
    width = _extent(mask[:, :, level].sum(axis=1) > 1) * step[0]
    length = _extent(mask[:, :, level].sum(axis=0) > 1) * step[1]
    height = (
        _HEIGHT
        + _HEIGHT_SHARES[0] * (width - _HEAD_WIDTH)
        + _HEIGHT_SHARES[1] * (length - _HEAD_LENGTH)
    )
    height = float(np.clip(height, *_HEIGHT_RANGE))
    high = top - _SCALP_TO_BRAIN
    return high - height, high
