"""The noise estimate finds the noise that was put in."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from popgan.preparation.noise import noise_level


@pytest.mark.parametrize("sigma", [0.01, 0.03, 0.08])
def test_added_gaussian_noise_is_measured_to_a_tenth(sigma):
    rng = np.random.default_rng(0)
    smooth = gaussian_filter(rng.standard_normal((6, 80, 80)), (0, 6, 6))
    image = 0.5 + 0.2 * smooth / smooth.std()
    noisy = (image + sigma * rng.standard_normal(image.shape)).astype(np.float32)
    assert noise_level(noisy, -9) == pytest.approx(sigma, rel=0.1)


def test_a_clean_ramp_has_no_noise():
    ramp = np.add.outer(np.arange(20), np.arange(30))[None].astype(np.float32)
    assert noise_level(ramp / 50, -1) == pytest.approx(0, abs=1e-7)
