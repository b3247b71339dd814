"""Both pages: self-contained, well-formed, complete, escaped, and private where they must be."""

import re
import stat
from html.parser import HTMLParser

import numpy as np
import pytest
from report_fixtures import HOSTILE, bare, content, plan, private

from popgan.report.guard import PrivateContentError, assert_self_contained
from popgan.report.private import private_html, quality_html, write_private_report
from popgan.report.shareable import report_html, write_report
from popgan.report.words import typeset

_VOID = {"meta", "img", "br", "input", "link", "hr"}


class Outline(HTMLParser):
    """Checks that tags are balanced; keeps tags, attributes and text."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.text = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> without a start"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, name):
        return [attrs for tag, attrs in self.tags if tag == name]


@pytest.fixture(scope="module")
def shareable():
    return report_html(content())


@pytest.fixture(scope="module")
def secret():
    return private_html(content(), private())


@pytest.fixture(params=["shareable", "secret"])
def page(request):
    return request.getfixturevalue(request.param)


def test_pages_are_well_formed_and_ids_unique(page):
    outline = Outline(page)
    ids = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = [a["href"][1:] for a in outline.all("a")] + [
        u["href"][1:] for u in outline.all("use")
    ]
    assert targets
    assert set(targets) <= set(ids)
    clips = re.findall(r"url\(#([^)]+)\)", page)
    assert set(clips) <= set(ids)


def test_pages_load_nothing(page):
    outline = Outline(page)
    assert_self_contained(page)
    assert "script" not in {tag for tag, _ in outline.tags}
    assert all(image["src"].startswith("data:image/png;base64,") for image in outline.all("img"))
    assert "http://" not in page
    assert "https://" not in page
    policy = next(m for m in outline.all("meta") if "http-equiv" in m)
    assert "default-src 'none'" in policy["content"]


def test_pages_stay_small(page):
    assert len(page) < 1_000_000


def test_a_large_gallery_stays_below_six_megabytes():
    rng = np.random.default_rng(0)
    noise = rng.uniform(-1, 1, (200, 1, 192, 192)).astype(np.float32)  # noise packs worst
    assert len(report_html(bare(gallery=noise))) < 6_000_000


def test_all_sections_are_there(shareable):
    outline = Outline(shareable)
    ids = {attrs.get("id") for attrs in outline.all("section")}
    assert ids == {
        "tested",
        "gallery",
        "average",
        "measurements",
        "coverage",
        "worst",
        "privacy",
        "release",
        "checklists",
        "training",
        "cohort",
        "plan",
        "provenance",
        "limits",
    }
    links = {attrs["href"].removeprefix("#") for attrs in outline.all("a")} - {"content"}
    assert links == ids


def test_every_figure_is_there_and_says_what_it_shows(shareable):
    outline = Outline(shareable)
    drawings = outline.all("svg")
    # Four training curves, one scale a metric, the spectrum.
    assert len(drawings) == 4 + len(content().fidelity.metrics) + 1
    assert all(len(drawing["aria-label"]) > 30 for drawing in drawings)
    assert all("alt" in image for image in outline.all("img"))
    assert len(outline.all("img")) == 64 + 2 + 25 + 12


def test_every_metric_is_printed_with_interval_floor_and_reading_aid(shareable):
    text = "".join(Outline(shareable).text)
    for metric in content().fidelity.metrics:
        assert typeset(metric.title) in text
        assert typeset(metric.how_to_read) in text
        assert typeset(metric.value.method) in text
    assert "0.322 to 0.419" in text
    assert "0.012 (0.004 to 0.027)" in text
    assert "mean image 1.69, noise 2.31" in text
    assert "21\u202f% of the way to the mean image." in text


def test_scores_stand_beside_the_network_they_were_measured_with(shareable):
    outline = Outline(shareable)
    bases = re.findall(r'<p class="basis">([^<]+)</p>', shareable)
    assert bases.count("EfficientNet-Lite0 features at 160 pixels") == 8
    assert bases.count("computed on pixels") == 4
    text = "".join(outline.text)
    assert "Kernel distance, EfficientNet-Lite0" in text
    assert "Distances in EfficientNet-Lite0 features at 160 pixels." in text


def test_one_spelling_of_percentages_and_names(shareable):
    outline = Outline(shareable)
    said = "".join(outline.text) + "".join(svg["aria-label"] for svg in outline.all("svg"))
    said = said.replace(re.search(r"<style>(.*?)</style>", shareable, re.S)[1], "")
    assert "Fréchet" in said
    assert "Frechet" not in said
    assert said.count("%") > 5
    assert not re.search(r"[^\u202f]%", said)


def test_each_method_is_told_once_and_every_row_points_to_one(shareable):
    listed = re.findall(r'<li class="note"><sup>(\w)</sup>', shareable)
    pointed = re.findall(r"<sup>(\w)</sup></td>", shareable)
    assert listed == ["a", "b"]
    assert len(pointed) == len(content().fidelity.metrics)
    assert set(pointed) == set(listed)


def test_what_was_not_tested_is_said(shareable):
    outline = Outline(shareable)
    pills = [attrs["class"] for attrs in outline.all("span") if "pill" in attrs.get("class", "")]
    assert pills.count("pill untested") == 5  # tissues (two), readers, privacy, downstream
    assert pills.count("pill pass") == 0
    text = "".join(outline.text)
    assert "not for diagnosis" in text
    assert "No privacy audit" in text


def test_every_value_of_the_plan_is_printed(shareable):
    from popgan.config.schema import leaves

    text = "".join(Outline(shareable).text)
    names = [name for name, _ in leaves(plan()) if "." in name]
    assert len(names) > 30
    assert all(name in text for name in names)
    assert "budget 6 min at a measured 134 images/s" in text


def test_tables_are_real_tables(page):
    outline = Outline(page)
    assert len(outline.all("table")) >= 2
    assert all(attrs.get("scope") in ("col", "row") for attrs in outline.all("th"))


def test_a_page_without_results_says_so():
    html = report_html(bare(filmstrip=[]))
    text = "".join(Outline(html).text)
    assert "Not measured" in text
    assert "No training log" in text
    assert "KID" not in text


def test_broken_values_in_the_log_leave_gaps_and_missing_columns_leave_figures_out():
    rows = [{**row} for row in content().log[:6]]
    rows[2]["accuracy_real"] = float("nan")
    for row in rows:
        del row["loss_generator"]
        row["images_per_second"] = float("inf")
    titles = ["Accuracy of", "Adversarial losses", "Gradient norms", "Speed of training"]
    text = "".join(Outline(report_html(bare(log=rows))).text)
    assert [title in text for title in titles] == [True, False, True, False]


def test_several_contrasts_get_a_gallery_each():
    outline = Outline(report_html(bare(contrasts=["T1w", "FLAIR"])))
    labels = [attrs["aria-label"] for attrs in outline.all("div") if attrs.get("role") == "img"]
    assert [label.split(", ")[-1] for label in labels] == ["T1w", "FLAIR"]


def test_hostile_strings_stay_text():
    log = [{**row, HOSTILE: 1.0} for row in content().log[:2]]
    values = {
        "title": HOSTILE,
        "cohort": {HOSTILE: HOSTILE},
        "provenance": {"created": HOSTILE, "versions": {HOSTILE: HOSTILE}},
        "stations": [(HOSTILE, 1.0)],
        "log": log,
        "plan": plan(contrasts=[HOSTILE]),
    }
    hostile = bare(**values)
    pages = [report_html(hostile)]
    from popgan.report.content import (
        PreparationRow,
        QualityContent,
        Quarantined,
        ScanRow,
        SubjectRow,
    )

    secret = private(
        quarantined=[Quarantined(HOSTILE, HOSTILE)],
        subjects=[SubjectRow(HOSTILE, HOSTILE, HOSTILE, [HOSTILE])],
        qc=[ScanRow(HOSTILE, HOSTILE, HOSTILE, private().real[0][0], {"snr": 1.0}, [HOSTILE])],
        doubles=[HOSTILE],
    )
    pages.append(private_html(hostile, secret))
    told = PreparationRow(HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1)
    sheet = QualityContent(secret.qc, [HOSTILE], HOSTILE, [told], secret.quarantined)
    pages.append(quality_html(sheet))
    for html in pages:
        outline = Outline(html)
        assert "script" not in {tag for tag, _ in outline.tags}
        assert not any(name.startswith("on") for _, attrs in outline.tags for name in attrs)
        assert HOSTILE in "".join(outline.text)


def test_a_hostile_metric_title_stays_text_in_its_figure():
    measured = content().fidelity
    title = 'x" onload="alert(1)<script>'
    metrics = [metric.model_copy(update={"title": title}) for metric in measured.metrics[:1]]
    html = report_html(bare(fidelity=measured.model_copy(update={"metrics": metrics})))
    outline = Outline(html)
    assert "script" not in {tag for tag, _ in outline.tags}
    assert not any("onload" in attrs for _, attrs in outline.tags)
    assert any(title in svg["aria-label"] for svg in outline.all("svg"))


def test_the_shareable_page_holds_no_real_id_or_path(tmp_path):
    secret = private()
    ids = [subject.source_id for subject in secret.subjects]
    paths = [file for subject in secret.subjects for file in subject.files]
    path = write_report(tmp_path / "report.html", bare(), forbidden=[*ids, *paths])
    text = path.read_text()
    assert not any(string in text for string in [*ids, *paths])


def test_a_page_that_would_leak_is_not_written(tmp_path):
    leaking = bare(cohort={"Subjects": 40, "Source": "/data/hospital/IXI100-Guys-0700"})
    with pytest.raises(PrivateContentError):
        write_report(tmp_path / "report.html", leaking, forbidden=["IXI100-Guys-0700"])
    assert list(tmp_path.iterdir()) == []


def test_the_private_page_shows_paths_and_reasons_and_is_the_owners_alone(tmp_path):
    path = write_private_report(tmp_path / "report.html", content(), private())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    outline = Outline(path.read_text())
    text = "".join(outline.text)
    assert "PRIVATE: this page contains patient images" in text
    assert "/data/hospital/IXI999/t1.nii.gz" in text
    assert "the gzip stream is truncated" in text
    assert "IXI100-Guys-0700" in text


def test_the_closest_pairs_come_first(secret):
    found = [float(value) for value in re.findall(r"correlation ([\d.]+)", secret)]
    assert len(found) == 12
    assert found == sorted(found, reverse=True)


def test_the_same_content_gives_the_same_bytes(shareable):
    assert report_html(content()) == shareable
