"""A curve rises, keeps zero, and leads back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popgan.preparation.curve import Curve, through

_VALUES = np.linspace(0, 1, 401, dtype=np.float32)
_shares = st.lists(st.floats(0, 1), min_size=0, max_size=11).map(sorted)


@settings(max_examples=200, deadline=None)
@given(before=_shares, after=_shares, slope=st.floats(0.05, 20))
def test_any_landmarks_give_a_curve_that_rises_keeps_zero_and_leads_back(before, after, slope):
    count = min(len(before), len(after))
    curve = through(before[:count], after[:count], slope=slope)
    mapped = curve.apply(_VALUES)
    assert mapped[0] == 0
    assert np.isfinite(mapped).all()
    assert mapped.min() >= 0
    assert mapped.max() <= 1
    assert (np.diff(mapped) >= 0).all()
    points = np.array(curve.points or [(0, 0), (1, 1)])
    assert (np.diff(points, axis=0) > 0).all()
    # Back again wherever nothing was clipped; float32 resolves 6e-8 of the steepest piece.
    steepest = (np.diff(points[:, 0]) / np.diff(points[:, 1])).max()
    kept = points[-1, 0] >= _VALUES
    back = curve.restore(mapped)
    np.testing.assert_allclose(back[kept], _VALUES[kept], atol=1e-6 + 1e-6 * steepest)


def test_points_are_met_and_lines_are_straight_between_them():
    curve = through([0.2, 0.6], [0.4, 0.5], slope=0.5)
    at = np.array([0, 0.1, 0.2, 0.4, 0.6, 0.8, 1], np.float32)
    np.testing.assert_allclose(curve.apply(at), [0, 0.2, 0.4, 0.45, 0.5, 0.6, 0.7], atol=1e-6)


def test_a_curve_ends_where_it_reaches_one():
    curve = through([0.4, 0.8], [0.5, 1.5], slope=1)
    assert curve.points[-1] == pytest.approx((0.6, 1.0))
    assert curve.apply(np.float32([0.6, 0.7, 1.0])).tolist() == [1, 1, 1]
    assert through([], [], slope=4).points == ((0.0, 0.0), (0.25, 1.0))


def test_tied_landmarks_are_one_point():
    curve = through([0.0, 0.3, 0.3, 0.5], [0.1, 0.2, 0.4, 0.6], slope=1)
    assert curve.points[:3] == ((0.0, 0.0), (0.3, 0.2), (0.5, 0.6))


def test_no_points_change_nothing():
    assert Curve().apply(_VALUES) is _VALUES
    assert Curve().restore(_VALUES) is _VALUES
