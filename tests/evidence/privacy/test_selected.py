"""A set from which flagged images were left out: judged by its first draw, bounded by nothing."""

from __future__ import annotations

import audit_fixtures as audits
import pytest

from popgan.evidence.privacy.bounds import rate_at_most
from popgan.evidence.privacy.overall import overall
from popgan.evidence.privacy.results import CopySearch, PrivacyAudit
from popgan.evidence.privacy.selected import of_selected
from popgan.evidence.readers.results import Measure


def search(flags: int, images: int = 12, p: float = 1.0, clear: int = 0) -> CopySearch:
    found = audits.copies(flags=flags, clear=clear, p=p)
    rate = rate_at_most(flags, images, "synthetic images")
    return found.model_copy(update={"flagged": rate, "sentence": f"{flags} of {images}."})


def released(first: CopySearch, **parts: object) -> PrivacyAudit:
    return of_selected(audits.audit(search(0), **parts), first)


def test_a_dozen_images_pass_where_everything_else_does() -> None:
    """That copies are rare is for the audit of the model to show; alone they would not pass."""
    assert audits.audit(search(0)).verdict.level == "no power"
    for first in (search(0), search(2, p=0.4)):
        found = released(first)
        assert found.verdict.level == "passed" == overall(found, first=first).level
        told = found.verdict.reasons
        assert told[0].startswith("In the first draw, before any image was left out: ")
        assert told[1] == "Of the 12 images of the set none is flagged: flagged ones were left out."


def test_nothing_is_bounded_by_a_set_that_was_selected() -> None:
    found = released(search(2, p=0.4))
    rates: list[Measure] = [found.copies.flagged, found.worst_patient]
    rates += [measure.flagged for measure in found.copies.measures]
    assert len(rates) == 5
    for rate in rates:
        assert rate.low is None and rate.high is None and "by selection" in (rate.reason or "")
    assert PrivacyAudit.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize("change", [{"clear": 1}, {"p": 0.006}])
def test_copies_in_the_first_draw_fail_the_set_however_clean_it_is(change: dict) -> None:
    first = search(2, **change)
    found = released(first)
    assert found.copies.flagged.value == 0
    assert found.verdict.level == overall(found, first=first).level == "failed"
    assert found.verdict.reasons == ["In the first draw, before any image was left out: 2 of 12."]


def test_flags_of_the_first_draw_that_chance_may_explain_are_told_with_their_p() -> None:
    few = {"tried": audits.attacks(members=28, others=6, half=0.19)}
    for parts, level in (({}, "passed"), (few, "too few subjects to test")):
        found = released(search(2, p=0.4), **parts).verdict
        assert found.level == level
        (told,) = [reason for reason in found.reasons if "first draw" in reason]
        assert "2 of 12. Chance is not excluded (p = 0.4), and neither are copies." in told
        assert any("none is flagged" in reason for reason in found.reasons)
        assert not any("passes nothing" in reason for reason in found.reasons)
    (told,) = [row for row in released(search(0)).verdict.reasons if "first draw" in row]
    assert "Chance" not in told
