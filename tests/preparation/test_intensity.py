"""Grey values to [0, 1]: whatever unit and offset the scanner chose."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.filters import threshold_otsu

from popgan.preparation.intensity import measure_intensity, otsu


def head(seed=0, noise=0.0):
    """A ball of two tissues in air, values 0 to about 100."""
    axis = np.linspace(-1, 1, 48)
    radius = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    rng = np.random.default_rng(seed)
    data = np.where(radius < 0.5, 90.0, np.where(radius < 0.75, 50.0, 0.0))
    data += rng.uniform(0, 8, data.shape) * (radius < 0.75)
    real, imaginary = noise * rng.standard_normal((2, *data.shape))
    return np.hypot(data + real, imaginary).astype(np.float32)


def test_the_bright_tissue_comes_near_one_and_air_to_zero():
    normal = measure_intensity(head(noise=2)).apply(head(noise=2))
    assert 0.85 < np.median(normal[20:28, 20:28, 20:28]) < 1
    assert np.median(normal[:4]) < 0.01
    assert normal.min() == 0
    assert normal.max() == 1


def test_original_units_come_back():
    data = head(noise=2)
    intensity = measure_intensity(data)
    normal = intensity.apply(data)
    kept = (normal > 0) & (normal < 1)
    np.testing.assert_allclose(intensity.restore(normal)[kept], data[kept], atol=1e-4)
    # What is clipped at the top is half a percent of the foreground, as the percentile says.
    assert (normal[data > 20] >= 1).mean() < 0.01


@settings(max_examples=25, deadline=None)
@given(gain=st.floats(0.01, 500), shift=st.floats(-300, 300))
def test_gain_and_offset_of_the_scanner_do_not_matter(gain, shift):
    data = head(noise=2)
    plain = measure_intensity(data).apply(data)
    other = (data * gain + shift).astype(np.float32)
    np.testing.assert_allclose(measure_intensity(other).apply(other), plain, atol=0.02)


def test_a_scan_scaled_to_mean_zero_with_blank_background_keeps_its_order():
    data = head()
    inside = data > 0
    scaled = np.where(inside, (data - 70) / 20, 0).astype(np.float32)
    intensity = measure_intensity(scaled)
    normal = intensity.apply(scaled)
    assert intensity.blank == 0
    assert (normal[~inside] == 0).all()
    # Dark tissue lies below the blank value in the file, and above the background afterwards.
    dark, bright = normal[inside & (data < 60)], normal[data > 90]
    assert np.median(dark) < np.median(bright)
    assert np.median(dark) > 0


def test_a_grey_background_becomes_zero():
    data = head(noise=1) + 40
    assert np.median(measure_intensity(data).apply(data)[:4]) < 0.01


def test_nothing_but_background_is_not_normalised():
    data = np.zeros((30, 30, 30), np.float32)
    data[3, 3, 3] = 5
    assert measure_intensity(data) is None


@pytest.mark.parametrize("seed", range(5))
def test_otsu_agrees_with_scikit_image(seed):
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.normal(10, 3, 4000), rng.normal(40, 6, 2500)]).astype(np.float32)
    width = (values.max() - values.min()) / 256
    assert abs(otsu(values) - threshold_otsu(values)) <= width
