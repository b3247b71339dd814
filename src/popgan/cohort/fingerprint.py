"""The cohort in numbers: what planning and the report may know about it, and nothing personal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.manifest import ScanRecord, SliceRecord
from popgan.cohort.store import FULL
from popgan.preparation.visit import Prepared

_DIGITS = 6
_SAMPLED = 512  # slices that the statistics of grey values are taken from


def spread(values: Sequence[float] | NDArray[np.float64]) -> dict[str, float]:
    """Minimum, median and maximum of some numbers, rounded to six digits."""
    array = np.asarray(values, dtype=np.float64)
    named = {"min": array.min(), "median": np.median(array), "max": array.max()}
    return {name: round(float(value), _DIGITS) for name, value in named.items()}


def fingerprint(
    *,
    contrasts: list[str],
    scans: Sequence[ScanRecord],
    slices: Sequence[SliceRecord],
    prepared: Sequence[Prepared],
    stored: NDArray[np.uint16],
    spacing: tuple[float, float, float],
    extra: dict[str, Any],
) -> dict[str, Any]:
    """Measure the cohort.

    Args:
        contrasts: channel names.
        scans, slices: records of the manifest.
        prepared: what was measured on each visit (their planes are not needed any more).
        stored: N x C x H x W of the store.
        spacing: mm a row, a column, a slice of the store.
        extra: further counts to include (visits left out and the like).
    """
    subjects = {record.subject for record in slices}
    splits = {}
    for split in ("train", "tuning", "test"):
        own = [record for record in slices if record.split == split]
        splits[split] = {"subjects": len({r.subject for r in own}), "slices": len(own)}
    facts = [fact for visit in prepared for fact in visit.facts]
    first = [visit.facts[0] for visit in prepared]
    grids = Counter((fact.shape[:2], tuple(round(s, 3) for s in fact.spacing)) for fact in first)
    noise = {
        name: spread([fact.noise for fact in facts if fact.contrast == name]) for name in contrasts
    }
    extents = np.array([visit.extent for visit in prepared])
    labels = Counter(record.label for record in slices if record.label is not None)
    return {
        "subjects": len(subjects),
        "visits": len(prepared),
        "scans": len(scans),
        "slices": len(slices),
        "slices_per_visit": spread([float(len(visit.heights)) for visit in prepared]),
        "splits": splits,
        "contrasts": contrasts,
        "labels": dict(sorted(labels.items())),
        "kinds": dict(sorted(Counter(fact.kind for fact in first).items())),
        "spacing_known": all(visit.spacing_known for visit in prepared),
        "heights_known": all(fact.kind != "picture" for fact in first),
        "height": int(stored.shape[2]),
        "width": int(stored.shape[3]),
        "spacing_mm": [round(side, _DIGITS) for side in spacing],
        "native": {
            "shape": [spread([float(fact.shape[i]) for fact in first]) for i in range(3)],
            "spacing_mm": [spread([fact.spacing[i] for fact in first]) for i in range(3)],
            "mixed": len(grids) > 1,
            "grids": len(grids),
            "regridded_scans": sum(fact.regridded for fact in facts),
        },
        "head_extent_mm": {"x": spread(extents[:, 0]), "y": spread(extents[:, 1])},
        "noise": noise,
        "intensity": _intensity(contrasts, stored),
        **extra,
    }


def _intensity(contrasts: list[str], stored: NDArray[np.uint16]) -> dict[str, Any]:
    """Grey values of the store in [0, 1], by contrast, on evenly chosen slices."""
    rows = np.unique(np.linspace(0, len(stored) - 1, min(len(stored), _SAMPLED)).astype(np.intp))
    sample = stored[rows].astype(np.float32) / FULL
    result = {}
    for channel, name in enumerate(contrasts):
        values = sample[:, channel]
        quantiles = np.percentile(values, [5, 25, 50, 75, 95, 99])
        result[name] = {
            "mean": round(float(values.mean(dtype=np.float64)), _DIGITS),
            "sd": round(float(values.std(dtype=np.float64)), _DIGITS),
            "percentiles_5_25_50_75_95_99": [round(float(q), _DIGITS) for q in quantiles],
            "zero_share": round(float((values == 0).mean()), _DIGITS),
        }
    return result
