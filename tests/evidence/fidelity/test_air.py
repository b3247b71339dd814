"""Air: noise as by its distribution and by plain loops, haze, heads where others have none."""

import numpy as np
import pytest
from scipy.stats import rayleigh

from popgan.evidence.fidelity.air import common_air, measure_air, squares

SIDE = 48
Y, X = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]


def heads(count: int = 30, shift: float = 0.0, air: float | np.ndarray = 0.0) -> np.ndarray:
    """Discs of brightness 0.6 on air of some brightness, N x 1 x H x W in [-1, 1]."""
    sizes = np.random.default_rng(3).uniform(0.55, 0.65, count)
    inside = [np.hypot(Y, X - shift) < size for size in sizes]
    units = np.where(inside, 0.6, air)
    return (2 * units - 1)[:, None].astype(np.float32)


@pytest.fixture(scope="module")
def common() -> np.ndarray:
    return common_air(heads())


def test_air_begins_two_pixels_beyond_the_largest_head(common: np.ndarray) -> None:
    pixel = 2 / (SIDE - 1)
    assert not common[np.hypot(Y, X) < 0.64 + 1.5 * pixel].any()
    assert common[np.hypot(Y, X) > 0.66 + 4 * pixel].all()


def test_receiver_noise_measures_as_its_distribution_says(common: np.ndarray) -> None:
    sigma, rng = 0.01, np.random.default_rng(0)
    noise = rayleigh.rvs(scale=sigma, size=(200, SIDE, SIDE), random_state=rng)
    found = measure_air(heads(200, air=noise), common).mean(0)
    assert found[0] == pytest.approx(rayleigh.std(scale=sigma), rel=0.01)
    assert found[1] == pytest.approx(rayleigh.mean(scale=sigma), rel=0.01)


def test_agrees_with_plain_loops(common: np.ndarray) -> None:
    noise = np.random.default_rng(1).uniform(0, 0.05, (2, SIDE, SIDE))
    images = np.concatenate([heads(2, air=noise), heads(2, air=noise[::-1] / 2)], 1)
    got = measure_air(images, common)
    for image, (spread, level) in zip((images + 1) / 2, got, strict=True):
        by_contrast = []
        for u in image.astype(np.float64):
            differences = [
                (u[i, j] - u[i, j + 1] - u[i + 1, j] + u[i + 1, j + 1]) / 2
                for i in range(SIDE - 1)
                for j in range(SIDE - 1)
                if common[i : i + 2, j : j + 2].all()
            ]
            by_contrast.append((np.sqrt(np.mean(np.square(differences))), u[common].mean()))
        np.testing.assert_allclose((spread, level), np.mean(by_contrast, 0), rtol=1e-6)


def test_haze_and_shading_are_brightness_and_no_noise(common: np.ndarray) -> None:
    shading = 0.03 + 0.01 * X + 0.02 * Y + 0.005 * np.sin(9 * X)
    noise, level = measure_air(heads(2, air=shading), common)[0]
    assert noise < 1e-6
    assert level == pytest.approx(shading[common].mean(), rel=1e-5)


def test_nothing_is_exactly_nothing(common: np.ndarray) -> None:
    assert measure_air(heads(3), common).tolist() == [[0.0, 0.0]] * 3


def test_a_head_where_others_have_air_is_not_measured_as_air(common: np.ndarray) -> None:
    assert heads(2, shift=0.35)[:, 0, common].max() > 0
    assert measure_air(heads(2, shift=0.35), common).max() == 0


def test_what_fills_most_of_the_air_is_not_taken_for_a_head(common: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    static = np.clip(rng.normal(0.3, 0.1, (2, 1, SIDE, SIDE)), 0, 1).astype(np.float32) * 2 - 1
    noise, level = measure_air(static, common).mean(0)
    assert noise == pytest.approx(0.1, rel=0.1)
    assert level == pytest.approx(0.3, rel=0.1)


def test_heads_that_fill_the_picture_leave_no_air() -> None:
    assert squares(common_air(np.full((4, 1, SIDE, SIDE), 0.2, np.float32))) == 0
