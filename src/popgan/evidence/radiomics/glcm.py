"""Grey level co-occurrence matrix: which grey levels are neighbours of which.

Haralick, Shanmugam & Dinstein 1973; features of the IBSI reference manual (arXiv 1612.07003,
section 3.6): symmetric, at Chebyshev distance 1, logarithms to base 2.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.radiomics.discretise import Levels

DIRECTIONS = (0, 45, 90, 135)
NAMES = (
    "joint maximum",
    "joint average",
    "joint variance",
    "joint entropy",
    "difference average",
    "difference variance",
    "difference entropy",
    "sum average",
    "sum variance",
    "sum entropy",
    "angular second moment",
    "contrast",
    "dissimilarity",
    "inverse difference",
    "normalised inverse difference",
    "inverse difference moment",
    "normalised inverse difference moment",
    "inverse variance",
    "correlation",
    "autocorrelation",
    "cluster tendency",
    "cluster shade",
    "cluster prominence",
    "information correlation 1",
    "information correlation 2",
)
# Direction in degrees, counterclockwise, to the slices of a pixel and of its neighbour.
_NEIGHBOURS = {
    0: (np.s_[:, :, :-1], np.s_[:, :, 1:]),
    45: (np.s_[:, 1:, :-1], np.s_[:, :-1, 1:]),
    90: (np.s_[:, 1:], np.s_[:, :-1]),
    135: (np.s_[:, 1:, 1:], np.s_[:, :-1, :-1]),
}
Matrices = NDArray[np.int64]


def matrices(levels: Levels, grey: int) -> Matrices:
    """Numbers of neighbouring pairs, N x 4 x grey x grey, each pair counted both ways.

    Args:
        levels: N x H x W, 0 outside of the region; only pairs inside of it count.
        grey: number of grey levels, at least the highest that occurs.

    Returns:
        cell [n, d, i - 1, j - 1] counts pairs of level i with j in direction `DIRECTIONS[d]`.
    """
    side = grey + 1
    found = np.empty((len(levels), len(DIRECTIONS), grey, grey), np.int64)
    base = (np.arange(len(levels)) * side)[:, None, None]
    for place, (here, there) in enumerate(_NEIGHBOURS[way] for way in DIRECTIONS):
        cells = (base + levels[here]) * side + levels[there]
        count = np.bincount(cells.ravel(), minlength=len(levels) * side**2)
        inside = count.reshape(-1, side, side)[:, 1:, 1:]
        found[:, place] = inside + inside.transpose(0, 2, 1)
    return found


def features(levels: Levels, grey: int) -> NDArray[np.float64]:
    """Features of the matrix merged over four directions, N x 25 in the order of `NAMES`.

    IBSI: "2D, slice-merged" with one slice. A region of one level has correlation 1 and no
    entropy; a region without neighbouring pixels gets zeros.
    """
    return describe(matrices(levels, grey).sum(1))


def averaged(levels: Levels, grey: int) -> NDArray[np.float64]:
    """Mean over four directions of the features of each one's own matrix. IBSI: "2D, averaged"."""
    found = matrices(levels, grey)
    every = describe(found.reshape(-1, grey, grey)).reshape(len(levels), len(DIRECTIONS), -1)
    return every.mean(1)


def describe(counts: Matrices) -> NDArray[np.float64]:
    """The 25 features of symmetric matrices of counts N x G x G; zeros where there is no pair."""
    grey = counts.shape[-1]
    flat = counts.reshape(len(counts), -1).astype(np.float64)
    total = flat.sum(1)
    flat /= np.maximum(total, 1)[:, None]
    levels, sums = np.arange(1, grey + 1), np.arange(2, 2 * grey + 1)
    weight = _weights(grey)
    plain = flat @ weight["plain"]
    marginal = flat.reshape(counts.shape).sum(2)
    difference, of_sum = flat @ weight["difference"], flat @ weight["sum"]
    mean = marginal @ levels
    variance = _spread(marginal, levels, mean)
    step, entropy, joint = difference @ np.arange(grey), _bits(marginal), _bits(flat)
    about = sums - 2 * mean[:, None]  # i + j - 2 mean
    flat_region = variance <= 1e-12
    correlation = (plain[:, 6] - mean**2) / np.where(flat_region, 1, variance)
    # Both marginals are one, so HXY1 = HXY2 = 2 HX.
    excess = np.maximum(2 * entropy - joint, 0)
    columns = [
        flat.max(1),
        mean,
        variance,
        joint,
        step,
        _spread(difference, np.arange(grey), step),
        _bits(difference),
        2 * mean,
        _spread(of_sum, sums, 2 * mean),
        _bits(of_sum),
        (flat**2).sum(1),
        plain[:, 0],
        step,
        *plain[:, 1:6].T,
        np.where(flat_region, 1, correlation),
        plain[:, 6],
        *((of_sum * about**power).sum(1) for power in (2, 3, 4)),
        -excess / np.where(entropy > 0, entropy, 1),
        np.sqrt(1 - np.exp(-2 * excess)),
    ]
    return np.stack(columns, axis=1) * (total > 0)[:, None]


def _spread(
    share: NDArray[np.float64], value: NDArray[np.int64], mean: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Variance of `value` under each row of shares."""
    return (share * (value - mean[:, None]) ** 2).sum(1)


def _bits(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Entropy of each row."""
    return -(share * np.log2(np.where(share > 0, share, 1))).sum(1)


@lru_cache(maxsize=8)
def _weights(grey: int) -> dict[str, NDArray[np.float64]]:
    """What a cell (i, j) adds to the features that are plain sums over cells, and to |i-j|, i+j."""
    i, j = (axis.ravel() for axis in np.meshgrid(*[np.arange(1, grey + 1)] * 2, indexing="ij"))
    gap = np.abs(i - j).astype(np.float64)
    plain = [
        gap**2,
        1 / (1 + gap),
        1 / (1 + gap / grey),
        1 / (1 + gap**2),
        1 / (1 + gap**2 / grey**2),
        np.where(gap > 0, 1 / np.maximum(gap, 1) ** 2, 0),
        (i * j).astype(np.float64),
    ]
    return {
        "plain": np.stack(plain, axis=1),
        "difference": np.eye(grey)[gap.astype(np.int64)],
        "sum": np.eye(2 * grey - 1)[i + j - 2],
    }
