"""The card of a model: what it counts of the training data is known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from popgan.stations.card import cohort_counts


def counted(scans: list[dict[str, Any]]) -> object:
    cohort: Any = SimpleNamespace(
        only_mapped=False,
        contrasts=["T1w"],
        height=8,
        width=8,
        spacing=(1.0, 1.0, 1.0),
        subjects=lambda split: ["a"],
        quality=lambda: {"scans": scans, "quarantined": []},
    )
    return cohort_counts(cohort)["Scans that stand out in quality control"]


def scans(count: int, contrast: str = "T1w", **more: object) -> list[dict[str, Any]]:
    return [{"contrast": contrast, "outlying": [], **more} for _ in range(count)]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (scans(8), 0),
        (scans(7) + scans(1, outlying=["snr"]), 1),
        (scans(7), "0 (T1w not judged: fewer than 8 scans)"),
        (
            scans(8, outlying=["snr"]) + scans(1, "FLAIR"),
            "8 (FLAIR not judged: fewer than 8 scans)",
        ),
        (scans(7) + scans(2, flags=["covers only part of the head (60 mm)"]), 2),
    ],
)
def test_scans_that_nobody_judged_are_not_counted_as_sound(
    rows: list[dict[str, Any]], told: object
) -> None:
    assert counted(rows) == told
