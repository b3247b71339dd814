"""Numbers and pixels as they are printed."""

import base64
import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from popgan.report.pixels import data_uri, grey, slice_uri, stack_uri
from popgan.report.words import duration, interval, moment, number, percent, plain, score, typeset


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.3714, "0.371"),
        (0.012, "0.012"),
        (0.58, "0.580"),
        (187.4, "187"),
        (48000, "48\u202f000"),
        (-0.25, "\u22120.250"),
        (1.0, "1"),
        (1008, "1008"),
        (9999.7, "10\u202f000"),
        (0, "0"),
        (3e-6, "3.0e-06"),
        (None, "–"),
        (math.nan, "–"),
    ],
)
def test_three_digits_and_no_more(value, text):
    assert number(value) == text


@given(st.floats(1e-3, 1e6))
def test_a_printed_number_is_within_half_a_percent(value):
    printed = float(number(value).replace("\u202f", ""))
    assert abs(printed - value) <= 0.0051 * value


def test_scores_claim_no_more_than_three_decimals():
    assert [score(v) for v in (0.801, 0.00608, -0.00411, 0.0163, 12.34)] == [
        "0.801",
        "0.006",
        "\u22120.004",
        "0.016",
        "12.3",
    ]
    assert score(0.0002) == number(0.0002)
    assert score(None) == "–"
    assert score(0) == "0"


def test_sentences_get_the_spelling_of_the_page():
    assert typeset("95 % of 5% by Frechet") == "95\u202f% of 5\u202f% by Fréchet"
    assert typeset("100 percent") == "100 percent"
    assert typeset("CI -2.16 to 1.1 (-3)") == "CI \u22122.16 to 1.1 (\u22123)"
    assert typeset("2026-11-28, T1-2, 1e-4, --n -x") == "2026-11-28, T1-2, 1e-4, --n -x"
    assert percent(0.523) == "52\u202f%"


def test_intervals_durations_and_times_in_words():
    assert interval(0.1, 0.25) == "0.100 to 0.250"
    assert interval(None, None) == "–"
    assert [duration(s) for s in (4.12, 42, 372, 11100)] == [
        "4.1 s",
        "42 s",
        "6 min 12 s",
        "3 h 05 min",
    ]
    assert moment("2026-11-22T12:40:00+00:00") == "22 November 2026, 12:40 UTC"
    assert moment("soon") == "soon"
    assert plain([64, 32]) == "64, 32"
    assert plain(True) == "yes"


def decode(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))))


def test_pixels_come_back_from_the_data_uri():
    image = np.linspace(-1, 1, 256, dtype=np.float32).reshape(16, 16)
    np.testing.assert_array_equal(decode(slice_uri(image)).ravel(), np.arange(256))
    np.testing.assert_array_equal(decode(data_uri(grey(image.T))), decode(slice_uri(image)).T)


def test_a_stack_is_one_column():
    images = np.stack([np.full((4, 6), value, np.float32) for value in (-1, 0, 1)])
    column = decode(stack_uri(images))
    assert column.shape == (12, 6)
    assert [int(column[row, 0]) for row in (0, 4, 8)] == [0, 128, 255]


def test_grey_clips_and_shows_nan_as_black():
    np.testing.assert_array_equal(grey(np.array([-5, np.nan, 0, 5])), [0, 0, 128, 255])
