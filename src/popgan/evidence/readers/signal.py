"""Detection of synthetic images as functions of counted answers.

Positive means synthetic. Sums are (..., 2, 6): real and synthetic images x level of the answer.
Formulas: Macmillan & Creelman 2005; log-linear correction of Hautus 1995.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.readers.results import RocPoint
from popgan.evidence.readers.tables import LEVELS

Floats = NDArray[np.float64]

THRESHOLDS = (
    "certainly synthetic",
    "fairly surely synthetic or more",
    "guessed synthetic or more",
    "all but fairly surely or certainly real",
    "all but certainly real",
)


def sensitivity(sums: Floats) -> Floats:
    """Share of synthetic images called synthetic."""
    return _ratio(sums[..., 1, LEVELS // 2 :].sum(-1), sums[..., 1, :].sum(-1))


def specificity(sums: Floats) -> Floats:
    """Share of real images called real."""
    return _ratio(sums[..., 0, : LEVELS // 2].sum(-1), sums[..., 0, :].sum(-1))


def accuracy(sums: Floats) -> Floats:
    """Share of right answers, which depends on how many images were real."""
    right = sums[..., 0, : LEVELS // 2].sum(-1) + sums[..., 1, LEVELS // 2 :].sum(-1)
    both = sums.sum(-1).min(-1) > 0
    return np.where(both, _ratio(right, sums.sum((-1, -2))), np.nan)


def balanced(sums: Floats) -> Floats:
    """Mean of sensitivity and specificity: 0.5 is chance whatever the share of real images."""
    return (sensitivity(sums) + specificity(sums)) / 2


def d_prime(sums: Floats) -> Floats:
    """z(hits) - z(false alarms), with 0.5 added to hits and false alarms and 1 to their totals."""
    hits, alarms = _z_rates(sums)
    return hits - alarms


def criterion(sums: Floats) -> Floats:
    """c = -(z(hits) + z(false alarms)) / 2: below 0, synthetic is said more readily."""
    hits, alarms = _z_rates(sums)
    return -(hits + alarms) / 2


def auc(sums: Floats) -> Floats:
    """Probability that a synthetic image gets a higher level than a real one; ties count half."""
    real, synthetic = sums[..., 0, :], sums[..., 1, :]
    lower = np.cumsum(real, axis=-1) - real / 2
    return _ratio((lower * synthetic).sum(-1), real.sum(-1) * synthetic.sum(-1))


def roc(sums: Floats) -> list[RocPoint]:
    """The points of the ROC curve, from the strictest threshold; sums 2 x 6."""
    totals = sums.sum(axis=-1)
    if totals.min() <= 0:
        return []
    points = []
    for number, words in enumerate(THRESHOLDS, start=1):
        alarms, hits = sums[:, LEVELS - number :].sum(axis=-1) / totals
        points.append(RocPoint(threshold=words, false_alarms=min(1.0, alarms), hits=min(1.0, hits)))
    return points


def _z_rates(sums: Floats) -> tuple[Floats, Floats]:
    from scipy.special import ndtri

    said = sums[..., LEVELS // 2 :].sum(-1)
    totals = sums.sum(-1)
    z = ndtri((said + 0.5) / (totals + 1))
    z = np.where(totals.min(-1, keepdims=True) > 0, z, np.nan)
    return z[..., 1], z[..., 0]


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
