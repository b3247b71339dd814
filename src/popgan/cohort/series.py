"""What became of every DICOM series, told three ways: to the user, in public and in private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from popgan.progress import Reporter
from popgan.scans.dicom_series import Series

_SHOWN = 20  # series that are told one by one


def tell_series(found: Sequence[Series], reporter: Reporter) -> None:
    """One line a series, on the user's screen only: it names folders."""
    for series in found[:_SHOWN]:
        folder, files = series.files[0].parent.name, len(series.files)
        what: str = series.decision
        if series.decision == "used" and series.contrast is not None:
            what = f"{series.contrast.contrast} ({series.contrast.confidence} confidence)"
        text = f"{folder}, {files} file{'s' * (files > 1)}: {what}: {series.reason}"
        reporter.message("; ".join((text, *series.notes)))
    if not found:
        return
    decisions = Counter(series.decision for series in found)
    counted = ", ".join(f"{decisions[name]} {name}" for name in ("used", "left out", "set aside"))
    more = "" if len(found) <= _SHOWN else "; all of them in dataset/qc.json"
    reporter.message(f"{len(found)} DICOM series: {counted}{more}")


def public_series(found: Sequence[Series], pseudonyms: Mapping[str, str]) -> list[dict[str, Any]]:
    """Decisions by pseudonym, without UIDs, dates and free text."""
    rows = [_decision(series, pseudonyms) for series in found]
    return sorted(rows, key=lambda row: (row["subject"] or "", row["decision"], row["reason"]))


def private_series(found: Sequence[Series], pseudonyms: Mapping[str, str]) -> list[dict[str, Any]]:
    """Decisions with all that is needed to find a series again."""
    return [
        {
            **_decision(series, pseudonyms),
            "source_id": series.subject,
            "series_uid": series.uid,
            "series_number": series.number,
            "texts": list(series.texts),
            "paths": [str(path) for path in series.files],
        }
        for series in found
    ]


def _decision(series: Series, pseudonyms: Mapping[str, str]) -> dict[str, Any]:
    used = series.decision == "used" and series.contrast is not None
    contrast = series.contrast if used else None
    volumes = series.volumes
    return {
        "subject": pseudonyms.get(series.subject),
        "decision": series.decision,
        "reason": series.reason,
        "contrast": contrast.contrast if contrast is not None else None,
        "confidence": contrast.confidence if contrast is not None else None,
        "files": len(series.files),
        "shape": list(volumes.shape) if volumes is not None else None,
        "volumes": len(volumes.volumes) if volumes is not None else 0,
        "notes": list(series.notes),
    }
