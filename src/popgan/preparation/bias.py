"""Bias field: how uneven a scan is, whether it is worth correcting, and the correction (N4).

The field of a receive coil makes the same tissue brighter near the coil. N4 (Tustison et al.,
IEEE TMI 29, 1310-1320, 2010) finds a smooth field that sharpens the histogram. The field is
estimated on blocks of about 4 mm, which is a 1 mm volume shrunk by 4, and divides the volume at
full resolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from popgan.preparation.coarse import Blocks, in_blocks
from popgan.preparation.steps import Step
from popgan.preparation.volume import Volume

_EDGE = 4.0  # mm; blocks that the field is estimated on
_ROUGH_EDGE = 8.0  # mm; blocks of the first look
_ITERATIONS = (50, 50, 40)
_CONVERGENCE = 0.001
_POINTS = 4  # spline control points along an axis at the first level, doubled at each further one
_FEWEST = 500  # blocks of tissue below which no field is estimated
_FURTHEST = 1.6  # natural logarithm; a field further from its mean than five-fold is no coil's
_SLAB = 16  # slices corrected at a time
# The first look finds up to 0.026 (T1w, T2w) and 0.05 (FLAIR) in phantoms with a flat field, which
# is anatomy, and 0.15 and more in IXI (benchmarks/preparation.py).
_UNEVEN = 0.055
_FEWEST_SLICES = 24

BiasChoice = Literal["auto", "n4", "off"]


@dataclass(frozen=True)
class BiasField:
    """The logarithm of a scan's bias field, on blocks.

    Attributes:
        log: float32 X' x Y' x Z', mean 0 over the tissue it was estimated on; it covers the box
            around that tissue and goes on beyond it as it is at the box's faces.
        size: voxels a block.
        start: block of the volume where the box begins.
        unevenness: standard deviation of the logarithm over that tissue.
    """

    log: NDArray[np.float32]
    size: tuple[int, int, int]
    start: tuple[int, int, int]
    unevenness: float


def correct(
    volume: Volume, mask: NDArray[np.bool_] | None, choice: BiasChoice, *, simulated: bool
) -> tuple[NDArray[np.float32], BiasField | None, Step]:
    """Correct a scan if its bias field is worth it.

    Args:
        volume: the scan.
        mask: its brain, if known; the foreground is taken otherwise.
        choice: what the user asked for.
        simulated: whether this is a phantom, whose field is part of what is simulated.

    Returns:
        The voxels, the field if they were corrected, and the record.
    """
    source: Literal["fixed", "rule"] = "rule" if choice == "auto" else "fixed"
    why_not = _why_not(volume, choice, simulated=simulated)
    if why_not is not None:
        return volume.data, None, Step("bias field", "none", source, why_not)
    floor, blank = volume.intensity.offset, volume.intensity.blank
    where = volume.foreground() if mask is None else mask
    figures = {}
    if choice == "auto":
        look = estimate_field(volume.data, volume.spacing, where, floor=floor, rough=True)
        if look is None:
            reason = "no field could be estimated on so little tissue"
            return volume.data, None, Step("bias field", "none", source, reason)
        figures["first_look"] = look.unevenness
        if look.unevenness < _UNEVEN:
            reason = f"even enough: the smooth field varies by {100 * look.unevenness:.1f} %"
            reason += f", less than the {100 * _UNEVEN:.1f} % that anatomy alone may give"
            return volume.data, None, Step("bias field", "none", source, reason, figures)
    field = estimate_field(volume.data, volume.spacing, where, floor=floor)
    if field is None:
        reason = "N4 found no field that a coil could have"
        return volume.data, None, Step("bias field", "none", source, reason, figures)
    figures["unevenness"] = field.unevenness
    reason = f"the field varies by {100 * field.unevenness:.0f} % over "
    reason += "the foreground" if mask is None else "the brain"
    data = divide(volume.data, field, floor=floor, blank=blank)
    return data, field, Step("bias field", "n4", source, reason, figures)


def _why_not(volume: Volume, choice: BiasChoice, *, simulated: bool) -> str | None:
    """Why a scan is not looked at, if so."""
    if choice == "off":
        return "switched off (--bias-field off)"
    if volume.box.kind == "picture":
        return "a single slice has no volume to find a smooth field in"
    if choice == "auto" and simulated:
        return "a phantom: its field is part of what is simulated"
    if choice == "auto" and (volume.box.kind == "stack" or volume.data.shape[2] < _FEWEST_SLICES):
        return "a stack of few slices, whose brightness may differ from slice to slice"
    return None


def estimate_field(
    data: NDArray[np.float32],
    spacing: NDArray[np.float64],
    mask: NDArray[np.bool_],
    *,
    floor: float,
    rough: bool = False,
) -> BiasField | None:
    """Estimate the field with N4; None where there is too little tissue or it makes no sense.

    Args:
        data: X x Y x Z, any unit.
        spacing: mm a voxel.
        mask: tissue that decides, X x Y x Z.
        floor: value of the scan that is no signal at all; it is taken for zero.
        rough: a first look on larger blocks, about eight times as fast.
    """
    import SimpleITK as sitk  # noqa: N813

    edge = _ROUGH_EDGE if rough else _EDGE
    blocks = in_blocks(data, spacing, edge)
    values = blocks.values - np.float32(floor)
    inside = (in_blocks(mask, spacing, edge).values > 0.5) & (values > 0)
    if inside.sum() < _FEWEST // (8 if rough else 1):
        return None
    box = _box(inside)
    values, inside = values[box], inside[box]
    if min(values.shape) < _POINTS:
        return None
    scale = float(np.median(values[inside]))
    # N4 works on logarithms: what lies far below tissue would only be noise there.
    values = np.maximum(values / scale, 0.01).astype(np.float32)
    image, where = _image(values, blocks), _image(inside.astype(np.uint8), blocks)
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(_ITERATIONS)
    n4.SetConvergenceThreshold(_CONVERGENCE)
    n4.SetNumberOfThreads(1)  # sums over more threads add up in another order
    n4.SetNumberOfWorkUnits(1)
    n4.SetNumberOfControlPoints([_POINTS] * 3)
    try:
        n4.Execute(image, where)
        found = sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(image)).transpose(2, 1, 0)
    except RuntimeError:
        return None
    log = (found - found[inside].mean()).astype(np.float32)
    if not np.isfinite(log).all() or float(np.abs(log[inside]).max()) > _FURTHEST:
        return None
    # Away from the tissue nothing holds a spline.
    log = np.clip(log, float(log[inside].min()), float(log[inside].max()))
    start = (box[0].start, box[1].start, box[2].start)
    return BiasField(log, blocks.size, start, round(float(log[inside].std()), 4))


def divide(
    data: NDArray[np.float32], field: BiasField, *, floor: float, blank: float | None = None
) -> NDArray[np.float32]:
    """The volume without its field, at full resolution; what is at the floor stays there.

    Args:
        data: X x Y x Z.
        field: as estimated on it.
        floor: value that is no signal at all.
        blank: value of a constant background, which stays as it is.
    """
    weights, along = _upsampled(field, data.shape)
    result = np.empty(data.shape, np.float32)
    for start in range(0, data.shape[2], _SLAB):
        part = slice(start, start + _SLAB)
        own = data[:, :, part]
        gain = np.exp(along @ weights[part].T)
        result[:, :, part] = (own - np.float32(floor)) / gain + np.float32(floor)
        if blank is not None:
            result[:, :, part][own == np.float32(blank)] = blank
    return result


def field_plane(field: BiasField, shape: tuple[int, ...], k: int) -> NDArray[np.float32]:
    """The logarithm of the field on slice `k` of its volume, X x Y."""
    weights, along = _upsampled(field, shape)
    return np.asarray(along @ weights[k])


def _upsampled(
    field: BiasField, shape: tuple[int, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights along z (voxels x blocks), and the field at full resolution in the plane."""
    weights = [
        _weights(side, count, block, start)
        for side, count, block, start in zip(
            shape, field.log.shape, field.size, field.start, strict=True
        )
    ]
    along = np.einsum("ax,xyz->ayz", weights[0], field.log, optimize=True)
    return weights[2], np.einsum("by,ayz->abz", weights[1], along, optimize=True)


def _box(mask: NDArray[np.bool_]) -> tuple[slice, slice, slice]:
    """The box around a mask, one block wider."""
    ends = []
    for axis in range(3):
        line = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        ends.append(slice(max(0, int(line[0]) - 1), int(line[-1]) + 2))
    return ends[0], ends[1], ends[2]


def _weights(side: int, count: int, block: int, start: int) -> NDArray[np.float32]:
    """Matrix (voxels x blocks) of linear interpolation between the middles of blocks."""
    places = np.clip((np.arange(side) - (block - 1) / 2) / block - start, 0, count - 1)
    low = np.minimum(places.astype(int), max(count - 2, 0))
    matrix = np.zeros((side, count), np.float32)
    rest = places - low
    matrix[np.arange(side), low] = 1 - rest
    if count > 1:
        matrix[np.arange(side), low + 1] += rest
    return matrix


def _image(values: NDArray[np.float32] | NDArray[np.uint8], blocks: Blocks) -> object:
    """An image of ITK in the blocks' own millimetres."""
    import SimpleITK as sitk  # noqa: N813

    image = sitk.GetImageFromArray(np.ascontiguousarray(values.transpose(2, 1, 0)))
    image.SetSpacing(blocks.spacing)
    return image
