"""First-order features: how bright the pixels of a region are, wherever they lie.

IBSI reference manual (arXiv 1612.07003), section 3.3 (intensities) and two of 3.4 (histogram).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.radiomics.discretise import Levels, Masks

NAMES = (
    "mean",
    "variance",
    "skewness",
    "excess kurtosis",
    "median",
    "minimum",
    "10th percentile",
    "90th percentile",
    "maximum",
    "interquartile range",
    "range",
    "mean absolute deviation",
    "robust mean absolute deviation",
    "median absolute deviation",
    "coefficient of variation",
    "quartile coefficient of dispersion",
    "energy",
    "root mean square",
)
HISTOGRAM_NAMES = ("discretised intensity entropy", "discretised intensity uniformity")
Values = NDArray[np.float64]


def features(intensities: NDArray[np.floating], masks: Masks | None = None) -> Values:
    """N x 18 in the order of `NAMES`.

    Variance and higher moments are those of the population (divided by n). Percentiles are
    interpolated linearly. A quotient whose denominator is zero is 0: skewness, kurtosis and the
    coefficients of a constant region. An empty region gets zeros.

    Args:
        intensities: N x H x W, not negative where the two coefficients are to mean anything.
        masks: N x H x W, the region of each image; None is everything.
    """
    flat = np.asarray(intensities).reshape(len(intensities), -1)
    if masks is None:
        size = np.full(len(flat), flat.shape[1])
    else:
        flat = np.where(masks.reshape(flat.shape), flat, np.inf)
        size = np.count_nonzero(masks.reshape(flat.shape), axis=1)
    # Sorted, every order statistic is a place, and what is outside has gone to the end.
    ordered = np.sort(flat, axis=1).astype(np.float64)
    inside = np.arange(flat.shape[1]) < size[:, None]
    ordered[~inside] = 0
    count = np.maximum(size, 1).astype(np.float64)
    mean = ordered.sum(1) / count
    away = np.where(inside, ordered - mean[:, None], 0)
    square = away * away
    variance = square.sum(1) / count
    # Rounding of the mean leaves a trace in the variance of a constant region.
    scale = (ordered**2).sum(1) / count
    variance[variance <= 1e-14 * scale] = 0
    median, low, high, first, third = (
        _percentile(ordered, size, share) for share in (0.5, 0.1, 0.9, 0.25, 0.75)
    )
    least, most = ordered[:, 0], ordered[np.arange(len(flat)), np.maximum(size - 1, 0)]
    columns = [
        mean,
        variance,
        _quotient((square * away).sum(1) / count, variance**1.5),
        _quotient((square * square).sum(1) / count - 3 * variance**2, variance**2),
        median,
        least,
        low,
        high,
        most,
        third - first,
        most - least,
        np.abs(away).sum(1) / count,
        _robust(ordered, inside, low, high),
        (np.abs(ordered - median[:, None]) * inside).sum(1) / count,
        _quotient(np.sqrt(variance), mean),
        _quotient(third - first, third + first),
        (ordered**2).sum(1),
        np.sqrt(scale),
    ]
    return np.stack(columns, axis=1) * (size > 0)[:, None]


def histogram(levels: Levels) -> Values:
    """Entropy (bits) and uniformity of the grey levels, N x 2; an empty region gets zeros.

    Args:
        levels: N x H x W, 0 outside of the region.
    """
    flat = levels.reshape(len(levels), -1).astype(np.int64)
    grey = int(flat.max(initial=0)) + 1
    cells = flat + np.arange(len(flat))[:, None] * grey
    count = np.bincount(cells.ravel(), minlength=len(flat) * grey).reshape(len(flat), grey)[:, 1:]
    share = count / np.maximum(count.sum(1, keepdims=True), 1)
    entropy = -(share * np.log2(np.where(share > 0, share, 1))).sum(1)
    return np.stack([entropy, (share**2).sum(1)], axis=1)


def _percentile(ordered: Values, size: NDArray[np.int64], share: float) -> Values:
    """Linear interpolation between the two pixels around the place (n - 1) share."""
    place = np.maximum(size - 1, 0) * share
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(size - 1, 0))
    rows = np.arange(len(ordered))
    start = ordered[rows, below]
    return start + (place - below) * (ordered[rows, above] - start)


def _robust(ordered: Values, inside: Masks, low: Values, high: Values) -> Values:
    """Mean absolute deviation of the pixels between two percentiles, from their own mean."""
    kept = inside & (ordered >= low[:, None]) & (ordered <= high[:, None])
    count = np.maximum(np.count_nonzero(kept, axis=1), 1)
    mean = np.where(kept, ordered, 0).sum(1) / count
    return np.where(kept, np.abs(ordered - mean[:, None]), 0).sum(1) / count


def _quotient(above: Values, below: Values) -> Values:
    return np.divide(above, below, out=np.zeros_like(above), where=below != 0)
