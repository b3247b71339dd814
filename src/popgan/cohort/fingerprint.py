"""The cohort in numbers: what planning and the report may know about it, and nothing personal.

A fingerprint of an older version is completed when its cohort is opened, as far as the cohort's
other files allow; so no scan has to be read again for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.manifest import ScanRecord, SliceRecord
from popgan.cohort.store import FULL
from popgan.errors import UserError
from popgan.files import read_json
from popgan.preparation.visit import Prepared

VERSION = 2
"""1 had no number of its own and lacked what `completed` adds."""
INDICES = ("snr", "cnr")
_DIGITS = 6
_CORNER = 8  # a corner of the field of view that shows air: this part of its side
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
    quality: Mapping[str, Any],
) -> dict[str, Any]:
    """Measure the cohort.

    Args:
        contrasts: channel names.
        scans, slices: records of the manifest.
        prepared: what was measured on each visit (their planes are not needed any more).
        stored: N x C x H x W of the store.
        spacing: mm a row, a column, a slice of the store.
        extra: further counts to include (visits left out and the like).
        quality: quality control as in qc.json: indices of every scan, pairs that look alike.
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
    numbers = {
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
    return completed(numbers, slices=slices, stored=stored, quality=quality)


def completed(
    numbers: Mapping[str, Any],
    *,
    slices: Sequence[SliceRecord],
    stored: NDArray[np.uint16],
    quality: Mapping[str, Any],
) -> dict[str, Any]:
    """A fingerprint of version 1 with all that the present version has.

    Args:
        numbers: the fingerprint.
        slices: records of the manifest.
        stored: N x C x H x W of the store.
        quality: the content of qc.json; what it lacks stays away.
    """
    contrasts = list(numbers["contrasts"])
    found: dict[str, Any] = {"version": VERSION, **numbers}
    found["balance"] = _balance(slices)
    found["air"] = _air(contrasts, stored)
    if "scans" in quality:
        found["quality"] = {name: _indices(quality["scans"], name) for name in contrasts}
    if "doubles" in quality:
        found["doubles"] = _doubles(quality["doubles"])
    return found


def read_fingerprint(
    dataset: Path, slices: Sequence[SliceRecord], stored: NDArray[np.uint16]
) -> dict[str, Any]:
    """The fingerprint of an ingested cohort; one of an older version is completed.

    Args:
        dataset: folder with fingerprint.json and qc.json.
        slices: records of the manifest.
        stored: N x C x H x W of the store.

    Raises:
        UserError: it is missing or damaged.
    """
    numbers = dict(read_json(dataset / "fingerprint.json"))
    if numbers.get("version", 1) >= VERSION:
        return numbers
    try:
        quality = dict(read_json(dataset / "qc.json"))
    except (UserError, TypeError, ValueError):  # nobody needs it to train
        quality = {}
    return completed(numbers, slices=slices, stored=stored, quality=quality)


def _balance(slices: Sequence[SliceRecord]) -> dict[str, Any]:
    """Slices and subjects of each class label, and how unlike their numbers are.

    `ratio` is the largest number of training slices of a class over the smallest; None where
    there are no two classes, or one is not in the training split.
    """
    classes: dict[str, dict[str, int]] = {}
    for name in sorted({record.label for record in slices if record.label is not None}):
        own = [record for record in slices if record.label == name]
        train = [record for record in own if record.split == "train"]
        classes[name] = {
            "slices": len(own),
            "subjects": len({record.subject for record in own}),
            "train_slices": len(train),
            "train_subjects": len({record.subject for record in train}),
        }
    counts = [entry["train_slices"] for entry in classes.values()]
    comparable = len(counts) > 1 and min(counts) > 0
    return {
        "classes": classes,
        "unlabelled": sum(record.label is None for record in slices) if classes else None,
        "ratio": round(max(counts) / min(counts), _DIGITS) if comparable else None,
    }


def _air(contrasts: Sequence[str], stored: NDArray[np.uint16]) -> dict[str, Any]:
    """Brightness and spread of the air, in [0, 1]: the four corners, where no head reaches.

    All zero where everything but the brain was removed.
    """
    sample = _sampled(stored)
    high, wide = (max(1, side // _CORNER) for side in sample.shape[2:])
    parts = [
        sample[:, :, rows, columns]
        for rows in (slice(high), slice(-high, None))
        for columns in (slice(wide), slice(-wide, None))
    ]
    result = {}
    for channel, name in enumerate(contrasts):
        values = np.concatenate([part[:, channel].ravel() for part in parts])
        result[name] = {
            "mean": round(float(values.mean(dtype=np.float64)), _DIGITS),
            "sd": round(float(values.std(dtype=np.float64)), _DIGITS),
            "zero_share": round(float((values == 0).mean()), _DIGITS),
        }
    return result


def _indices(scans: Sequence[Mapping[str, Any]], contrast: str) -> dict[str, Any]:
    """Signal-to-noise and contrast-to-noise of the scans of a contrast; None where unknown."""
    own = [scan for scan in scans if scan.get("contrast") == contrast]
    known = {name: [s[name] for s in own if s.get(name) is not None] for name in INDICES}
    spreads = {name: spread(values) if values else None for name, values in known.items()}
    return {**spreads, "outlying": sum(bool(scan.get("outlying")) for scan in own)}


def _doubles(pairs: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Pairs of subjects with the same pixels, and pairs that look like one head scanned twice."""
    same = {tuple(pair["subjects"]) for pair in pairs if pair["identical"]}
    every = {tuple(pair["subjects"]) for pair in pairs}
    return {"identical": len(same), "alike": len(every - same)}


def _sampled(stored: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Evenly chosen slices in [0, 1]."""
    rows = np.unique(np.linspace(0, len(stored) - 1, min(len(stored), _SAMPLED)).astype(np.intp))
    return stored[rows].astype(np.float32) / np.float32(FULL)


def _intensity(contrasts: list[str], stored: NDArray[np.uint16]) -> dict[str, Any]:
    """Grey values of the store in [0, 1], by contrast, on evenly chosen slices."""
    sample = _sampled(stored)
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
