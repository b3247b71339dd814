"""The privacy annex can be read alone, says what was not tested, and gives away nobody."""

import json
import re

import audit_fixtures as audits
import evidence_fixtures as evidence
import pytest
from report_fixtures import bare, content, heads, private
from test_report import Outline

from popgan.evidence.privacy.controls import FOUND
from popgan.report.audit_view import audit_view
from popgan.report.claims import claims
from popgan.report.data import report_data
from popgan.report.private import private_html
from popgan.report.shareable import report_html, write_report
from popgan.report.uses import uses

GREEN = ("pill pass", 'class="verdict good"', 'class="verdict second good"')


def section(html, name="privacy"):
    return re.search(rf'<section id="{name}">.*?</section>', html, re.S)[0]


def words(html):
    return " ".join("".join(Outline(html).text).split())


class Pages(dict):
    """A page for each level of an audit, made when it is first asked for."""

    def __missing__(self, level):
        self[level] = report_html(bare(audit=audits.LEVELS[level](), gallery=heads(4, seed=1)))
        return self[level]


@pytest.fixture(scope="module")
def pages():
    return Pages()


@pytest.mark.parametrize("level", ["none", "stale", "not testable"])
def test_without_an_audit_nothing_on_the_page_is_green(pages, level):
    html = pages[level]
    assert not any(mark in html for mark in GREEN)
    annex = words(section(html))
    assert "Not tested" in annex
    assert "What would be asked" in annex
    assert "<svg" not in section(html)


@pytest.mark.parametrize("level", ["too few", "no power", "failed"])
def test_only_a_passed_audit_has_a_green_box(pages, level):
    assert "verdict good" not in section(pages[level])
    assert "verdict good" in section(pages["passed"])


@pytest.mark.parametrize("level", ["passed", "failed", "too few", "no power"])
def test_the_annex_says_what_was_asked_tested_found_and_not_shown(pages, level):
    annex = words(section(pages[level]))
    made = audits.LEVELS[level]()
    for said in (
        "can be read alone",
        "What was asked",
        "How it was tested",
        "What was found",
        "What this does not show",
        "Left to a person",
        "the patient, never the slice",
    ):
        assert said in annex
    assert made.verdict.sentence in annex
    assert f"{made.result.copies.train_subjects}" in annex
    assert annex.count("How to read this") >= 3  # both figures, and the column of each table
    assert section(pages[level]).count("<svg") == 2


def test_numbers_of_the_annex_are_those_of_the_result(pages):
    found, annex = audits.failed(), words(section(pages["failed"]))
    for attack in found.result.attacks:
        auc = attack.auc
        assert f"{auc.value:.2f} ({auc.low:.2f}, {auc.high:.2f})" in annex  # in the figure
        assert f"{auc.value:.2f} ({auc.low:.2f} to {auc.high:.2f})" in annex  # in the table
    assert "17 of 1000" in annex
    assert "41 of 1000 (at most 5.3 %)" in annex
    assert f"{found.result.neighbours.ratio.value:.2f} (0.92 to 0.94)" in annex


def test_figures_name_axes_limit_and_n(pages):
    annex = section(pages["too few"])
    said = words(annex)
    assert "limit 0.60" in said
    assert "AUC of the attack (0.5 = guessing)" in said
    assert "n = 28 members, 6 others" in said
    assert f"needed over all: {FOUND * 100:.0f} %" in said
    for kind in audits.KINDS:
        assert kind in said


def test_the_interval_of_members_against_members_is_drawn(pages):
    labels = [svg["aria-label"] for svg in Outline(section(pages["passed"])).all("svg")]
    assert "members against members 0.50 (0.43 to 0.56" in labels[0].replace("0.57", "0.56")


def test_the_generator_is_asked_about_only_where_it_is_released(pages):
    assert "The generator itself" in pages["passed"]
    assert "images and the generator" in pages["passed"]
    assert "The generator itself" not in pages["failed"]
    asked = [len(audit_view(make()).questions) for make in (audits.passed, audits.failed)]
    assert asked == [6, 5]


def test_decisions_of_people_are_blank(pages):
    html = pages["passed"]
    assert section(html).count('class="blank"></dd>') == 4
    assert section(html, "checklists").count('<span class="blank"></span>') > 15


def test_the_shareable_page_and_its_data_name_no_patient(tmp_path):
    secret = audits.secret()
    shown = bare(audit=audits.failed())
    path = write_report(
        tmp_path / "report.html",
        shown,
        forbidden=[row.subject for row in secret.exposed],
        data=tmp_path / "report.json",
    )
    text = path.read_text() + (tmp_path / "report.json").read_text()
    assert not any(row.subject in text for row in secret.exposed)
    assert 'id="flagged"' not in text


def test_the_private_page_shows_flagged_images_and_the_most_exposed():
    html = private_html(content(audit=audits.failed()), private(audit=audits.secret()))
    flagged = section(html, "flagged")
    assert len(Outline(flagged).all("img")) == 9
    assert flagged.count("beyond doubt") == 1
    said = words(flagged)
    assert "41 images were flagged of 1000" in said
    assert "aligned correlation 0.997" in said
    assert "p0009" in said


def test_the_private_page_says_so_where_the_audit_is_stale():
    html = private_html(content(audit=audits.LEVELS["stale"]()), private())
    assert "stale" in words(section(html, "flagged"))


def test_the_data_beside_the_page_hold_what_it_says():
    shown = content(
        audit=audits.passed(),
        comparison=evidence.compared(),
        tissue=evidence.tissue(),
        release=evidence.release(),
    )
    data = json.loads(json.dumps(report_data(shown, claims(shown), uses(shown)), allow_nan=False))
    assert [row["status"] for row in data["verdicts"]].count("untested") == 2
    assert data["audit"]["result"]["attacks"][0]["auc"]["value"] == 0.49
    assert data["tissue"]["reliability"]["synthetic"]["value"] == 0.98
    assert data["comparison"]["result"]["unpaired"]["heading"].startswith("Unpaired")
    assert data["release"]["images"] == 500
    assert data["splits"]["test"]["subjects"] == 6
    assert data["fidelity"]["metrics"][0]["value"]["value"] == 0.371
    # Neither pictures nor places in the training set.
    assert not {"gallery", "filmstrip"} & set(data)
    assert not {"nearest", "synthetic_mean"} & set(data["fidelity"])
    assert len(data["worst"]["places"]) == 12
