"""The range of a translated image: the median of the training scans, with its way back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popgan.cohort.manifest import ScanRecord
from popgan.cohort.whole_target import TargetRange
from popgan.preparation.curve import Curve, through


def record(
    offset: float = 0.0, scale: float = 1.0, curve: Curve | None = None, contrast: str = "FLAIR"
) -> ScanRecord:
    return ScanRecord(
        subject="p",
        visit=0,
        contrast=contrast,
        digest="d",
        kind="head",
        shape=(2, 2, 2),
        spacing=(1, 1, 1),
        offset=offset,
        scale=scale,
        curve=curve.points if curve else (),
    )


def test_it_is_the_median_of_the_scans_of_that_contrast() -> None:
    scans = [record(o, s) for o, s in ((0, 100), (10, 900), (20, 300))]
    scans += [record(5000, 5000, contrast="T1w")] * 9
    found = TargetRange.of(scans, "FLAIR")
    assert (found.offset, found.scale, found.scans) == (10, 300, 3)
    assert np.allclose(found.restore(np.array([0, 0.5, 1])), [10, 160, 310])
    with pytest.raises(ValueError, match="no training scan"):
        TargetRange.of(scans, "T2w")


@given(
    knots=st.lists(st.floats(0.05, 0.9), min_size=2, max_size=6, unique=True),
    rise=st.floats(0.4, 1.5),
)
def test_of_one_scan_it_is_the_way_back_of_its_own_curve(knots, rise) -> None:
    before = sorted(knots)
    curve = through(before, [min(0.95, value**rise) for value in before], slope=0.7)
    found = TargetRange.of([record(50, 400, curve)], "FLAIR")
    # Between knots of 1/256 a bend of the curve is cut short.
    unit = np.linspace(0, curve.points[-1][1], 97).astype(np.float32)
    steps = np.diff(np.array(curve.points), axis=0)
    steepest = max(1.0, float((steps[:, 0] / steps[:, 1]).max()))
    error = np.abs(found.restore(unit) - (curve.restore(unit) * 400 + 50)).max()
    assert error < 400 * steepest / 256 + 0.01


def test_a_curve_that_ends_goes_on_straight() -> None:
    curve = through([0.5], [0.4], slope=0.5)  # ends at (1, 0.65)
    found = TargetRange.of([record(0, 1, curve)], "FLAIR")
    assert found.restore(np.array([0.65])) == pytest.approx(1, abs=0.01)
    assert found.restore(np.array([0.75])) == pytest.approx(1.2, abs=0.01)


@given(st.floats(0, 1), st.floats(0, 0.5))
def test_a_half_width_is_in_grey_values_and_never_negative(unit, half) -> None:
    curve = through([0.2, 0.6], [0.1, 0.8], slope=0.3)
    found = TargetRange.of([record(100, 500, curve)], "FLAIR")
    width = found.width(np.array([unit]), np.array([half]))
    assert width >= 0
    straight = TargetRange.of([record(100, 500)], "FLAIR")
    assert straight.width(np.array([unit]), np.array([half])) == pytest.approx(500 * half, abs=1e-3)


def test_the_middle_of_three_curves_is_the_middle_one() -> None:
    curves = [through([0.5], [y], slope=1.0) for y in (0.3, 0.4, 0.7)]
    found = TargetRange.of([record(0, 1, curve) for curve in curves], "FLAIR")
    own = TargetRange.of([record(0, 1, curves[1])], "FLAIR")
    unit = np.linspace(0, 0.4, 50)
    assert np.allclose(found.restore(unit), own.restore(unit), atol=1e-6)
