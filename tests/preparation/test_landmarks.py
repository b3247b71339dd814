"""Landmarks of made heads whose tissues are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popgan.preparation.intensity import measure_intensity
from popgan.preparation.landmarks import PERCENTILES, measure_landmarks, white_matter_peak

SIDE = 96  # mm a side / 2
FAT, GREY, WHITE = 900.0, 300.0, 500.0


def head(*, stripped: bool = False, seed: int = 0) -> np.ndarray:
    """X x Y x Z of 2 mm: bright scalp, dark skull, grey matter around white matter, all noisy."""
    axis = np.arange(-SIDE, SIDE + 1, 2.0)
    radius = np.hypot(axis[:, None], axis[None, :] / 1.2)[..., None] + np.zeros(6)
    data = np.select(
        [radius < 45, radius < 62, radius < 68, radius < 76], [WHITE, GREY, 40.0, FAT], 0.0
    )
    if stripped:
        data[radius >= 62] = 0
    noise = np.random.default_rng(seed).normal(0, 12, data.shape)
    return np.where(data > 0, data + noise, 0 if stripped else np.abs(noise)).astype(np.float32)


def measure(data: np.ndarray, contrast: str = "T1w", *, stripped: bool = False):
    intensity = measure_intensity(data)
    planes = np.moveaxis(intensity.apply(data), 2, 0)
    found = measure_landmarks(
        planes,
        contrast=contrast,
        threshold=intensity.threshold,
        stripped=stripped,
        spacing=(2.0, 2.0),
    )
    return found, intensity


def test_scalp_and_skull_are_not_in_the_landmarks():
    found, intensity = measure(head())
    low, high = intensity.restore(np.float32([found.percentiles[0], found.percentiles[-1]]))
    assert found.region == "inside of the head"
    assert GREY - 45 < low < GREY
    assert WHITE < high < WHITE + 45


def test_a_head_and_its_brain_have_the_same_tissue_values():
    values = []
    for stripped in (False, True):
        found, intensity = measure(head(stripped=stripped), stripped=stripped)
        assert found.region == ("brain" if stripped else "inside of the head")
        values.append(intensity.restore(np.float32(found.percentiles)))
    # The rims differ (more of the grey matter is seen of a brain), the tissues do not.
    np.testing.assert_allclose(values[0][[0, -2, -1]], values[1][[0, -2, -1]], rtol=0.05)


@pytest.mark.parametrize("stripped", [False, True])
def test_white_matter_is_found_in_original_units(stripped):
    found, intensity = measure(head(stripped=stripped), stripped=stripped)
    peak = float(intensity.restore(np.float32([found.white_matter]))[0])
    assert peak == pytest.approx(WHITE, rel=0.03)


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(0.01, 300), shift=st.floats(-200, 200))
def test_gain_and_offset_of_the_scanner_are_not_in_the_landmarks(gain, shift):
    plain, _ = measure(head())
    other, _ = measure((head() * gain + shift).astype(np.float32))
    np.testing.assert_allclose(other.percentiles, plain.percentiles, atol=0.01)
    assert other.white_matter == pytest.approx(plain.white_matter, abs=0.02)
    assert (other.mean, other.sd) == pytest.approx((plain.mean, plain.sd), abs=0.01)


def mixture(*parts: tuple[float, float, int]) -> np.ndarray:
    rng = np.random.default_rng(3)
    drawn = [rng.normal(mean, sd, count) for mean, sd, count in parts]
    return np.clip(np.concatenate(drawn), 0, 1).astype(np.float32)


def test_white_matter_is_the_last_peak_with_t1_weighting_even_where_it_is_not_the_highest():
    values = mixture((0.15, 0.05, 8000), (0.45, 0.05, 30000), (0.7, 0.04, 15000))
    assert white_matter_peak(values, "T1w") == pytest.approx(0.7, abs=0.01)
    assert white_matter_peak(values, "T1wCE") == pytest.approx(0.7, abs=0.01)


def test_white_matter_is_the_highest_peak_in_other_contrasts():
    values = mixture((0.3, 0.03, 30000), (0.45, 0.06, 25000), (0.9, 0.05, 9000))
    assert white_matter_peak(values, "T2w") == pytest.approx(0.3, abs=0.02)
    assert white_matter_peak(values, "FLAIR") == pytest.approx(0.3, abs=0.02)


def test_a_ripple_and_clipped_vessels_are_no_white_matter():
    values = mixture((0.4, 0.05, 30000), (0.65, 0.04, 20000), (0.88, 0.01, 300))
    values = np.concatenate([values, np.ones(3000, np.float32)])
    assert white_matter_peak(values, "T1w") == pytest.approx(0.65, abs=0.015)


@pytest.mark.parametrize(
    "planes",
    [
        np.zeros((3, 20, 20), np.float32),
        np.ones((3, 20, 20), np.float32),
        np.full((1, 30, 30), 0.4, np.float32),
        np.eye(20, dtype=np.float32)[None],
        np.zeros((1, 1, 1), np.float32),
        np.pad(np.full((2, 12, 12), 0.5, np.float32), ((0, 0), (9, 9), (9, 9))),
    ],
    ids=["empty", "full", "flat", "line", "a voxel", "flat square"],
)
@pytest.mark.parametrize("stripped", [False, True])
def test_degenerate_scans_have_finite_landmarks_or_none(planes, stripped):
    arguments = {"contrast": "T1w", "threshold": 0.2, "stripped": stripped, "spacing": (1.0, 1.0)}
    found = measure_landmarks(planes, **arguments)
    assert found == measure_landmarks(planes, **arguments)
    if found is not None:
        numbers = [*found.percentiles, found.mean, found.sd, found.white_matter]
        assert np.isfinite(numbers).all()
        assert len(found.percentiles) == len(PERCENTILES)
        assert list(found.percentiles) == sorted(found.percentiles)
