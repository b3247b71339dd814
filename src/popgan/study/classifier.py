"""Can a label be told from numbers? Cross-validated, against labels that were shuffled.

Two classifiers are tried, both linear in the labels: ridge regression, which is linear
discriminant analysis with a shrunken covariance, and its kernel form, which sees any smooth
pattern. Being linear in the labels, each is a matrix that is made once; a thousand shuffled
labellings then cost one product. So the null distribution of the cross-validated AUC is known
exactly and not by a formula: such AUCs are not centred on 0.5 and not independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.stats import rankdata

Floats = NDArray[np.float64]

FOLDS = 5
_RIDGE = 0.1  # of the number of rows, with features of variance 1
_NOISE = 1.0  # of the kernel form: as much as the signal


@dataclass(frozen=True)
class Table:
    """Numbers about things that belong to cases.

    Attributes:
        name: what they are.
        features: n x p.
        cases: of each row, the place of its case.
    """

    name: str
    features: Floats
    cases: NDArray[np.intp]


def informative(features: Floats) -> Floats:
    """Columns that vary, without copies of each other: the rest tells nothing."""
    features = np.asarray(features, np.float64).reshape(len(features), -1)
    varying = features[:, np.ptp(features, axis=0) > 0] if len(features) else features[:, :0]
    _, first = np.unique(varying, axis=1, return_index=True)
    return varying[:, np.sort(first)]


def fold_of(
    units: NDArray[np.intp], rng: np.random.Generator, folds: int = FOLDS
) -> NDArray[np.intp]:
    """Which fold each row is in: rows of one unit together, units at random."""
    names, place = np.unique(units, return_inverse=True)
    return rng.permutation(np.arange(len(names)) % folds)[place]


def scores(
    features: Floats, folds: NDArray[np.intp], labels: NDArray[np.bool_], kernel: bool
) -> Floats:
    """Out-of-fold scores of rows for many labellings at once.

    Args:
        features: n x p.
        folds: n numbers.
        labels: n x B; each column is one labelling.
        kernel: the kernel form instead of the linear one.

    Returns:
        n x B; higher where the label is more likely.
    """
    found = np.zeros(labels.shape)
    for fold in np.unique(folds):
        test = folds == fold
        if test.all():
            continue
        smoother = _smoother(features[~test], features[test], kernel)
        found[test] = smoother @ _targets(labels[~test])
    return found


def _smoother(train: Floats, test: Floats, kernel: bool) -> Floats:
    centre, spread = train.mean(0), train.std(0)
    spread[spread == 0] = 1
    train, test = (train - centre) / spread, (test - centre) / spread
    n, p = train.shape
    if not kernel:
        return test @ np.linalg.solve(train.T @ train + _RIDGE * n * np.eye(p), train.T)
    width = 2.0 * p
    gram = np.exp(-_distances(train, train) / width) + _NOISE * np.eye(n)
    across = np.exp(-_distances(test, train) / width)
    return cho_solve(cho_factor(gram, check_finite=False), across.T, check_finite=False).T


def _distances(a: Floats, b: Floats) -> Floats:
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    return np.maximum(squared, 0)


def _targets(labels: NDArray[np.bool_]) -> Floats:
    """What is regressed on: both classes weigh the same, however many they are."""
    ones = labels.sum(0)
    zeros = len(labels) - ones
    return labels / np.maximum(ones, 1) - ~labels / np.maximum(zeros, 1)


def auc(values: Floats, labels: NDArray[np.bool_]) -> Floats:
    """Area under the ROC curve of every column; ties count half; 0.5 where a class is missing."""
    # Rounded, so that equal features are ties whatever the last bit of their sums is.
    ranks = rankdata(np.round(values / (np.abs(values).max() or 1), 10), axis=0)
    ones = labels.sum(0).astype(float)
    zeros = len(labels) - ones
    with np.errstate(divide="ignore", invalid="ignore"):
        area = ((ranks * labels).sum(0) - ones * (ones + 1) / 2) / (ones * zeros)
    return np.where((ones > 0) & (zeros > 0), area, 0.5)


@dataclass(frozen=True)
class Shuffled:
    """A statistic of the true labels and of shuffled ones.

    Attributes:
        name: what it is about.
        rows: how many it rests on.
        values: the true one first.
    """

    name: str
    rows: int
    values: Floats

    @property
    def centred(self) -> float:
        """The true value, its bias taken off: 0.5 is chance."""
        return float(self.values[0] - self.values.mean() + 0.5)

    @property
    def spread(self) -> float:
        """Standard deviation by chance."""
        return float(self.values.std())

    @property
    def deviations(self) -> Floats:
        """Distance of all values from chance, in standard deviations; 0 where there are none."""
        spread = self.spread
        if spread < 1e-12:
            return np.zeros(len(self.values))
        # All labellings are treated alike, the true one too: that makes ranks of these exact.
        return np.abs(self.values - self.values.mean()) / spread


def judge(
    table: Table, labels: NDArray[np.bool_], units: NDArray[np.intp], rng: np.random.Generator
) -> list[Shuffled]:
    """Both classifiers on a table; nothing where no column varies.

    Args:
        table: the numbers.
        labels: n x (1 + B), of the rows; the true labelling first.
        units: of each row, what must not be parted between folds.
        rng: of the folds.
    """
    features = informative(table.features)
    if not features.shape[1] or not len(features):
        return []
    folds = fold_of(units, rng)
    return [
        Shuffled(table.name, len(features), auc(scores(features, folds, labels, kernel), labels))
        for kernel in (False, True)
    ]


def together(found: Sequence[Shuffled], level: float) -> tuple[float, float]:
    """What the largest of several deviations is by chance.

    Args:
        found: statistics of the same shuffled labellings.
        level: probability of an error in the whole family.

    Returns:
        Deviations beyond which the interval of a statistic leaves out chance, all intervals
        together being right with 1 - level; and the probability of what was found, by chance.
    """
    if not found:
        return np.inf, 1.0
    largest = np.max([one.deviations for one in found], axis=0)
    count = len(largest)
    # The true labelling is one of `count` equally likely ones.
    place = int(np.floor(level * count))
    limit = np.inf if place < 1 else float(np.sort(largest[1:])[::-1][place - 1])
    return limit, float((largest >= largest[0] - 1e-12).sum() / count)
