"""Every scan of a cohort for quality control: its indices, what was done to it, how it looks."""

from __future__ import annotations

from dataclasses import replace

from popgan.cohort.cohort import Cohort
from popgan.cohort.quality import INDICES
from popgan.report.content import ScanRow, ScanStep, Strip
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
