"""Several models against each other: Friedman's test with Holm's post-hoc comparisons.

A block is one image of each model, put together at random, with each image's mean score over
readers. Readers are no blocks here: all of them see the same images, so a model whose images happen
to be good would be good in every block at once, and the test would take the luck of the draw for a
difference; and five readers cannot reach p < 0.05 in a signed-rank test at all. Images are
independent draws of their model, so under the null hypothesis every order within a block is equally
likely, which is what Friedman's test needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.readers.holm import with_holm
from popgan.evidence.readers.results import ModelComparison, ModelPair, Test
from popgan.evidence.readers.tables import NONE, Table
from popgan.seeds import numpy_rng

Floats = NDArray[np.float64]
LEAST = 6  # blocks: with fewer, no signed-rank test can reach 5 %
METHOD = (
    "Friedman's test; a block is one image of each model, put together at random, with its mean "
    "score over readers"
)


def friedman(blocks: Floats) -> tuple[float, float] | None:
    """Friedman's chi-square, corrected for ties, and its p; None if all values of a block tie.

    Args:
        blocks: B x K values, one row a block.
    """
    from scipy.special import chdtrc
    from scipy.stats import rankdata

    count, kinds = blocks.shape
    ranks = rankdata(blocks, axis=1)
    spread = float((ranks**2).sum() - count * kinds * (kinds + 1) ** 2 / 4)
    if spread <= 1e-12:
        return None
    sums = ranks.sum(axis=0)
    between = float(((sums - count * (kinds + 1) / 2) ** 2).sum())
    statistic = (kinds - 1) * between / spread
    return statistic, float(chdtrc(kinds - 1, statistic))


def comparison(
    table: Table, criterion: str, models: Sequence[str], *, seed: int
) -> ModelComparison:
    """Whether models differ on one criterion, and which.

    Args:
        table: scores of all cases.
        criterion: its name.
        models: two or more.
        seed: of the blocks.
    """
    blocks = _blocks(table, models, seed)
    count = len(blocks)
    reason = None
    if count < LEAST:
        reason = f"{count} images a model with scores of the same readers; {LEAST} are needed"
    found = None if reason else friedman(blocks)
    if found is None:
        reason = reason or "within every block all models have the same score"
        test = Test(statistic=None, p=None, n=count, of="blocks", method=METHOD, reason=reason)
    else:
        method = f"{METHOD}; Holm over criteria"
        test = Test(statistic=found[0], p=found[1], n=count, of="blocks", method=method)
    tests = []
    for i, j in combinations(range(len(models)), 2):
        tests.append(_signed_ranks(blocks[:, i] - blocks[:, j], reason))
    means = blocks.mean(axis=0) if count else None
    return ModelComparison(
        criterion=criterion,
        test=test,
        kendall_w=found[0] / (count * (len(models) - 1)) if found else None,
        pairs=[
            ModelPair(
                first=models[i],
                second=models[j],
                difference=None if means is None else float(means[i] - means[j]),
                test=adjusted,
            )
            for (i, j), adjusted in zip(
                combinations(range(len(models)), 2), with_holm(tests), strict=True
            )
        ],
    )


def _blocks(table: Table, models: Sequence[str], seed: int) -> Floats:
    """Mean scores, blocks x models, of images that all readers with enough answers scored."""
    table = table.by(table.steady()).only(models).answered()
    whole = (table.values != NONE).all(axis=1) if table.rows else np.zeros(0, dtype=bool)
    columns = []
    for model in models:
        rows = np.array([s == model for s in table.sources], dtype=bool) & whole
        means = table.values[rows].mean(axis=1) if rows.any() else np.zeros(0)
        columns.append(numpy_rng(seed, f"blocks of images of {model}").permutation(means))
    count = min(len(column) for column in columns)
    return np.column_stack([column[:count] for column in columns])


def _signed_ranks(differences: Floats, reason: str | None) -> Test:
    from scipy.stats import wilcoxon

    method = (
        "Wilcoxon's signed ranks on blocks, normal approximation where values tie; Holm over pairs "
        "of models"
    )
    n = len(differences)
    if reason is None and not np.any(np.abs(differences) > 1e-12):
        reason = "the two models have the same score in every block"
    if reason:
        return Test(statistic=None, p=None, n=n, of="blocks", method=method, reason=reason)
    # Means of scores that are equal may differ in the last bit.
    differences = np.round(differences, 9)
    sizes = np.abs(differences)
    # Exact where scipy has a table; with ties or noughts it would try all 2^n signs.
    whole = bool((sizes > 0).all()) and len(np.unique(sizes)) == n
    found = wilcoxon(differences, method="exact" if whole and n <= 50 else "asymptotic")
    return Test(
        statistic=float(found.statistic), p=float(found.pvalue), n=n, of="blocks", method=method
    )
