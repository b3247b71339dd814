"""Kernel distance between two sets of features: the unbiased squared MMD, all pairs, exact.

Binkowski et al. 2018, "Demystifying MMD GANs": k(x, y) = (x.y / d + 1)^3. The published score
averages random subsets; here every pair is used, which removes the seed and the noise of the
draw. Being unbiased, it is expected to be 0 for two samples of one distribution (and may come
out slightly negative) however small they are: that is why it is the headline.

That holds for independent items. Slices of one patient are not: they are more alike than slices of
two patients, so pairs of one patient would make every set of patients seem further away, the more
so the fewer there are. Told the owners, the mean within a set is over pairs of different owners.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from popgan.evidence.statistics import Replicates

_BLOCK = 1024
Numbers = np.ndarray | int | float


@dataclass(frozen=True)
class KernelSums:
    """All that KID and its jackknife need of one sample pair: kernel sums between groups.

    between: G x H sums of k(x, y) over x in group g, y in group h. diagonal: G sums of k(x, x).
    own: G sums over all pairs of one owner, x with itself included. pairs: G, how many these are.
    The last three are zero for two different samples.
    """

    between: np.ndarray
    diagonal: np.ndarray
    own: np.ndarray
    pairs: np.ndarray


def kernel_sums(
    x: np.ndarray,
    x_groups: np.ndarray,
    y: np.ndarray | None = None,
    y_groups: object = None,
    *,
    owners: np.ndarray | None = None,
) -> KernelSums:
    """Sums of the cubic kernel between groups, block by block (memory: 1024 x 1024 numbers).

    Args:
        x: N x D features. x_groups: N group numbers.
        y: M x D features, or None for x against itself. y_groups: M group numbers.
        owners: N, whose x each is; nobody is in two groups. By default all are independent.
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
        none = np.zeros(len(sums))
        return KernelSums(sums, none, none, none)
    diagonal = first_hot.T @ (np.einsum("ij,ij->i", first, first) / dimension + 1) ** 3
    if owners is None:
        return KernelSums(sums, diagonal, diagonal, first_hot.sum(0))
    return KernelSums(sums, diagonal, *_own(first, np.asarray(x_groups), np.asarray(owners)))


def _own(x: np.ndarray, groups: np.ndarray, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums over pairs of one owner in each group, and how many there are."""
    count = int(groups.max()) + 1
    sums, pairs = np.zeros(count), np.zeros(count)
    for owner in np.unique(owners):
        rows = np.flatnonzero(owners == owner)
        group = int(groups[rows[0]])
        sums[group] += ((x[rows] @ x[rows].T / x.shape[1] + 1) ** 3).sum()
        pairs[group] += len(rows) ** 2
    return sums, pairs


def kid(
    x: np.ndarray,
    y: np.ndarray,
    *,
    x_owners: np.ndarray | None = None,
    y_owners: np.ndarray | None = None,
) -> float:
    """Unbiased squared MMD between features x (N x D) and y (M x D); N, M >= 2.

    Args:
        x_owners, y_owners: whose each item is; by default all are independent.
    """
    x_groups, y_groups = np.zeros(len(x), int), np.zeros(len(y), int)
    return kid_with_replicates(x, x_groups, y, y_groups, x_owners=x_owners, y_owners=y_owners)[0]


def kid_with_replicates(
    x: np.ndarray,
    x_groups: np.ndarray,
    y: np.ndarray,
    y_groups: np.ndarray,
    *,
    x_owners: np.ndarray | None = None,
    y_owners: np.ndarray | None = None,
) -> tuple[float, Replicates, Replicates]:
    """KID, and KID without each group of x and without each group of y.

    The replicates come from the same kernel sums by subtraction, so twenty of them cost nothing.
    Where one owner is left, pairs are his own; where one item is left, there is no pair, and the
    mean within is that of the whole set.

    Args:
        x: N x D. x_groups: N integers 0 .. G-1. x_owners: N, whose each is, all items of one in
            the same group; by default all are independent. y, y_groups and y_owners alike.
    """
    xx, yy = kernel_sums(x, x_groups, owners=x_owners), kernel_sums(y, y_groups, owners=y_owners)
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
    """Mean of k over pairs of different owners: of all, and without each group."""
    between = sums.between
    total = between.sum()
    touching = between.sum(0) + between.sum(1) - np.diag(between)
    count, rest = int(sizes.sum()), sizes.sum() - sizes
    own, pairs, alone = sums.own.sum(), sums.pairs.sum(), sums.diagonal.sum()
    whole = float(_mean(total, count**2, own, pairs, alone, count))
    left = _mean(
        total - touching, rest**2, own - sums.own, pairs - sums.pairs, alone - sums.diagonal, rest
    )
    return whole, np.where(rest > 1, left, whole)


def _mean(
    total: Numbers, pairs: Numbers, own: Numbers, own_pairs: Numbers, alone: Numbers, items: Numbers
) -> np.ndarray:
    """Mean over pairs of different owners; of different items where one owner is left."""
    several = np.asarray(pairs) > own_pairs
    with np.errstate(invalid="ignore", divide="ignore"):
        left = np.where(several, own, alone), np.where(several, own_pairs, items)
        return np.asarray((total - left[0]) / (pairs - left[1]))


def _one_hot(groups: object) -> np.ndarray:
    numbers = np.asarray(groups)
    return np.eye(int(numbers.max()) + 1)[numbers]
