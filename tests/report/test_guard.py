"""The guard finds what may not be shared, wherever it stands, and cries wolf at nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_fixtures import bare

from popgan.report.guard import (
    PrivateContentError,
    assert_self_contained,
    assert_shareable,
    forbidden_strings,
)
from popgan.report.shareable import report_html


@pytest.mark.parametrize(
    "html",
    [
        "<p>subject IXI002 was odd</p>",
        "<p>ixi002</p>",
        '<img alt="nearest: IXI002" src="data:image/png;base64,AA">',
        "<!-- IXI002 -->",
        "<title>IXI002</title>",
        "<p>/data/IXI002/T1.nii.gz</p>",
        '<a href="#IXI002">x</a>',
        "<p>I&#88;I002</p>",
        "<svg><text>IXI002</text></svg>",
    ],
)
def test_an_id_is_found_wherever_it_stands(html):
    with pytest.raises(PrivateContentError):
        assert_shareable(html, ["harmless", "IXI002"])


@pytest.mark.parametrize(
    "html",
    [
        "<p>IXI0021 and XIXI002 are others</p>",
        '<img src="data:image/png;base64,IXI002" alt="">',
        '<path d="M IXI002">',
    ],
)
def test_parts_of_words_and_pixels_are_no_finding(html):
    assert_shareable(html, ["IXI002"])


def test_a_short_number_is_looked_for_as_an_id_only():
    assert_shareable("<p>12 subjects, 0.12, 64 x 12</p>", ["12"])
    for text in ("sub-12", "Subject 12", "id: 12", "/data/12/t1.nii"):
        with pytest.raises(PrivateContentError):
            assert_shareable(f"<p>{text}</p>", ["12"])


def test_words_of_the_page_itself_are_no_finding_but_names_are():
    html = report_html(bare())
    assert_shareable(html, ["training", "mean", "images", "01", "a", ""])
    with pytest.raises(PrivateContentError):
        assert_shareable(html.replace("Example CPU", "Smith's CPU"), ["smith"])


def test_the_message_does_not_repeat_what_is_private():
    with pytest.raises(PrivateContentError) as caught:
        assert_shareable("<p>SMITH_JOHN_1950</p>", ["SMITH_JOHN_1950"])
    assert "SMITH" not in str(caught.value)


@given(st.text("abcXYZ0189_-./ ", min_size=6, max_size=20).filter(lambda s: s.strip(" ./-_")))
def test_whatever_is_printed_as_a_word_is_found(string):
    with pytest.raises(PrivateContentError):
        assert_shareable(f"<p>scan: {string} end</p>", [string])


def test_file_names_are_forbidden_unless_they_identify_nobody():
    found = forbidden_strings(["/data/p1/T1w.nii.gz", "/data/smith1950_t1.png"], ["p1", ""])
    assert "/data/p1/T1w.nii.gz" in found
    assert "T1w" not in found
    assert "smith1950_t1" in found
    assert "" not in found


@pytest.mark.parametrize(
    "html",
    [
        '<img src="http://x/y.png">',
        '<script src="a.js"></script>',
        '<link href="style.css">',
        "<style>@import 'x.css';</style>",
        '<p style="background: url(x.png)">',
        '<svg><use xlink:href="other.svg#a"/></svg>',
    ],
)
def test_anything_loaded_is_refused(html):
    with pytest.raises(PrivateContentError):
        assert_self_contained(html)


def test_what_is_inside_may_be_referred_to():
    assert_self_contained(
        '<a href="#x">x</a><img src="data:image/png;base64,AA"><g clip="url(#c)">'
    )
