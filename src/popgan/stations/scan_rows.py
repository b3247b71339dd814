"""A cohort for quality control: every scan, what was done to it, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from popgan.cohort.cohort import Cohort
from popgan.cohort.quality import INDICES
from popgan.report.content import PreparationRow, Quarantined, ScanRow, ScanStep, Strip
from popgan.report.quality import first_to_look_at

_Key = tuple[str, int, str]  # pseudonym, visit, contrast


def scan_rows(cohort: Cohort) -> list[ScanRow]:
    """Rows of the quality page, in the order of the cohort.

    The strips of the scans to look at first are read, so that they are in the page itself.
    """
    middles, done, strips = _middles(cohort), _steps(cohort), cohort.strips()
    rows = []
    for scan in cohort.quality().get("scans", []):
        middle = middles.get((scan["subject"], scan["visit"]))
        if middle is None or scan["contrast"] not in cohort.contrasts:
            continue
        key = (scan["subject"], scan["visit"], scan["contrast"])
        file, titles = strips.get(key, (None, []))
        channel = cohort.contrasts.index(scan["contrast"])
        rows.append(
            ScanRow(
                subject=scan["subject"],
                split=cohort.slices[middle].split,
                contrast=scan["contrast"],
                image=None if file else cohort.image(middle)[channel],
                indices={name: scan[name] for name in INDICES},
                outlying=scan["outlying"],
                flags=scan.get("flags", []),
                strip=Strip(f"{file.parent.name}/{file.name}", titles) if file else None,
                steps=done.get(key, ()),
            )
        )
    for place in first_to_look_at(rows):
        strip = rows[place].strip
        if strip is not None:
            png = (cohort.run / "private" / strip.file).read_bytes()
            rows[place] = replace(rows[place], strip=replace(strip, png=png))
    return rows


def _middles(cohort: Cohort) -> dict[tuple[str, int], int]:
    """The row of each visit's middle slice."""
    places: dict[tuple[str, int], list[int]] = {}
    for row, info in enumerate(cohort.slices):
        places.setdefault((info.subject, info.visit), []).append(row)
    return {visit: own[len(own) // 2] for visit, own in places.items()}


def _steps(cohort: Cohort) -> dict[_Key, list[ScanStep]]:
    """What was done to each scan."""
    return {
        (scan["subject"], scan["visit"], scan["contrast"]): [ScanStep(**s) for s in scan["steps"]]
        for scan in cohort.preparation().get("scans", [])
    }


def double_words(cohort: Cohort) -> list[str]:
    """A sentence for every pair of subjects that show the same head."""
    return [
        f"{pair['subjects'][0]} and {pair['subjects'][1]} "
        + (
            f"have the same pixels ({pair['contrast']})"
            if pair["identical"]
            else f"look alike ({pair['contrast']}, correlation {pair['correlation']:.3f})"
        )
        + ": one patient under two ids?"
        for pair in cohort.quality().get("doubles", [])
    ]


def preparation_rows(cohort: Cohort) -> list[PreparationRow]:
    """How the scans were prepared: each choice with its reason and how many it applied to."""
    return [PreparationRow(**row) for row in cohort.preparation().get("steps", [])]


def quarantined(people: Mapping[str, Any]) -> list[Quarantined]:
    """Files that were left out.

    Args:
        people: the content of private/subjects.json.
    """
    return [Quarantined(item["path"], item["reason"]) for item in people["quarantined"]]
