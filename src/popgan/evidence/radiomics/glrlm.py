"""Grey level run length matrix: how long one goes on along a line without a change of grey level.

Galloway 1975; features of the IBSI reference manual (arXiv 1612.07003, section 3.7).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.radiomics.discretise import Levels
from popgan.evidence.radiomics.emphases import Counts, emphases

DIRECTIONS = (0, 45, 90, 135)
NAMES = (
    "short runs emphasis",
    "long runs emphasis",
    "low grey level run emphasis",
    "high grey level run emphasis",
    "short run low grey level emphasis",
    "short run high grey level emphasis",
    "long run low grey level emphasis",
    "long run high grey level emphasis",
    "grey level non-uniformity",
    "normalised grey level non-uniformity",
    "run length non-uniformity",
    "normalised run length non-uniformity",
    "run percentage",
    "grey level variance",
    "run length variance",
    "run entropy",
)


def run_counts(levels: Levels, directions: tuple[int, ...] = DIRECTIONS) -> Counts:
    """Runs along the given directions, all in one matrix ("merged" where there are several).

    Args:
        levels: N x H x W, 0 outside of the region; a run ends where the region does.
        directions: out of 0 (along rows), 45, 90, 135 degrees, counterclockwise.
    """
    images = len(levels)
    flat = levels.reshape(images, -1)
    closed = np.concatenate([flat, np.zeros((images, 1), flat.dtype)], axis=1)
    grey, longest = int(levels.max(initial=0)) + 1, max(levels.shape[1:]) + 1
    total = np.zeros(images * grey * longest, np.int64)
    for direction in directions:
        order = _lines(*levels.shape[1:])[direction]
        line = closed[:, order].ravel()
        starts = np.flatnonzero(line[1:] != line[:-1]) + 1
        starts = np.concatenate([np.zeros(1, np.int64), starts])
        length = np.diff(starts, append=len(line))
        level = line[starts].astype(np.int64)
        real = level > 0  # what is left are separators and pixels outside, maybe of several images
        image = starts[real] // len(order)
        cells = (image * grey + level[real]) * longest + length[real]
        total += np.bincount(cells, minlength=len(total))
    found = np.flatnonzero(total)
    image, level, length = np.unravel_index(found, (images, grey, longest))
    pixels = np.count_nonzero(flat, axis=1) * len(directions)
    return Counts(image, level, length, total[found], pixels)


def features(levels: Levels) -> NDArray[np.float64]:
    """Features of the matrix merged over four directions, N x 16 in the order of `NAMES`.

    An empty region gets zeros. IBSI: "2D, slice-merged" with one slice.
    """
    return emphases(run_counts(levels))


def averaged(levels: Levels) -> NDArray[np.float64]:
    """Mean over four directions of the features of each one's own matrix. IBSI: "2D, averaged"."""
    return np.mean([emphases(run_counts(levels, (way,))) for way in DIRECTIONS], axis=0)


@lru_cache(maxsize=16)
def _lines(height: int, width: int) -> dict[int, NDArray[np.int64]]:
    """For each direction the flat places of all pixels line by line, each line closed by H W."""
    places = np.arange(height * width).reshape(height, width)

    def chain(lines: list[NDArray[np.int64]]) -> NDArray[np.int64]:
        return np.concatenate([np.append(line, height * width) for line in lines])

    offsets = range(1 - height, width)
    return {
        0: chain(list(places)),
        45: chain([places[::-1].diagonal(k) for k in offsets]),
        90: chain(list(places.T)),
        135: chain([places.diagonal(k) for k in offsets]),
    }
