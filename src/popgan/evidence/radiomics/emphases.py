"""The sixteen features that run lengths and zone sizes have in common, from sparse count matrices.

Both matrices count things (runs, zones) by grey level and size, and IBSI (arXiv 1612.07003,
sections 3.7 and 3.8) gives their features the same formulas under different names.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Counts:
    """Things of N images by grey level and size: four columns, one row a non-empty cell.

    image: 0 .. N-1. level: from 1. size: from 1, pixels. count: how many; no cell occurs twice.
    pixels: N, number of pixels that the things of an image were counted in (a pixel counts once
    for each direction that was looked along).
    """

    image: NDArray[np.int64]
    level: NDArray[np.int64]
    size: NDArray[np.int64]
    count: NDArray[np.int64]
    pixels: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        image: NDArray[np.int64],
        level: NDArray[np.int64],
        size: NDArray[np.int64],
        pixels: NDArray[np.int64],
    ) -> Counts:
        """Counted from one row a thing."""
        sizes, levels = int(size.max(initial=0)) + 1, int(level.max(initial=0)) + 1
        cells, count = np.unique((image * levels + level) * sizes + size, return_counts=True)
        rest, of_size = np.divmod(cells, sizes)
        of_image, of_level = np.divmod(rest, levels)
        return cls(of_image, of_level, of_size, count, pixels)

    def dense(self, levels: int, sizes: int) -> NDArray[np.int64]:
        """N x levels x sizes; cell [n, i - 1, s - 1] counts things of level i and size s."""
        matrix = np.zeros((len(self.pixels), levels, sizes), np.int64)
        matrix[self.image, self.level - 1, self.size - 1] = self.count
        return matrix


def emphases(counts: Counts) -> NDArray[np.float64]:
    """The sixteen features of each image, in the order of IBSI: N x 16.

    Emphasis of small and of large things, of low and of high grey levels, of the four combinations;
    non-uniformity over grey levels and over sizes, each also normalised; things a pixel; variance
    of level and of size; entropy in bits. An image without things gets zeros.
    """
    images = len(counts.pixels)
    level, size = counts.level.astype(np.float64), counts.size.astype(np.float64)
    things = np.bincount(counts.image, counts.count, images)
    share = counts.count / np.maximum(things, 1)[counts.image]

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(counts.image, share * values, images), np.float64)

    def uneven(by: NDArray[np.int64]) -> NDArray[np.float64]:
        classes = int(by.max(initial=0)) + 1
        sums = np.bincount(counts.image * classes + by, share, images * classes)
        # Added one by one, the result does not depend on what else is in the batch.
        owner = np.repeat(np.arange(images), classes)
        return np.asarray(np.bincount(owner, sums**2, images), np.float64)

    low, small = 1 / level**2, 1 / size**2
    high, large = level**2, size**2
    by_level, by_size = uneven(counts.level), uneven(counts.size)
    columns = [
        mean(small),
        mean(large),
        mean(low),
        mean(high),
        mean(small * low),
        mean(small * high),
        mean(large * low),
        mean(large * high),
        by_level * things,
        by_level,
        by_size * things,
        by_size,
        things / np.maximum(counts.pixels, 1),
        mean((level - mean(level)[counts.image]) ** 2),
        mean((size - mean(size)[counts.image]) ** 2),
        mean(-np.log2(share)),
    ]
    return np.stack(columns, axis=1)
