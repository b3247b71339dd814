"""The verdict table: nothing is green that was not tested, and every row agrees with its result."""

import audit_fixtures as audits
import evidence_fixtures as evidence
import pytest
from reader_fixtures import analysis, equivalence
from report_fixtures import content

from popgan.evidence.fidelity.verdict import Verdict
from popgan.evidence.tissue.results import TissueResult
from popgan.report.audit_claims import NEEDED, WHOLE, audit_claims
from popgan.report.claim import Claim
from popgan.report.claims import COVER, COVERED, LIKE, RELEASED, VARIED, claims, readers_row
from popgan.report.comparison_view import CLAIM, RECIPE, comparison_claim
from popgan.report.provenance_view import release_rows
from popgan.report.readers import ReaderContent
from popgan.report.tissue_view import AMOUNTS, PLAUSIBLE, tissue_claims
from popgan.report.uses import uses


def table(**changes):
    return {row.claim: row for row in claims(content(**changes))}


def metric_with(name, **changes):
    """Content whose metric of that name has another value."""
    found = content().fidelity
    metrics = [
        m.model_copy(update={"value": m.value.model_copy(update=changes)}) if m.name == name else m
        for m in found.metrics
    ]
    return {"fidelity": found.model_copy(update={"metrics": metrics})}


def test_nothing_is_green_where_nothing_was_tested():
    rows = claims(content(fidelity=None, verdict=None))
    assert rows
    assert {row.status for row in rows} == {"untested"}
    assert all(row.word.startswith("not tested") for row in rows)


@pytest.mark.parametrize("level", ["none", "stale", "not testable", "too few"])
def test_an_audit_that_says_nothing_leaves_every_privacy_row_but_its_power_open(level):
    rows = audit_claims(audits.LEVELS[level]())
    named = [row for row in rows if "audit would" not in row.claim]
    assert {row.status for row in named} == {"untested"}
    assert rows[0].claim == WHOLE


def test_a_stale_audit_is_not_tested_and_says_stale():
    (row,) = audit_claims(audits.LEVELS["stale"]())
    assert (row.status, row.word) == ("untested", "not tested: stale")
    assert "weights, data or the tests have changed" in row.result


def test_a_passed_audit_is_green_and_says_what_it_is_not():
    rows = audit_claims(audits.passed())
    assert {row.status for row in rows} == {"pass"}
    assert "not anonymous" in rows[0].how
    assert "no proof" in rows[0].result


@pytest.mark.parametrize(("flags", "status"), [(4, "pass"), (5, "untested"), (20, "untested")])
def test_the_row_on_copies_is_green_only_where_they_are_shown_to_be_rare(flags, status):
    """Of 1000 images 4 flagged leave at most 0.91 %, 5 leave 1.05 %; whatever the level says."""
    search = audits.copies(flags=flags, p=0.13)
    copies = audit_claims(audits.stored(audits.audit(search), audits.overtrained()))[1]
    assert copies.status == status
    assert f"{flags} of 1000 (at most" in copies.result and "p = 0.13" in copies.result
    passed = audits.passed().verdict
    forced = audit_claims(audits.stored(audits.audit(search), verdict=passed))
    assert (forced[0].status, forced[1].status) == ("pass", status)
    assert copies.word == {"pass": "pass", "untested": "undecided"}[status]


def test_a_failed_audit_says_by_what_it_failed():
    rows = audit_claims(audits.failed())
    assert [row.status for row in rows[:3]] == ["fail", "fail", "fail"]
    assert "41 of 1000" in rows[1].result
    assert "17 copies beyond doubt" in rows[1].result
    assert "GAN-Leaks, max, AUC 0.71 (0.66 to 0.76)" in rows[2].result


def test_a_failed_audit_clears_none_of_its_parts():
    found = audits.stored(audits.audit(audits.copies(flags=41, clear=17, p=0.0001)))
    rows = audit_claims(found)
    assert rows[1].status == "fail"
    assert rows[2].status == "untested"  # nothing was shown by attacks, and nothing passed


def test_an_audit_without_power_fails_its_control_and_passes_nothing():
    rows = audit_claims(audits.no_power())
    assert rows[0].word == "not tested: no power"
    assert [row.status for row in rows] == ["untested", "untested", "untested", "fail", "fail"]


def test_the_share_of_planted_copies_is_that_of_the_audit():
    from popgan.evidence.privacy.controls import FOUND

    assert NEEDED == FOUND


def test_findings_of_a_stale_audit_cannot_be_shown():
    with pytest.raises(ValueError, match="not shown"):
        audits.stored(audits.audit(), state="stale")


def test_a_row_cannot_pass_without_a_finding():
    with pytest.raises(ValueError, match="beside its test"):
        Claim("it is good", "a test", "", "pass")


@pytest.mark.parametrize(
    ("level", "status"),
    [
        ("close to real", "pass"),
        ("in between", "fail"),
        ("poor", "fail"),
        ("not measurable", "untested"),
    ],
)
def test_likeness_is_what_the_verdict_says(level, status):
    row = table(verdict=Verdict(level=level, sentence="made up"))[LIKE]
    assert row.status == status
    assert "0.371 (0.322 to 0.419; real against real 0.012)" in row.result


@pytest.mark.parametrize(
    ("value", "low", "high", "status"),
    [
        (0.9, 0.8, 0.99, "pass"),
        (0.5, 0.4, 0.6, "fail"),
        (0.75, 0.7, 0.8, "untested"),
        (0.9, None, None, "untested"),
    ],
)
def test_coverage_is_held_against_a_share_of_that_of_real_images(value, low, high, status):
    row = table(**metric_with("coverage", value=value, low=low, high=high))[COVER]
    assert row.status == status
    assert f"limit {COVERED * 0.93:.3f}" in row.result


def test_variety_can_fail_and_cannot_pass():
    found = content().fidelity
    wide = [
        m.model_copy(update={"floor_low": 0.25, "floor_high": 0.3}) if m.name == "ms_ssim" else m
        for m in found.metrics
    ]
    assert table(fidelity=found.model_copy(update={"metrics": wide}))[VARIED].status == "fail"
    assert table()[VARIED].status == "measured"  # no interval of the floor to be above


def test_readers_pass_by_equivalence_alone():
    def row(verdict):
        found = analysis()
        first = found.result.authenticity[0]
        shown = equivalence(0.52, verdict=verdict)
        first = first.model_copy(update={"equivalence": shown, "equivalence_these": shown})
        result = found.result.model_copy(update={"authenticity": [first]})
        found = found.model_copy(update={"result": result})
        return readers_row(ReaderContent(found, "these weights", "popgan"))

    assert row("equivalent").status == "pass"
    assert row("different").status == "fail"
    assert row("not shown").word == "cannot tell"


@pytest.mark.parametrize(("share", "status"), [(0.99, "pass"), (0.8, "fail"), (0.951, "untested")])
def test_tissues_count_only_where_they_can_be_told(share, status):
    rows = {row.claim: row for row in tissue_claims(evidence.tissue(share))}
    assert rows[PLAUSIBLE].status == status
    assert (rows[AMOUNTS].status == "untested") == (share < 0.95)


def test_tissues_that_could_not_be_measured_say_why_in_a_sentence():
    rows = tissue_claims(TissueResult(contrast=None, not_measured="these are images of ADC."))
    assert {row.result for row in rows} == {"These are images of ADC."}
    assert {row.status for row in rows} == {"untested"}


def test_no_difference_of_tissues_is_no_pass():
    rows = {row.claim: row for row in tissue_claims(evidence.tissue(p=0.5))}
    assert (rows[AMOUNTS].status, rows[AMOUNTS].word) == ("measured", "none shown")
    assert tissue_claims(evidence.tissue())[1].status == "fail"


def test_a_tie_is_a_tie_and_one_training_speaks_for_its_weights():
    won = comparison_claim(evidence.compared(), "popgan")
    assert (won.claim, won.status) == (CLAIM, "pass")
    tie = evidence.pair("popgan", "stylegan2", -0.01, 0.06, tie=True)
    tied = comparison_claim(evidence.compared(pairs=[tie]), "popgan")
    assert (tied.status, tied.word) == ("untested", "tie")
    lost = comparison_claim(evidence.compared(), "stylegan2")
    assert lost.status == "fail"
    several = [p.model_copy(update={"unit": "trainings"}) for p in evidence.comparison().pairs]
    assert comparison_claim(evidence.compared(pairs=several), "popgan").claim == RECIPE
    unequal = comparison_claim(evidence.compared(equal_budget=False), "popgan")
    assert (unequal.status, unequal.word) == ("untested", "budgets differ")


def test_a_set_for_sharing_passes_by_its_own_audit_alone():
    def row(**changes):
        return table(release=evidence.release(**changes))[RELEASED]

    assert row().status == "pass"
    first = audits.copies(flags=4, p=0.2)
    drawn = row(first_draw=first)
    assert drawn.status == "pass"
    assert "3 left out; passed. Flagged in the first draw" in drawn.result
    assert "4 of 1000 (at most 0.91" in drawn.result
    forced = row(level="too few subjects to test", accepted="a pilot")
    assert forced.status == "untested"
    assert "Released all the same: a pilot." in forced.result
    assert row(state="stale").word == row(state="changed").word == "not tested: stale"
    assert RELEASED not in table()


def test_the_generator_has_a_bound_of_flags_and_a_set_selected_by_them_has_none():
    rows = dict(release_rows(evidence.release(first_draw=audits.copies(flags=4, p=0.2))))
    assert rows["Flagged in the set"] == "none: flagged images were left out"
    bounded = rows["Flagged in the first draw, before any was left out"]
    assert bounded.startswith("4 of 1000 (at most 0.91") and "p = 0.20" in bounded
    assert not any("Flagged" in name for name in dict(release_rows(evidence.release())))


def test_sharing_is_a_use_only_after_an_audit_that_was_passed():
    def sharing(level):
        meant, forbidden = uses(content(audit=audits.LEVELS[level]()))
        return [any("Sharing" in line for line in lines) for lines in (meant, forbidden)]

    assert sharing("passed") == [True, False]
    for level in ("failed", "too few", "no power", "not testable", "stale", "none"):
        assert sharing(level) == [False, True]


def test_images_of_simulated_heads_may_be_shared_without_an_audit():
    meant, forbidden = uses(content(audit=audits.LEVELS["none"](), simulated=True))
    assert "nobody was scanned" in meant[-1]
    assert not any("Sharing" in line for line in forbidden)
