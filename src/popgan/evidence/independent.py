"""Numbers of independent images, such as synthetic ones, each with its interval.

Every synthetic image is its own draw, so that textbook intervals hold, which real slices of few
subjects do not allow (`statistics.py`).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.statistics import Estimate

LEAST = 5
"""Values below which a mean or a median gets no interval."""
_Z = 1.959964


def share(shown: NDArray[np.bool_]) -> Estimate:
    """A share, with Wilson's interval, which is right at 0 and 1 too.

    Args:
        shown: n, at least one.
    """
    count, found = len(shown), float(shown.mean())
    scale = 1 + _Z**2 / count
    centre = (found + _Z**2 / (2 * count)) / scale
    half = _Z / scale * math.sqrt(found * (1 - found) / count + (_Z / (2 * count)) ** 2)
    # At the ends rounding must not leave the share outside of its own interval.
    low, high = max(0.0, min(centre - half, found)), min(1.0, max(centre + half, found))
    return _estimate(found, count, (low, high), "Wilson's interval of independent images")


def median(values: NDArray[np.float64]) -> Estimate | None:
    """A median, with the interval between two order statistics.

    Args:
        values: NaN where there is none; None is returned where there are none at all.
    """
    from scipy.stats import binom

    known = np.sort(values[np.isfinite(values)])
    count = len(known)
    if count == 0:
        return None
    # With P(Binomial(n, 1/2) < k) < 2.5 %, the k-th smallest and k-th largest value bound it.
    k = int(binom.ppf(0.025, count, 0.5))
    ends = (float(known[k - 1]), float(known[-k])) if count >= LEAST and k > 0 else None
    return _estimate(float(np.median(known)), count, ends, "order statistics of independent images")


def mean(values: NDArray[np.float64]) -> Estimate | None:
    """A mean, with Student's interval.

    Args:
        values: NaN where there is none; None is returned where there are none at all.
    """
    from scipy.special import stdtrit

    known = values[np.isfinite(values)]
    count = len(known)
    if count == 0:
        return None
    value, ends = float(known.mean()), None
    if count >= LEAST:
        half = float(stdtrit(count - 1, 0.975)) * float(known.std(ddof=1)) / math.sqrt(count)
        ends = (value - half, value + half)
    return _estimate(value, count, ends, "Student's interval of independent images")


def _estimate(value: float, count: int, ends: tuple[float, float] | None, method: str) -> Estimate:
    low, high = ends or (None, None)
    return Estimate(
        value=value,
        low=low,
        high=high,
        n_real=0,
        n_synthetic=count,
        n_subjects=0,
        method=method if ends else f"no interval of {count} images",
    )
