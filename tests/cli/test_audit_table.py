"""The audit's table on the command line: what is open is not called nothing, and what helps."""

from __future__ import annotations

import audit_fixtures as audits
import pytest

from popgan.cli.audit import audit_table
from popgan.evidence.privacy.bounds import rate_at_most
from popgan.evidence.privacy.results import CopySearch
from popgan.stations.audited import StoredAudit


def table(copies: CopySearch, **parts: object) -> list[str]:
    found = StoredAudit(
        version=2, weights="w", cohort="c", features={}, n=copies.flagged.n, seed=0,
        result=audits.audit(copies, **parts), overtrained=audits.overtrained(),
    )  # fmt: skip
    return audit_table("popgan", found)


def line(rows: list[str], start: str) -> str:
    (row,) = [row for row in rows if row.startswith(start)]
    return row


def test_a_copy_search_that_shows_copies_to_be_rare_passes() -> None:
    rows = table(audits.copies(flags=2))
    assert line(rows, "  flagged as copies").endswith("nothing shown")
    assert line(rows, "  passes if no more than 1%") and line(rows, "PASSED")
    assert line(rows, "Next:") == "Next: popgan generate RUN --release makes a set to give away."


@pytest.mark.parametrize(
    ("flags", "images", "advice"),
    [
        (0, 10, "popgan audit RUN -n 299, or more"),
        (20, 1000, "private/report.html; if none is a copy"),
    ],
)
def test_what_only_the_bound_keeps_from_passing_is_undecided_and_told_what_helps(
    flags: int, images: int, advice: str
) -> None:
    rate = rate_at_most(flags, images, "synthetic images")
    search = audits.copies(flags=flags, p=0.13).model_copy(update={"flagged": rate})
    rows = table(search)
    assert line(rows, "  flagged as copies").endswith("undecided")
    assert line(rows, "NOT TESTED: the audit has no power")
    assert advice in line(rows, "Next:")
    # Where planted copies were missed as well, that comes first.
    assert "nothing can be released" in line(table(search, planted=audits.controls(15)), "Next:")
