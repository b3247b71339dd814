"""Slices of one series part to volumes: sorted along the normal, gaps and repeats told apart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from popgan.scans.dicom_header import DicomFile, DicomFrame
from popgan.scans.scan import Place

SAME_PLACE = 0.05
"""Slices closer than this (mm) along the normal are at the same place."""
_UNEVEN = 0.02  # share by which distances of slices may differ
_ROUNDING = 0.03  # mm by which written positions may
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Volumes:
    """The slices of a part of a series.

    Attributes:
        volumes: each a list of slices along the normal; complete ones only.
        affine: 4 x 4, voxel indices (column, row, slice) to RAS+ millimetres.
        shape: columns, rows, slices.
        problem: why the slices make no volume, or None.
        missing: slices that are not there, between the first and the last.
        partial: slices of an incomplete last volume, left out.
    """

    volumes: tuple[tuple[Place, ...], ...]
    affine: NDArray[np.float64]
    shape: tuple[int, int, int]
    problem: str | None = None
    missing: int = 0
    partial: int = 0


Pieces = list[tuple[Path, DicomFile, DicomFrame]]


def sort_slices(pieces: Pieces) -> Volumes:
    """Order the frames of one geometry, echo and contrast.

    Args:
        pieces: file and frame of every slice; all of one orientation, size and spacing.
    """
    first = pieces[0]
    row, column = (np.array(first[2].orientation[i : i + 3]) for i in (0, 3))
    row, column = row / np.linalg.norm(row), column / np.linalg.norm(column)
    normal = np.cross(row, column)
    stacks = _stacks(pieces, normal)
    full = max(len(stack) for stack in stacks)
    whole = min(len(stack) for stack in stacks)
    # A time series that was cut off ends in the middle of a volume; what is complete is kept.
    kept = whole if full > 1 else 1
    volumes = tuple(
        tuple(Place(path, frame.index, file.sop) for path, file, frame in volume)
        for volume in zip(*(stack[:kept] for stack in stacks), strict=True)
    )
    positions = np.array([stack[0][2].position for stack in stacks])
    affine = _affine(positions, row, column, first[2].spacing, normal)
    shape = (first[1].columns, first[1].rows, len(stacks))
    problem, missing = _gaps(positions, normal)
    partial = sum(len(stack) - kept for stack in stacks)
    return Volumes(volumes, affine, shape, problem, missing, partial)


def _stacks(pieces: Pieces, normal: NDArray[np.float64]) -> list[Pieces]:
    """Slices by place along the normal; those at one place in the order of acquisition."""
    along = [float(np.dot(frame.position, normal)) for _, _, frame in pieces]
    order = sorted(
        range(len(pieces)),
        key=lambda i: (along[i], pieces[i][1].sop, pieces[i][2].index),
    )
    stacks: list[Pieces] = []
    before = float("-inf")
    for i in order:
        if along[i] - before > SAME_PLACE:
            stacks.append([])
            before = along[i]
        stacks[-1].append(pieces[i])

    def moment(piece: tuple[Path, DicomFile, DicomFrame]) -> tuple[int, int, int, int, str]:
        _, file, frame = piece
        return (frame.time, file.acquisition, file.instance, frame.index, file.sop)

    return [sorted(stack, key=moment) for stack in stacks]


def _affine(
    positions: NDArray[np.float64],
    row: NDArray[np.float64],
    column: NDArray[np.float64],
    spacing: tuple[float, float],
    normal: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Voxel indices to RAS+; the step between slices is that of their positions, shear included."""
    step = normal
    if len(positions) > 1:
        step = (positions[-1] - positions[0]) / (len(positions) - 1)
    affine = np.eye(4)
    affine[:3, 0] = row * spacing[1]
    affine[:3, 1] = column * spacing[0]
    affine[:3, 2] = step
    affine[:3, 3] = positions[0]
    return _LPS_TO_RAS @ affine


def _gaps(positions: NDArray[np.float64], normal: NDArray[np.float64]) -> tuple[str | None, int]:
    """Whether the slices stand evenly on one line; if not, why, and how many are missing."""
    if len(positions) < 2:
        return None, 0
    along = positions @ normal
    steps = np.diff(along)
    usual = float(np.median(steps))
    tolerance = _UNEVEN * usual + _ROUNDING
    odd = steps[np.abs(steps - usual) > tolerance]
    if odd.size:
        times = odd / usual
        whole = np.round(times)
        if np.all(np.abs(times - whole) * usual < 2 * tolerance) and whole.min() >= 2:
            missing = int((whole - 1).sum())
            return f"misses {missing} of {len(positions) + missing} slices", missing
        return f"has uneven distances of slices ({steps.min():.2f} to {steps.max():.2f} mm)", 0
    line = positions[0] + np.outer(
        np.arange(len(positions)), np.mean(np.diff(positions, axis=0), 0)
    )
    if float(np.abs(positions - line).max()) > 0.5 + tolerance:
        return "has slices that do not lie one above the other", 0
    return None, 0
