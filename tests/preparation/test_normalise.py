"""Normalisations against closed forms, and against a phantom whose tissues are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popgan.phantom import Protocol, Study, draw, simulate
from popgan.preparation.curve import Curve
from popgan.preparation.landmarks import PERCENTILES, Landmarks
from popgan.preparation.normalise import (
    WHITE_MATTER,
    WINDOW,
    nyul_curve,
    peak_curve,
    standard_scale,
    zscore_curve,
)
from popgan.preparation.visit import SliceChoice, prepare_visit
from popgan.scans import Scan

VALUES = np.linspace(0, 1, 301, dtype=np.float32)


def marks(percentiles, *, mean=0.5, sd=0.1, white=0.6) -> Landmarks:
    return Landmarks("brain", tuple(float(p) for p in percentiles), mean, sd, white)


def even(low: float, high: float) -> Landmarks:
    """Landmarks that rise evenly, as the percentiles of even values do."""
    shares = (np.array(PERCENTILES) - 1) / 98
    return marks(low + shares * (high - low))


def curved(power: float) -> Landmarks:
    return marks(0.1 + 0.8 * ((np.array(PERCENTILES) - 1) / 98) ** power)


def test_z_score_puts_the_mean_and_each_standard_deviation_where_the_window_says():
    curve = zscore_curve(marks(np.linspace(0.2, 0.9, 11), mean=0.5, sd=0.1))
    low, high = WINDOW
    for z in (-2.5, 0.0, 1.0, 4.0):
        expected = (z - low) / (high - low)
        assert curve.apply(np.float32([0.5 + z * 0.1]))[0] == pytest.approx(expected, abs=1e-5)
    # Below the first percentile of the tissue it leads straight to the background.
    assert curve.points[1][0] == pytest.approx(0.2)


def test_a_window_that_begins_below_the_background_leaves_it_black():
    curve = zscore_curve(marks(np.linspace(0.1, 0.9, 11), mean=0.4, sd=0.2))
    assert curve.apply(np.float32([0]))[0] == 0


@pytest.mark.parametrize("contrast", [*WHITE_MATTER, "unknown"])
def test_the_white_matter_peak_comes_to_one_value_and_grey_follows_by_the_same_factor(contrast):
    found = [peak_curve(marks([], white=white), contrast) for white in (0.5, 0.8)]
    goal = WHITE_MATTER.get(contrast, 0.5)
    for white, curve in zip((0.5, 0.8), found, strict=True):
        both = curve.apply(np.float32([white, 0.7 * white]))
        np.testing.assert_allclose(both, [goal, 0.7 * goal], atol=1e-6)


def test_the_standard_scale_of_equal_scans_is_theirs_and_maps_them_onto_themselves():
    scale = standard_scale([curved(2.0)] * 3)
    np.testing.assert_allclose(scale, curved(2.0).percentiles, atol=1e-12)
    own = np.float32(curved(2.0).percentiles)
    np.testing.assert_allclose(nyul_curve(curved(2.0), scale).apply(own), own, atol=1e-6)


def test_the_standard_scale_by_hand():
    # Ends: medians 0.2 and 0.8. Shapes: even ones have the share s at s, the curved one s^2.
    scans = [even(0.1, 0.7), even(0.2, 0.8), curved(2.0), even(0.2, 0.8), even(0.3, 0.9)]
    shares = (np.array(PERCENTILES) - 1) / 98
    by_hand = 0.2 + 0.6 * (4 * shares + shares**2) / 5
    np.testing.assert_allclose(standard_scale(scans), by_hand, atol=1e-9)


def test_scans_that_differ_in_gain_and_offset_alone_become_equal():
    scale = standard_scale([curved(0.5), even(0.2, 0.7)])
    one, other = even(0.1, 0.5), even(0.3, 0.9)
    first = nyul_curve(one, scale).apply(np.float32(one.percentiles))
    second = nyul_curve(other, scale).apply(np.float32(other.percentiles))
    np.testing.assert_allclose(first, second, atol=1e-6)
    np.testing.assert_allclose(first, scale, atol=1e-6)


_percentiles = st.lists(st.floats(0, 1), min_size=11, max_size=11).map(sorted)


@settings(max_examples=150, deadline=None)
@given(own=_percentiles, others=st.lists(_percentiles, min_size=1, max_size=4))
def test_whatever_the_landmarks_every_method_is_monotone_finite_and_keeps_the_background(
    own, others
):
    values = np.array(own)
    one = marks(own, mean=float(values.mean()), sd=float(values.std()), white=float(values[7]))
    scale = standard_scale([marks(other) for other in others])
    for curve in (zscore_curve(one), peak_curve(one, "T1w"), nyul_curve(one, scale)):
        mapped = curve.apply(VALUES)
        assert np.isfinite(mapped).all()
        assert mapped[0] == 0
        assert mapped.min() >= 0
        assert mapped.max() <= 1
        assert (np.diff(mapped) >= -1e-7).all()


def test_scans_without_a_range_keep_theirs():
    flat = marks([0.4] * 11, mean=0.4, sd=0.0, white=0.0)
    assert zscore_curve(flat) == peak_curve(flat, "T1w") == Curve()
    assert standard_scale([flat, flat]) == standard_scale([]) == ()
    assert nyul_curve(flat, standard_scale([even(0.1, 0.9)])) == Curve()
    assert nyul_curve(even(0.1, 0.9), ()) == Curve()


def test_white_matter_of_phantoms_of_two_field_strengths_comes_together(tmp_path):
    """Against the truth of the phantom: after Nyul's scale and the peak it varies half as much."""
    landmarks, tissue = [], []
    for field in (1.5, 3.0):
        study = Study(("T1w",), Protocol(field=field), spacing=5.0, sites=2)
        for index in range(3):
            one = simulate(draw(11, index, study), study)
            data = one.scans["T1w"].astype(np.float32)
            scan = Scan("s", None, "T1w", data, one.affine, tmp_path / "x", None, "00", True)
            fact = prepare_visit(
                [scan], SliceChoice(count=12, keep_skull=True, bias_field="off")
            ).facts[0]
            landmarks.append(fact.landmarks)
            tissue.append(fact.intensity.apply(data)[one.labels() == 3])
    scale = standard_scale(landmarks[::2])

    def spread(curves) -> float:
        means = [c.apply(values).mean() for c, values in zip(curves, tissue, strict=True)]
        return float(np.std(means) / np.mean(means))

    before = spread([Curve()] * len(tissue))
    assert spread([nyul_curve(one, scale) for one in landmarks]) < 0.5 * before
    assert spread([zscore_curve(one) for one in landmarks]) < 0.5 * before
    assert spread([peak_curve(one, "T1w") for one in landmarks]) < 0.7 * before
