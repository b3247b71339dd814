"""The pages show masks where there are any, with figures, colours and what was not looked at."""

from __future__ import annotations

import numpy as np
from report_fixtures import bare, content, heads, private

from popgan.evidence.masks import MaskMeasure, MaskResult, StepMeasure
from popgan.evidence.statistics import Estimate
from popgan.report.content import MaskContent
from popgan.report.masks import mask_view
from popgan.report.private import private_html
from popgan.report.shareable import report_html

HOSTILE = '<b onmouseover="x">'


def estimate(value: float, low: float | None = None, high: float | None = None, **n: int):
    counts = {"n_real": 0, "n_synthetic": 0, "n_subjects": 0} | n
    return Estimate(value=value, low=low, high=high, method="made up", **counts)


def measured() -> MaskResult:
    step = StepMeasure(
        contrast="T1w",
        synthetic=estimate(0.21, 0.2, 0.22, n_synthetic=600),
        real=estimate(0.25, 0.22, 0.28, n_real=70, n_subjects=6),
        swapped=0.01,
    )
    lesion = MaskMeasure(
        value=1,
        name="lesion",
        share_synthetic=estimate(0.613, 0.58, 0.64, n_synthetic=1000),
        share_real=estimate(0.5, 0.3, 0.7, n_real=144, n_subjects=6),
        area_synthetic=estimate(0.0042, 0.004, 0.0045, n_synthetic=613),
        area_real=estimate(0.005, None, None, n_real=3, n_subjects=1),
        steps=[step],
    )
    never = lesion.model_copy(
        update={"value": 9, "name": HOSTILE, "area_synthetic": None, "steps": []}
    )
    warning = "lesion: 50% of real images show it."
    return MaskResult(
        n_synthetic=1000, n_real=144, n_subjects=6, labels=[lesion, never], warnings=[warning]
    )


def masks(**changes) -> MaskContent:
    grey = ((heads(6)[:, 0] + 1) * 127).astype(np.uint8)
    pictures = np.stack([grey, grey, grey // 2], 3)
    values = {
        "kind": "dseg",
        "legend": [("lesion", "#e69f00"), (HOSTILE, "#56b4e9")],
        "overlays": pictures,
        "measured": measured(),
    }
    return MaskContent(**(values | changes))


def test_figures_stand_side_by_side_with_their_numbers() -> None:
    view = mask_view(masks())
    assert view is not None
    lesion, never = view.rows
    assert lesion.share == ("61.3\u202f%", "(58.0\u202f% to 64.0\u202f%; n = 1000)")
    assert lesion.area[0] == "0.42\u202f%"
    assert lesion.area_real == ("0.50\u202f%", "(no interval; n = 3)")
    assert lesion.steps[0].swapped == "1.0\u202f%"
    assert lesion.steps[0].follows == "83\u202f%"
    assert never.area == ("–", "no image shows it")


def test_the_page_shows_masks_and_says_what_did_not_look_at_them() -> None:
    html = report_html(content(masks=masks(unmapped=240)))
    assert 'id="masks"' in html
    assert html.count("background: #e69f00") == 2
    assert "search for nearest training images, look at the images alone" in html
    assert "240 training slices without a map were left out" in html
    assert "50\u202f% of real images" in html
    assert "Do the masks belong to their images?" in html
    assert "1 of 1 labels follow the image" in html
    assert HOSTILE not in html
    assert "&lt;b onmouseover" in html


def test_masks_that_were_not_measured_are_called_so() -> None:
    html = report_html(bare(masks=masks(measured=None)))
    assert "The masks were not measured." in html
    assert 'background: #e69f00"></span> lesion' in html


def test_a_model_without_masks_has_no_such_section() -> None:
    assert mask_view(None) is None
    for html in (report_html(content()), private_html(content(), private())):
        assert 'id="masks"' not in html
        assert "asks belong to" not in html


def test_the_private_page_shows_real_ones_beside_them() -> None:
    pictures = masks().overlays
    html = private_html(content(masks=masks()), private(real_overlays=pictures[:4]))
    assert "real images under their masks" in html
    assert 'aria-label="4 real images under their masks"' in html
    assert "Masks have no part in the search" in html
