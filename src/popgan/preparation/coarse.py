"""A volume in blocks of a few millimetres: what fields and positions are estimated on.

Estimation needs the shape of a head and not its detail, and what it may cost must not depend on
what a file claims: however large a volume is, its blocks are few.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_SIDE = 128
"""Blocks along an axis, at most."""
_ROWS = 16  # blocks of the first axis that are added up at a time


@dataclass(frozen=True)
class Blocks:
    """Means over blocks of voxels.

    Attributes:
        values: float32 X' x Y' x Z'.
        size: voxels a block along x, y and z.
        spacing: mm a block along x, y and z.
    """

    values: NDArray[np.float32]
    size: tuple[int, int, int]
    spacing: tuple[float, float, float]

    def affine(self, affine: NDArray[np.float64]) -> NDArray[np.float64]:
        """Block indices to world, from the volume's own affine (4 x 4)."""
        inner = np.diag([*self.size, 1.0])
        inner[:3, 3] = (np.array(self.size) - 1) / 2
        return affine @ inner


def in_blocks(
    data: NDArray[np.float32] | NDArray[np.bool_], spacing: NDArray[np.float64], edge: float
) -> Blocks:
    """Mean values over blocks of about `edge` mm; what is left over at the far ends is dropped.

    Args:
        data: X x Y x Z.
        spacing: mm a voxel.
        edge: mm; a voxel longer than this is a block of its own.
    """
    size = [
        min(side, max(1, round(edge / float(step)), -(-side // MOST_SIDE)))
        for side, step in zip(data.shape, spacing, strict=True)
    ]
    count = [side // block for side, block in zip(data.shape, size, strict=True)]
    values = np.empty(count, np.float32)
    y, z = count[1] * size[1], count[2] * size[2]
    for start in range(0, count[0], _ROWS):
        rows = min(_ROWS, count[0] - start)
        part = data[start * size[0] : (start + rows) * size[0], :y, :z]
        split = part.reshape(rows, size[0], count[1], size[1], count[2], size[2])
        values[start : start + rows] = split.mean(axis=(1, 3, 5), dtype=np.float32)
    edges = [block * float(step) for block, step in zip(size, spacing, strict=True)]
    return Blocks(
        values, (size[0], size[1], size[2]), (float(edges[0]), float(edges[1]), float(edges[2]))
    )
