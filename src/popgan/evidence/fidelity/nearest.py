"""The nearest training image of each synthetic one: a first look for copies, never a clearance.

A generator that copies its training set gets perfect scores everywhere else. If synthetic images
are nearer to training subjects than to as many held-out subjects, something was memorised. The
reverse proves nothing: data that pass such tests have been broken by membership attacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from popgan.evidence.fidelity.prdc import squared_distances
from popgan.evidence.statistics import Replicates, members
from popgan.seeds import numpy_rng

_BLOCK = 1024


@dataclass(frozen=True)
class Nearest:
    """For each of N query images: index of the nearest image and how near it is."""

    index: np.ndarray
    nearness: np.ndarray


def nearest_features(query: np.ndarray, bank: np.ndarray) -> Nearest:
    """Nearest row of bank (M x D) for each row of query (N x D), by Euclidean distance."""
    x, y = np.asarray(query, np.float64), np.asarray(bank, np.float64)
    index, distance = np.empty(len(x), np.int64), np.empty(len(x))
    for start in range(0, len(x), _BLOCK):
        block = squared_distances(x[start : start + _BLOCK], y)
        best = block.argmin(1)
        index[start : start + _BLOCK] = best
        distance[start : start + _BLOCK] = np.sqrt(block[np.arange(len(best)), best])
    return Nearest(index, distance)


def nearest_pixels(query: np.ndarray, bank: np.ndarray) -> Nearest:
    """Most similar image of bank for each of query, by Pearson correlation of all pixels.

    Images are N x C x H x W; a constant image correlates with nothing (0). No alignment is tried,
    so shifted copies are missed here. Memory: 1024 images of each set.
    """
    index, correlation = np.zeros(len(query), np.int64), np.full(len(query), -np.inf)
    for first in range(0, len(bank), _BLOCK):
        y = standardised(bank[first : first + _BLOCK])
        for start in range(0, len(query), _BLOCK):
            block = standardised(query[start : start + _BLOCK]) @ y.T
            best = block.argmax(1)
            found, here = block[np.arange(len(best)), best], slice(start, start + len(best))
            nearer = found > correlation[here]
            index[here] = np.where(nearer, first + best, index[here])
            correlation[here] = np.where(nearer, found, correlation[here])
    return Nearest(index, np.clip(correlation, -1, 1))


def standardised(images: np.ndarray) -> np.ndarray:
    """Images as rows of zero mean and unit length, float32; constant images become zeros."""
    flat = np.asarray(images, np.float32).reshape(len(images), -1)
    flat = flat - flat.mean(1, keepdims=True)
    norm = np.linalg.norm(flat, axis=1, keepdims=True)
    flat /= np.where(norm > 1e-6, norm, np.inf)
    return flat


@dataclass(frozen=True)
class Ratio:
    """d(synthetic -> training) / d(synthetic -> held out), on equally many subjects.

    ratio: geometric mean over images, 1 expected without memorising. share: part of the images
    that are nearer to training subjects, 1/2 expected. Both with replicates; `subjects` on a side.
    """

    ratio: float
    share: float
    ratio_replicates: Replicates
    share_replicates: Replicates
    subjects: int


def train_test_ratio(
    synthetic: np.ndarray,
    train: np.ndarray,
    train_subjects: Sequence[str],
    test: np.ndarray,
    test_subjects: Sequence[str],
    *,
    seed: int = 0,
) -> Ratio:
    """Compare nearness to training and to held-out subjects.

    The more images there are, the nearer the nearest is. So training subjects are cut into blocks
    of as many subjects as are held out, each block is compared with the held-out set, and blocks
    are averaged. For the jackknife the j-th subject of the held-out set AND of every block leave
    together, which keeps both sides equal.

    Args:
        synthetic: S x D features. train: N x D, test: M x D, with a subject name for each row.
    """
    to_train = _to_subjects(synthetic, train, train_subjects)
    to_test = _to_subjects(synthetic, test, test_subjects)
    side = min(to_train.shape[1], to_test.shape[1])
    rng = numpy_rng(seed, "blocks of training subjects")
    test_order = rng.permutation(to_test.shape[1])[:side]
    train_order = rng.permutation(to_train.shape[1])
    blocks = train_order[: len(train_order) // side * side].reshape(-1, side)
    ratio, share = _compare(to_train, to_test, blocks, test_order)
    left = [
        _compare(to_train, to_test, np.delete(blocks, j, 1), np.delete(test_order, j))
        for j in range(side if side > 1 else 0)
    ]
    sizes = np.ones(len(left))
    ratios, shares = np.array(left).reshape(-1, 2).T
    return Ratio(ratio, share, Replicates(ratios, sizes), Replicates(shares, sizes), side)


def _to_subjects(query: np.ndarray, bank: np.ndarray, subjects: Sequence[str]) -> np.ndarray:
    """Distance of each query row to the nearest row of each subject, N x subjects."""
    names, member = members(subjects)
    rows = np.argsort(member, kind="stable")
    starts = np.searchsorted(member[rows], np.arange(len(names)))
    x, y = np.asarray(query, np.float64), np.asarray(bank, np.float64)[rows]
    found = np.empty((len(x), len(names)))
    for start in range(0, len(x), _BLOCK):
        block = squared_distances(x[start : start + _BLOCK], y)
        found[start : start + _BLOCK] = np.sqrt(np.minimum.reduceat(block, starts, axis=1))
    return found


def _compare(
    to_train: np.ndarray, to_test: np.ndarray, blocks: np.ndarray, test_order: np.ndarray
) -> tuple[float, float]:
    held_out = np.maximum(to_test[:, test_order].min(1), 1e-12)
    train = np.stack([to_train[:, block].min(1) for block in blocks], 1)
    logs = np.log(np.maximum(train, 1e-12) / held_out[:, None])
    nearer = (logs < 0) + 0.5 * (logs == 0)
    return float(np.exp(logs.mean())), float(nearer.mean())
