"""Anatomy, comparison, release, provenance, checklists: content, agreement, nothing claimed."""

import json
import re

import audit_fixtures as audits
import evidence_fixtures as evidence
import numpy as np
import paired_fixtures
import pytest
from report_fixtures import bare, content
from test_audit import section, words

from popgan.report.audit_content import AuditContent
from popgan.report.checklists import c_items, claim_items, left_blank, sections_of
from popgan.report.comparison_view import comparison_view
from popgan.report.evidence_content import ComparisonContent
from popgan.report.guard import PrivateContentError, assert_shareable_data
from popgan.report.shareable import report_html, write_report
from popgan.report.worst import worst_places


@pytest.fixture(scope="module")
def html():
    return report_html(
        bare(comparison=evidence.compared(), tissue=evidence.tissue(), release=evidence.release())
    )


def test_reliability_stands_before_every_figure_of_anatomy(html):
    said = words(section(html, "anatomy"))
    assert said.index("can tissues be told") < said.index("How far is each figure")
    for feature in evidence.tissue().features:
        assert feature.title in said
    assert "3.09 ×" in said  # 0.034 over 0.011
    assert "98 % (97, 99)" in said
    assert "fluid 0.81, grey 0.86, white 0.90, ventricles 0.84; 20 subjects" in said


def test_unreliable_tissues_are_warned_of_and_folded_away():
    said = section(report_html(bare(tissue=evidence.tissue(0.8))), "anatomy")
    assert "prove nothing of the set" in words(said)
    assert re.search(r"<details><summary>Figures of anatomy", said)


def test_the_unpaired_table_is_headed_by_what_it_is_not(html):
    found = section(html, "unpaired")
    assert "<h2>Unpaired: not evidence of quality</h2>" in found
    said = words(found)
    assert evidence.comparison().unpaired.why in said
    assert "Mean image, real against real and copies are no models" in said
    assert "24.4 dB" in said
    assert "∞" in said
    assert "No row is better than another" in said
    assert "The principled version" in said
    assert "copy of T1w" not in said  # true pairs have a section of their own


def test_inversions_say_their_search_and_their_patients(html):
    said = words(section(html, "unpaired"))
    assert "the same for all: 200 steps, 3 restarts, 80 images of 300 training and 280" in said
    assert "; n = 40" in said
    first = evidence.comparison().inversions[0]
    longer = first.attack.model_copy(update={"steps": 400})
    both = evidence.compared(
        inversions=[first, first.model_copy(update={"name": "b", "attack": longer})]
    )
    caption = comparison_view(both).unpaired.instead[0].caption
    assert "DIFFER" in caption
    assert "b 400 steps" in caption


@pytest.mark.parametrize("title", ["Frechet distance", "FID"])
def test_the_comparison_says_fid_only_where_the_comparison_itself_does(tmp_path, title):
    basis = "Inception-v3 (2015-12-05) at 299 pixels, weights 6726825d0af5"
    found = {"frechet_title": title, **({"basis": basis} if title == "FID" else {})}
    result = evidence.compared(**found)
    page, data = tmp_path / "r.html", tmp_path / "r.json"
    write_report(page, bare(comparison=result, filmstrip=[]), data=data)
    shown, html = title.replace("Frechet", "Fréchet"), page.read_text(encoding="utf-8")
    for anchor in ("comparison", "unpaired"):
        part = section(html, anchor)
        assert part.count(f'<th scope="col">{shown}</th>') == 1
        assert f"{shown}: {result.result.basis}; 144 images a side." in words(part)
        assert ("FID" in words(part)) == (title == "FID")
    told = json.loads(data.read_text())["comparison"]["result"]
    assert told["frechet_title"] == title
    assert told["basis"] == result.result.basis


def test_an_older_comparison_names_its_network_by_what_it_kept():
    shown = comparison_view(evidence.compared(basis=""))
    assert "Fréchet distance: EfficientNet-Lite0 features at 160 pixels; 144" in (
        shown.tables[0][0].caption
    )


def test_ties_are_called_ties(html):
    said = words(section(html, "comparison"))
    assert "+0.040 tie" in said
    assert "popgan is better than stylegan2" in said
    assert "−0.230" in said
    assert "Equal budgets" in said
    assert "at best" not in said or "exact" in said


def test_budgets_that_differ_are_a_warning():
    result = evidence.compared(equal_budget=False, budget_sentence="Budgets differ.")
    found = section(report_html(bare(comparison=result)), "comparison")
    assert '<p class="warning">Budgets differ.</p>' in found


def test_a_stale_comparison_is_not_shown_and_one_model_needs_none():
    assert comparison_view(ComparisonContent()) is None
    stale = comparison_view(ComparisonContent(state="stale", models=3))
    assert "changed since" in stale.lead
    assert not stale.tables
    with pytest.raises(ValueError, match="not shown"):
        ComparisonContent(state="stale", result=evidence.comparison())


def only_translators():
    return evidence.compared(
        models=[], groups=[], pairs=[], unpaired=None, inversions=[], notes=[],
        budget_sentence="", equal_budget=None, floor=None, mean_image=None,
    )  # fmt: skip


@pytest.fixture(scope="module")
def translator_page():
    return report_html(paired_fixtures.content(comparison=only_translators(), log=[]))


def test_translators_are_compared_on_both_kinds_of_page(html, translator_page):
    for page in (html, translator_page):
        assert '<li><a href="#translators">Translators compared</a></li>' in page
        found = section(page, "translators")
        said = words(found)
        # Every number that is stored: MSE, what was spent, the pair, the curves.
        for shown in ("0.00371", "25 408", "15 min 12 s", "1 203 456", "copy of T1w"):
            assert shown in said, shown
        assert "mustgan quick makes FLAIR better than pix2pix quick" in said
        assert "8 of 8 patients; p = 0.0078 after Holm" in said
        assert "at best 0.00781" in said
        assert "not evaluated: popgan evaluate" in said
        assert "Trained once: mustgan quick, pix2pix quick" in said
        assert "In no pair, without a current evaluation: pix2pix-new" in said
        assert found.count('aria-label="Accuracy of the discriminator') == 3
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_translators_alone_claim_no_models_that_draw(translator_page):
    assert 'id="comparison"' not in translator_page
    assert 'id="unpaired"' not in translator_page
    view = comparison_view(only_translators())
    assert "No model that draws images was compared" in view.lead
    assert not view.tables
    # A page of a model that draws keeps the anchor that its checklist leads to.
    page = report_html(bare(comparison=only_translators()))
    assert "0 models" not in words(section(page, "comparison"))
    assert "mustgan quick makes FLAIR better" in words(section(page, "translators"))


def test_a_page_says_of_translators_that_they_were_not_compared():
    waiting = ComparisonContent(state="stale", models=3)
    page = report_html(paired_fixtures.content(comparison=waiting, log=[]))
    assert "it is not shown" in words(section(page, "translators"))
    assert 'id="translators"' not in report_html(bare(comparison=waiting))
    none = report_html(bare(comparison=evidence.compared(translators=[])))
    assert "#translators" not in none


def test_the_release_says_under_which_verdict_and_why(html):
    said = words(section(html, "release"))
    assert "500" in said
    assert "passed" in said
    forced = evidence.release(level="too few subjects to test", accepted="a pilot within the house")
    page = report_html(bare(release=forced))
    assert "although it could not be tested" in words(section(page, "release"))
    assert "a pilot within the house" in words(section(page, "release"))
    assert "No set for sharing lies in the run folder" in words(
        section(report_html(bare()), "release")
    )


def test_the_way_of_patients_and_images_is_drawn(html):
    found = section(html, "provenance")
    said = words(found)
    assert "28 patients" in said
    assert "never shown in training" in said
    assert "500 released" in said
    assert found.count("<code>" + "0a1b" * 16) == 1
    audited = words(section(report_html(bare(audit=audits.passed())), "provenance"))
    assert "1000 audited" in audited
    assert "privacy: strangers" in audited


def test_checklists_leave_blank_what_is_not_on_the_page():
    full = content(comparison=evidence.compared(), tissue=evidence.tissue())
    much, little = (sections_of(shown) for shown in (full, bare()))
    assert len(claim_items(much)) == 44
    assert len(c_items(much)) == 7
    assert left_blank(claim_items(little)) > left_blank(claim_items(much)) > 15
    assert all(item.blank for item in claim_items({}))


def test_the_least_plausible_images_are_the_farthest_and_nothing_else():
    found = content().fidelity
    places = worst_places(found, 3)
    distances = {pair.synthetic: pair.distance for pair in found.nearest}
    assert [distances[p] for p in places] == sorted(distances.values(), reverse=True)[:3]
    assert worst_places(found, 2, without=places[:1]) == places[1:]


def test_only_what_was_audited_or_simulated_is_said_to_be_shareable():
    assert "somebody has to answer for that" in report_html(bare(simulated=False))
    assert "This page can be shared" in report_html(bare(simulated=True))


@pytest.mark.parametrize(
    "value",
    [
        {"subject": 12},
        {"note": ["of SMITH1950"]},
        {"deep": [{"who": {"id": "smith1950"}}]},
        {"SMITH1950": 1},
        ["smith1950"],
    ],
)
def test_data_with_something_private_are_refused(value):
    with pytest.raises(PrivateContentError):
        assert_shareable_data(value, ["harmless", "smith1950", "12"])


def test_numbers_are_no_ids():
    assert_shareable_data({"n": 12, "value": 0.123456, "subjects": [12, 13]}, ["12", "123456"])


def test_nothing_is_written_where_only_the_data_would_leak(tmp_path):
    forced = evidence.release(accepted="asked for by Dr. Mustermann")
    with pytest.raises(PrivateContentError):
        write_report(
            tmp_path / "report.html",
            bare(release=forced),
            forbidden=["mustermann"],
            data=tmp_path / "report.json",
        )
    assert list(tmp_path.iterdir()) == []


def test_broken_numbers_of_a_log_become_null(tmp_path):
    rows = [{"images": 8.0, "loss_generator": float("nan")}, {"images": np.float64(16.0)}]
    write_report(tmp_path / "r.html", bare(log=rows), data=tmp_path / "r.json")
    assert "NaN" not in (tmp_path / "r.json").read_text()


def test_a_translator_has_its_data_and_no_audit_by_nature(tmp_path):
    shown = paired_fixtures.content(audit=AuditContent(state="not applicable"), log=[])
    write_report(tmp_path / "r.html", shown, data=tmp_path / "r.json")
    data = json.loads((tmp_path / "r.json").read_text())
    assert data["target"] == shown.target
    assert data["audit"]["state"] == "not applicable"
    (row,) = [row for row in data["verdicts"] if "who the model was trained on" in row["claim"]]
    assert row["status"] == "untested"
    assert "shows the anatomy of the patient" in row["result"]
