"""Kappa: weighted between two readers (Cohen 1968), and of many readers at once (Fleiss 1971)."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.readers.bootstrap import UNDEFINED, Clusters, Spread
from popgan.evidence.readers.results import Measure, PairKappa
from popgan.evidence.readers.tables import NONE, Table

Floats = NDArray[np.float64]
METHOD = "cluster bootstrap of images (rescaled), Student's t on Fisher's z, for these readers"


def weighted_kappa(joint: Floats) -> Floats:
    """Cohen's kappa with quadratic weights; with two levels it is the plain one.

    Args:
        joint: (..., L, L) counts: one reader's answer by the other's.

    Returns:
        (...), NaN where both readers give one and the same answer throughout.
    """
    levels = np.arange(joint.shape[-1])
    weight = (levels[:, None] - levels[None, :]) ** 2.0
    total = joint.sum((-1, -2))
    expected = joint.sum(-1)[..., :, None] * joint.sum(-2)[..., None, :]
    seen = (weight * joint).sum((-1, -2)) * total
    chance = (weight * expected).sum((-1, -2))
    ratio = np.divide(seen, chance, out=np.full(np.shape(chance), np.nan), where=chance > 1e-12)
    return 1 - ratio


def fleiss(sums: Floats) -> Floats:
    """Fleiss' kappa from sums over images.

    Args:
        sums: (..., 2 + L): number of images, sum of the shares of agreeing pairs, and how often
            each level was given.

    Returns:
        (...), NaN where only one level was given.
    """
    images, agreeing, counts = sums[..., 0], sums[..., 1], sums[..., 2:]
    total = counts.sum(-1)
    seen = np.divide(agreeing, images, out=np.full(np.shape(images), np.nan), where=images > 0)
    by_chance = np.divide(
        (counts**2).sum(-1), total**2, out=np.ones(np.shape(total)), where=total > 0
    )
    rest = 1 - by_chance
    return np.divide(
        seen - by_chance, rest, out=np.full(np.shape(rest), np.nan), where=rest > 1e-12
    )


def fleiss_sums(counts: Floats) -> Floats:
    """What `fleiss` needs, of each image.

    Args:
        counts: N x L, how many readers gave each level; the same number of readers everywhere.

    Returns:
        N x (2 + L).
    """
    readers = counts.sum(-1, keepdims=True)
    agreeing = (counts * (counts - 1)).sum(-1, keepdims=True) / (readers * (readers - 1))
    return np.concatenate([np.ones_like(agreeing), agreeing, counts], axis=-1)


def joint_counts(first: NDArray[np.int64], second: NDArray[np.int64], levels: int) -> Floats:
    """N x L x L, a single one for each image that both answered."""
    one = (first[:, None] == np.arange(1, levels + 1)).astype(float)
    other = (second[:, None] == np.arange(1, levels + 1)).astype(float)
    return one[:, :, None] * other[:, None, :]


def pairwise(table: Table, clusters: Clusters, levels: int) -> tuple[Measure, list[PairKappa]]:
    """Weighted kappa of every pair of readers, and their mean.

    Args:
        table: answers 1 .. levels.
        clusters: of its rows.
        levels: how many.
    """
    pairs = list(combinations(range(len(table.readers)), 2))
    if not pairs:
        reason = "fewer than two readers to compare"
        return Measure(value=None, n=0, of="images", method=METHOD, reason=reason), []
    sums = np.stack(
        [
            table.sums(joint_counts(table.values[:, i], table.values[:, j], levels))
            for i, j in pairs
        ],
        axis=1,
    )
    counts = sums.sum(axis=(0, 2, 3))
    found = []
    for number, (i, j) in enumerate(pairs):
        spread = clusters.spread(sums[:, number], weighted_kappa)
        found.append(
            PairKappa(
                readers=(table.readers[i], table.readers[j]),
                kappa=measure(spread, int(counts[number])),
            )
        )
    good = [number for number, pair in enumerate(found) if pair.kappa.value is not None]

    def mean(total: Floats) -> Floats:
        return weighted_kappa(total).mean(axis=-1)

    spread = (
        clusters.spread(sums[:, good], mean)
        if good
        else Spread(None, None, 0.0, "every pair gave one answer throughout")
    )
    rows = int(((table.values != NONE).sum(axis=1) > 1).sum())
    return measure(spread, rows), found


def measure(spread: Spread, n: int, of: str = "images") -> Measure:
    """A coefficient of agreement with its interval."""
    reason = spread.reason
    if reason == UNDEFINED:
        reason = "only one answer was given, so there is nothing to agree about"
    return Spread(spread.value, spread.error, spread.freedom, reason).measure(
        n, of, METHOD, scale="fisher", bounds=(-1, 1)
    )
