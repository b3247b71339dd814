"""Checks on voxel values: what is no image (NaN, constant) and what is a label map."""

from __future__ import annotations

import numpy as np

from popgan.scans.scan import ScanError

MAX_LABELS = 32
"""A whole-number volume with at most this many distinct values is a label map."""
_PLAUSIBLE = 1e15
_LARGEST_LABEL = 2**24  # whole numbers up to here are exact as float32


def check_content(data: np.ndarray, *, labels: bool) -> None:
    """Refuse voxels that are not what they are taken for: an image, or a label map.

    Raises:
        ScanError: see `check_values`, `check_not_labels` and `check_labels`.
    """
    if labels:
        check_labels(data)
    else:
        check_values(data)
        check_not_labels(data)


def check_labels(data: np.ndarray) -> None:
    """Refuse what is no label map; one without any label is.

    Raises:
        ScanError: NaN, infinity, fractions, or numbers beyond 2^24.
    """
    low, high = float(data.min()), float(data.max())
    if np.isnan(low) or np.isnan(high):
        raise ScanError(f"holds NaN voxels ({int(np.isnan(data).sum())} of {data.size})")
    if max(abs(low), abs(high)) > _LARGEST_LABEL:
        raise ScanError(f"is no label map (values up to {max(abs(low), abs(high)):g})")
    if data.dtype.kind == "f" and not np.array_equal(data, np.rint(data)):
        raise ScanError("is no label map (its values are not whole numbers)")


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
