"""Small pictures of what each step of preparation did, for quality control."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from popgan.preparation.bias import BiasField, field_plane
from popgan.preparation.orientation import upright
from popgan.preparation.resample import resample_slices
from popgan.preparation.steps import StepPicture
from popgan.preparation.volume import Volume

SIDE = 112
"""Pixels of the longer side of a picture."""
_LEVEL = 0.55  # share of the brain's height at which pictures are taken
_FIELD = 0.7  # natural logarithm of the field that is black or white
_SQUARES = 7  # of a chequerboard, along a side

Plane = NDArray[np.float32]


def level_of(volume: Volume) -> int:
    """The slice that pictures show."""
    box = volume.box
    middle = box.bottom + _LEVEL * (box.top - box.bottom)
    return int(np.clip(round(middle / float(volume.spacing[2])), 0, volume.data.shape[2] - 1))


def as_scanned(volume: Volume) -> StepPicture:
    """A slice of the scan before anything was done to it."""
    plane = volume.intensity.apply(volume.data[:, :, level_of(volume)])
    return _picture(volume.contrast, "as scanned", plane, volume.spacing[:2])


def corrected(volume: Volume, data: NDArray[np.float32], field: BiasField) -> list[StepPicture]:
    """The same slice without its bias field, and the field: grey is one, white and black double
    and half."""
    k = level_of(volume)
    after = volume.intensity.apply(data[:, :, k])
    log = field_plane(field, data.shape, k)
    shade = np.clip(0.5 + log / (2 * _FIELD), 0, 1).astype(np.float32)
    sides = volume.spacing[:2]
    return [
        _picture(volume.contrast, "bias corrected", after, sides),
        _picture(volume.contrast, "bias field", shade, sides),
    ]


def outlined(volume: Volume, mask: NDArray[np.bool_]) -> list[StepPicture]:
    """The outline of what is kept on the scan, from above and from the side."""
    k, x = level_of(volume), volume.data.shape[0] // 2
    shown = []
    for title, cut, sides in (
        ("brain mask", (slice(None), slice(None), k), volume.spacing[:2]),
        ("brain mask from the side", (x, slice(None), slice(None)), volume.spacing[1:]),
    ):
        plane = 0.85 * volume.intensity.apply(volume.data[cut])
        # Drawn in the picture's own pixels, so that the line is as thin in any scan.
        small, edge = _small(plane, sides), _small(mask[cut].astype(np.float32), sides) > 0.5
        small[edge & ~ndimage.binary_erosion(edge)] = 1
        shown.append(StepPicture(volume.contrast, title, _bytes(small)))
    return shown


def chequered(
    contrast: str, first: Plane, other: Plane, spacing: NDArray[np.float64]
) -> StepPicture:
    """Two contrasts as squares of one board: edges go on where they fit."""
    one, two = _small(first, spacing), _small(other, spacing)
    rows, columns = np.indices(one.shape)
    square = max(1, max(one.shape) // _SQUARES)
    board = np.where((rows // square + columns // square) % 2 == 0, one, two)
    return StepPicture(contrast, "registered to the first contrast", _bytes(board))


def beside_template(contrast: str, plane: Plane, template: Plane) -> StepPicture:
    """A slice in MNI space, left, and the template's, right; both on the template's 1 mm grid."""
    pair = np.concatenate([upright(plane), upright(template)], axis=1)
    step = -(-max(plane.shape) // SIDE)
    return StepPicture(contrast, "in MNI space, and the template", _bytes(pair[::step, ::step]))


def _picture(contrast: str, title: str, plane: Plane, spacing: NDArray[np.float64]) -> StepPicture:
    return StepPicture(contrast, title, _bytes(_small(plane, spacing)))


def _small(plane: Plane, spacing: NDArray[np.float64]) -> Plane:
    """A plane (X x Y) upright, true to size, its longer side `SIDE` pixels."""
    size = [count * float(step) for count, step in zip(plane.shape, spacing, strict=True)]
    pitch = max(size) / SIDE
    shape = (max(1, round(size[0] / pitch)), max(1, round(size[1] / pitch)))
    middle = [(n - 1) / 2 * float(s) for n, s in zip(plane.shape, spacing, strict=True)]
    small = resample_slices(
        plane,
        spacing=(float(spacing[0]), float(spacing[1])),
        centre=(middle[0], middle[1]),
        field=(size[0], size[1]),
        shape=shape,
    )
    return np.ascontiguousarray(upright(small))


def _bytes(values: Plane) -> NDArray[np.uint8]:
    return np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
