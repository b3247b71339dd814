"""Agreement of readers with themselves, on the cases that they saw twice without knowing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.readers.bootstrap import Spread
from popgan.evidence.readers.kappa import joint_counts, measure, weighted_kappa
from popgan.evidence.readers.results import Repeatability
from popgan.evidence.readers.shares import share
from popgan.evidence.readers.tables import NONE, Table

Floats = NDArray[np.float64]


def repeatability(
    first: Table, second: Table, criterion: str, levels: int, *, seed: int, replicates: int
) -> list[Repeatability]:
    """Agreement of first answers with those to the repeats: all readers, then each.

    Args:
        first, second: tables of the same rows and readers.
        criterion: name of what was asked.
        levels: of the answers; two are yes and no.
        seed: of the bootstrap.
        replicates: of the bootstrap.

    Returns:
        Nothing where nobody repeated anything.
    """
    second = _aligned(second, first)
    both = (first.values != NONE) & (second.values != NONE)
    if not both.any():
        return []
    found = [_one(first, second, both, None, criterion, levels, seed, replicates)]
    for column in np.flatnonzero(both.any(axis=0)):
        alone = both & (np.arange(both.shape[1]) == column)
        name = first.readers[column]
        found.append(_one(first, second, alone, name, criterion, levels, seed, replicates))
    return found


def _aligned(table: Table, like: Table) -> Table:
    """The same table with another's rows; forced choice lists pairs that were answered only."""
    place = {row: i for i, row in enumerate(table.rows)}
    values = np.full(like.values.shape, NONE, dtype=np.int64)
    for i, row in enumerate(like.rows):
        if row in place:
            values[i] = table.values[place[row]]
    return Table(like.rows, like.sources, like.clusters, like.readers, values)


def _one(
    first: Table,
    second: Table,
    both: NDArray[np.bool_],
    reader: str | None,
    criterion: str,
    levels: int,
    seed: int,
    replicates: int,
) -> Repeatability:
    rows = np.flatnonzero(both.any(axis=1))
    table = first.pick(rows)
    # Few repeats of a source would leave strata of one image, so all are drawn from together.
    clusters = tuple(f"{s}/{c}" for s, c in zip(table.sources, table.clusters, strict=True))
    table = Table(table.rows, ("repeats",) * len(rows), clusters, table.readers, table.values)
    there = both[rows]
    one, other = first.values[rows], second.values[rows]
    distance = np.abs(one - other)
    n = int(there.sum())
    counts = table.sums(there.sum(axis=1).astype(float))
    exact = table.sums(((distance == 0) & there).sum(axis=1).astype(float))
    near = table.sums(((distance <= 1) & there).sum(axis=1).astype(float))
    cells = np.zeros((len(rows), levels, levels))
    for column in range(there.shape[1]):
        seen = np.where(there[:, column], one[:, column], NONE)
        again = np.where(there[:, column], other[:, column], NONE)
        cells += joint_counts(seen, again, levels)
    resampler = table.resampler(replicates=replicates, seed=seed, purpose=f"repeats {reader}")
    spread: Spread = resampler.spread(table.sums(cells), weighted_kappa)
    return Repeatability(
        criterion=criterion,
        reader=reader,
        exact=share(exact, counts).measure("repeats"),
        within_one=None if levels == 2 else share(near, counts).measure("repeats"),
        kappa=measure(spread, n, "repeats"),
    )
