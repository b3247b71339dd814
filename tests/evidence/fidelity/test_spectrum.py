"""The radial spectrum against a brute-force Fourier sum and closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from popgan.evidence.fidelity.spectrum import (
    distance_with_replicates,
    frequencies,
    radial_spectra,
    spectrum_distance,
)


def pictures(count: int, height: int = 16, width: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (count, 1, height, width))


def brute_force(image: np.ndarray) -> np.ndarray:
    height, width = image.shape
    y, x = np.mgrid[:height, :width]
    rings: dict[int, list[float]] = {}
    for v in range(height):
        for u in range(width):
            wave = np.exp(-2j * np.pi * (v * y / height + u * x / width))
            power = abs(((image + 1) / 2 * wave).sum() / (height * width)) ** 2
            fv, fu = min(v, height - v) / height, min(u, width - u) / width
            rings.setdefault(round(np.hypot(fv, fu) * min(height, width)), []).append(power)
    return np.array([10 * np.log10(np.mean(rings[r])) for r in sorted(rings)])


@pytest.mark.parametrize(("height", "width"), [(8, 8), (10, 14), (9, 8)])
def test_agrees_with_a_plain_fourier_sum(height: int, width: int) -> None:
    images = pictures(2, height, width)
    got = radial_spectra(images)
    np.testing.assert_allclose(got, [brute_force(i[0]) for i in images], rtol=1e-9)
    assert got.shape[1] == len(frequencies(height, width))


def test_frequencies_reach_the_corner() -> None:
    f = frequencies(64, 64)
    assert f[0] == 0 and f[32] == 0.5 and f[-1] == pytest.approx(np.sqrt(0.5), abs=1 / 64)


def test_a_wave_shows_at_its_frequency() -> None:
    y, _ = np.mgrid[:32, :32]
    spectrum = radial_spectra(np.cos(2 * np.pi * 5 * y / 32)[None, None])[0]
    assert spectrum[1:].argmax() + 1 == 5


def test_white_noise_is_flat_at_its_variance() -> None:
    noise = np.random.default_rng(0).normal(0, 0.2, (200, 1, 32, 32))
    level = 10 * np.log10(0.1**2 / 32**2)  # half the deviation in [0, 1], power per coefficient
    # The last ring, a corner of one coefficient, is too noisy to compare.
    power = 10 ** (radial_spectra(noise)[:, 2:] / 10)
    np.testing.assert_allclose(10 * np.log10(power.mean(0))[:-1], level, atol=0.5)


def test_halving_the_contrast_is_six_decibels() -> None:
    images = pictures(5)
    distance = spectrum_distance(radial_spectra(images), radial_spectra(images / 2))
    assert distance == pytest.approx(20 * np.log10(2))


def test_what_eight_bits_cannot_hold_is_no_difference() -> None:
    flat = np.zeros((3, 1, 16, 16))
    faint = flat + 1e-4 * pictures(3)
    assert spectrum_distance(radial_spectra(flat), radial_spectra(faint)) == 0


def test_blur_and_checkerboard_are_seen() -> None:
    real, again = (radial_spectra(pictures(50, seed=s)) for s in (0, 1))
    blurred = np.stack([gaussian_filter(i, (0, 0.8, 0.8)) for i in pictures(50, seed=2)])
    board = pictures(50, seed=2) + 0.1 * (np.indices((16, 16)).sum(0) % 2 * 2 - 1)
    floor = spectrum_distance(real, again)
    assert spectrum_distance(real, radial_spectra(blurred)) > 10 * floor
    assert spectrum_distance(real, radial_spectra(board)) > 3 * floor


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 15), st.integers(0, 15))
def test_position_does_not_matter(seed: int, down: int, right: int) -> None:
    images = pictures(2, seed=seed)
    moved = np.roll(images, (down, right), (2, 3))
    np.testing.assert_allclose(radial_spectra(moved), radial_spectra(images), atol=1e-6)


def test_replicates_equal_recomputing_without_the_group() -> None:
    a, b = radial_spectra(pictures(12)), radial_spectra(pictures(9, seed=1))
    ga, gb = np.arange(12) % 4, np.arange(9) % 3
    value, left, right = distance_with_replicates(a, ga, b, gb)
    assert value == pytest.approx(spectrum_distance(a, b))
    np.testing.assert_allclose(left.values, [spectrum_distance(a[ga != g], b) for g in range(4)])
    np.testing.assert_allclose(right.values, [spectrum_distance(a, b[gb != g]) for g in range(3)])
