"""The pages show masks where there are any, with figures, colours and what was not looked at."""

from __future__ import annotations

from report_fixtures import bare, content, masks, private

from popgan.report.masks import mask_view
from popgan.report.private import private_html
from popgan.report.shareable import report_html


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
    assert "The masks belong to their images." in html
    assert "1 of 1 labels follow the image" in html
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


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
