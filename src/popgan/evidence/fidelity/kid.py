"""Kernel distance between two sets of features: the unbiased squared MMD, all pairs, exact.

Binkowski et al. 2018, "Demystifying MMD GANs": k(x, y) = (x.y / d + 1)^3. The published score
averages random subsets; here every pair is used, which removes the seed and the noise of the
draw. Being unbiased, it is expected to be 0 for two samples of one distribution (and may come
out slightly negative) however small they are: that is why it is the headline.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from popgan.evidence.statistics import Replicates

_BLOCK = 1024


@dataclass(frozen=True)
class KernelSums:
    """All that KID and its jackknife need of one sample pair: kernel sums between groups.

    between: G x H sums of k(x, y) over x in group g, y in group h. diagonal: G sums of k(x, x)
    (zero for two different samples).
    """

    between: np.ndarray
    diagonal: np.ndarray


def kernel_sums(
    x: np.ndarray, x_groups: np.ndarray, y: np.ndarray | None = None, y_groups: object = None
) -> KernelSums:
    """Sums of the cubic kernel between groups, block by block (memory: 1024 x 1024 numbers).

    Args:
        x: N x D features. x_groups: N group numbers.
        y: M x D features, or None for x against itself. y_groups: M group numbers.
    """
    same = y is None
    first, first_hot = np.asarray(x, np.float64), _one_hot(x_groups)
    second, second_hot = (
        (first, first_hot) if y is None else (np.asarray(y, np.float64), _one_hot(y_groups))
    )
    sums = np.zeros((first_hot.shape[1], second_hot.shape[1]))
    dimension = first.shape[1]
    for i in range(0, len(first), _BLOCK):
        rows = slice(i, i + _BLOCK)
        # Against itself the matrix is symmetric: the blocks above the diagonal are enough.
        for j in range(i if same else 0, len(second), _BLOCK):
            columns = slice(j, j + _BLOCK)
            kernel = first[rows] @ second[columns].T
            kernel /= dimension
            kernel += 1
            kernel *= kernel * kernel  # much faster than a power
            block = first_hot[rows].T @ kernel @ second_hot[columns]
            sums += block + block.T if same and j > i else block
    if not same:
        return KernelSums(sums, np.zeros(len(sums)))
    own = (np.einsum("ij,ij->i", first, first) / dimension + 1) ** 3
    return KernelSums(sums, first_hot.T @ own)


def kid(x: np.ndarray, y: np.ndarray) -> float:
    """Unbiased squared MMD between features x (N x D) and y (M x D); N, M >= 2."""
    x_groups, y_groups = np.zeros(len(x), int), np.zeros(len(y), int)
    return kid_with_replicates(x, x_groups, y, y_groups)[0]


def kid_with_replicates(
    x: np.ndarray, x_groups: np.ndarray, y: np.ndarray, y_groups: np.ndarray
) -> tuple[float, Replicates, Replicates]:
    """KID, and KID without each group of x and without each group of y.

    The replicates come from the same kernel sums by subtraction, so twenty of them cost nothing.

    Args:
        x: N x D. x_groups: N integers 0 .. G-1, y and y_groups alike.
    """
    xx, yy = kernel_sums(x, x_groups), kernel_sums(y, y_groups)
    xy = kernel_sums(x, x_groups, y, y_groups).between
    n = np.bincount(np.asarray(x_groups))
    m = np.bincount(np.asarray(y_groups))
    mean_xx, mean_yy = _within(xx, n), _within(yy, m)
    value = mean_xx[0] + mean_yy[0] - 2 * xy.sum() / (n.sum() * m.sum())
    left_x = mean_xx[1] + mean_yy[0]
    left_y = mean_xx[0] + mean_yy[1]
    with np.errstate(invalid="ignore", divide="ignore"):  # a single group leaves nothing behind
        left_x = left_x - 2 * (xy.sum() - xy.sum(1)) / ((n.sum() - n) * m.sum())
        left_y = left_y - 2 * (xy.sum() - xy.sum(0)) / ((m.sum() - m) * n.sum())
    return float(value), Replicates(left_x, n), Replicates(left_y, m)


def _within(sums: KernelSums, sizes: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean of k over pairs of different items: of all, and without each group."""
    between, diagonal = sums.between, sums.diagonal
    count = int(sizes.sum())
    total = between.sum() - diagonal.sum()
    touching = between.sum(0) + between.sum(1) - np.diag(between) - diagonal
    rest = count - sizes
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(total / (count * (count - 1))), (total - touching) / (rest * (rest - 1))


def _one_hot(groups: object) -> np.ndarray:
    numbers = np.asarray(groups)
    return np.eye(int(numbers.max()) + 1)[numbers]
