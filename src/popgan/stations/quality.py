"""The page to look at between ingest and training: every scan of a cohort, flagged ones first."""

from __future__ import annotations

from pathlib import Path

from popgan.cohort.cohort import Cohort
from popgan.cohort.quality import unjudged_words
from popgan.cohort.tables import read_people
from popgan.report.content import QualityContent
from popgan.report.private import write_quality_page
from popgan.stations.scan_rows import double_words, preparation_rows, quarantined, scan_rows


def quality_page(run: Path) -> Path:
    """Where the page lies."""
    return run / "private" / "quality.html"


def write_quality(cohort: Cohort) -> Path:
    """Write RUN/private/quality.html.

    Raises:
        UserError: the disk is full, or a file of the cohort is damaged.
    """
    rows = scan_rows(cohort)
    content = QualityContent(
        qc=rows,
        doubles=double_words(cohort),
        unjudged=unjudged_words(row.contrast for row in rows),
        preparation=preparation_rows(cohort),
        quarantined=quarantined(read_people(cohort.run)),
    )
    return write_quality_page(quality_page(cohort.run), content)
