"""The most alike two of 64 images: does the set repeat itself?

Mean similarity (MS-SSIM) looks at the middle of all pairs; a user who leafs through a data set
notices its end, two images that look the same. The measure is the Pearson correlation of all
pixels of the most alike pair among 64 random images, averaged over disjoint sets of 64. Real
slices have near twins too, neighbours within one subject: the same number of random training
images is the value to compare with.
"""

from __future__ import annotations

import numpy as np

from popgan.evidence.fidelity.nearest import standardised
from popgan.seeds import numpy_rng

SET = 64
FLOOR_SETS = 50


def most_alike(images: np.ndarray) -> float:
    """Correlation of the most alike pair of images, N x C x H x W, N >= 2; in [-1, 1].

    Images without any structure are all alike: a pair of them counts as 1.
    """
    flat = standardised(images)
    empty = ~flat.any(1)
    correlation = flat @ flat.T
    correlation[np.ix_(empty, empty)] = 1
    np.fill_diagonal(correlation, -1)
    return float(np.clip(correlation.max(), -1, 1))


def disjoint_sets(count: int, size: int, *, seed: int) -> list[np.ndarray]:
    """As many disjoint random sets of `size` indices below `count` as there are."""
    order = numpy_rng(seed, "sets of synthetic images").permutation(count)
    return [order[start : start + size] for start in range(0, count - size + 1, size)]


def random_sets(count: int, size: int, sets: int, *, seed: int) -> list[np.ndarray]:
    """`sets` random sets of `size` different indices below `count`; the sets may overlap."""
    rng = numpy_rng(seed, "sets of real images")
    return [rng.permutation(count)[:size] for _ in range(sets)]


def most_alike_of_sets(images: np.ndarray, sets: list[np.ndarray]) -> np.ndarray:
    """`most_alike` of each set of indices."""
    return np.array([most_alike(images[np.sort(chosen)]) for chosen in sets])
