"""Indices move the way that damage moves them, and a head is known again."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from made_heads import head_volume
from popgan.preparation.noise import noise_level
from popgan.preparation.quality import measure_quality


def planes(seed: int = 1, *, noise: float = 0.01) -> np.ndarray:
    """Six slices of a made head with noise like that of a magnitude image."""
    data = head_volume(seed, spacing=3.0)[:, :, 30:54:4].astype(np.float32) / 1000
    moved = np.moveaxis(data, 2, 0)
    noisy = moved + noise * np.random.default_rng(5).standard_normal(moved.shape)
    return np.clip(np.abs(noisy), 0, 1).astype(np.float32)


def measure(image: np.ndarray):
    return measure_quality(
        image,
        threshold=0.25,
        noise=noise_level(image, 0.25),
        spacing=(3.0, 3.0),
        centre=(100.0, 120.0),
        extent=(155.0, 190.0),
    )


def test_noise_lowers_signal_and_contrast_to_noise():
    clean, noisy = measure(planes(noise=0.01)), measure(planes(noise=0.08))
    assert clean.snr > 2 * noisy.snr
    assert clean.cnr > 2 * noisy.cnr


def test_a_ghost_raises_the_ghost_index_and_the_entropy():
    image = planes()
    ghost = np.clip(image + 0.15 * np.roll(image, image.shape[2] // 2, axis=2), 0, 1)
    before, after = measure(image), measure(ghost)
    assert before.ghost == pytest.approx(0, abs=0.02)
    assert after.ghost > before.ghost + 0.1
    assert after.entropy > before.entropy


def test_blur_raises_entropy_focus_and_the_foreground_is_the_share_of_the_head():
    image = planes(noise=0.0)
    blurred = ndimage.gaussian_filter(image, (0, 3, 3))
    assert measure(blurred).entropy > measure(image).entropy
    share = (ndimage.gaussian_filter(image, (0, 2, 2)) > 0.25).mean()
    assert measure(image).foreground == pytest.approx(share, abs=0.08)


def test_an_even_picture_has_the_largest_entropy_and_a_point_the_least():
    even = np.full((2, 20, 20), 0.5, np.float32)
    point = np.zeros((2, 20, 20), np.float32)
    point[0, 10, 10] = 1
    assert measure(even).entropy == pytest.approx(1, abs=1e-6)
    assert measure(point).entropy == pytest.approx(0, abs=1e-6)
    assert measure(even).snr is None  # no noise: no ratio to it


def test_the_same_pixels_and_the_same_head_are_known_again():
    image, other = planes(1), planes(2)
    assert measure(image).pixels == measure(image.copy()).pixels != measure(other).pixels

    def likeness(one, two) -> float:
        return float(np.corrcoef(measure(one).sketch, measure(two).sketch)[0, 1])

    again = np.clip(planes(1, noise=0.04) * 0.9, 0, 1)
    assert likeness(image, again) > 0.99
