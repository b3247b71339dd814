"""Checks on voxel values: what is no image (NaN, constant) and what is a label map."""

from __future__ import annotations

import numpy as np

from popgan.scans.scan import ScanError

MAX_LABELS = 32
"""A whole-number volume with at most this many distinct values is a label map."""
_PLAUSIBLE = 1e15


def check_values(data: np.ndarray) -> None:
    """Refuse values that are no measurement.

    Raises:
        ScanError: NaN, infinity, absurdly large values, or a constant image.
    """
    low, high = float(data.min()), float(data.max())
    if np.isnan(low) or np.isnan(high):
        count = int(np.isnan(data).sum())
        raise ScanError(f"holds NaN voxels ({count} of {data.size})")
    if not np.isfinite([low, high]).all():
        raise ScanError(f"holds infinite voxels ({int(np.isinf(data).sum())} of {data.size})")
    if low == high:
        raise ScanError(f"is constant (every voxel is {low:g})")
    if max(abs(low), abs(high)) > _PLAUSIBLE:
        raise ScanError(f"holds absurd values (up to {max(abs(low), abs(high)):g})")


def distinct_integers(data: np.ndarray, *, most: int = MAX_LABELS) -> int | None:
    """The number of distinct values if all are whole and there are at most `most`, else None.

    A first look at a thinned copy settles almost all images without sorting every voxel.
    """
    flat = data.ravel(order="K")  # a view, whatever the order of the axes in memory
    thin = np.unique(flat[:: max(1, flat.size // 4096)])
    if len(thin) > most or not np.array_equal(thin, np.round(thin)):
        return None
    values = np.unique(flat)
    if len(values) > most or not np.array_equal(values, np.round(values)):
        return None
    return len(values)


def check_not_labels(data: np.ndarray) -> None:
    """Refuse a label map that carries the name of a contrast.

    Raises:
        ScanError: all values are whole numbers and few are distinct.
    """
    count = distinct_integers(data)
    if count is not None:
        raise ScanError(f"looks like a label map or mask ({count} distinct whole values)")
