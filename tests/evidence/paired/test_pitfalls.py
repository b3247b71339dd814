"""Five ways in which reference metrics mislead, each shown, and shown not to mislead here.

After Dohmen, Truong, Baltruschat & Lenga 2024, "Five pitfalls when assessing synthetic medical
images with reference metrics" (arXiv 2408.06075): images are brought to a range of their own,
rounded and clipped to a display format, compared out of register, diluted with background, and
their blur and their small, important errors are hardly noticed. (Put together from its abstract and
the same authors' study of metrics for MR translation, arXiv 2405.08431.)
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift
from skimage.metrics import peak_signal_noise_ratio

from popgan.evidence.paired import metrics
from popgan.evidence.paired.registration import check_pair

SIDE = 64
Y, X = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
HEAD = np.hypot(Y, 1.2 * X) < 24


def head(seed: int = 0, n: int = 4) -> np.ndarray:
    """Slices with tissue of several greys, in unit intensities; air is 0."""
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(size=(n, SIDE, SIDE)), (0, 3, 3))
    tissue = np.array([0.2, 0.45, 0.6, 0.75])[np.digitize(field / field.std(), [-0.7, 0.2, 0.9])]
    return HEAD * np.clip(gaussian_filter(tissue, (0, 0.6, 0.6)), 0, 1)


TRUTH = head()
MASK = metrics.brain_mask(TRUTH[:, None])


def stretched(image: np.ndarray) -> np.ndarray:
    """What many evaluations do to every image first."""
    return (image - image.min()) / (image.max() - image.min())


def test_1_a_wrong_brightness_is_not_normalised_away() -> None:
    dark = 0.5 * TRUTH + 0.1
    np.testing.assert_allclose(stretched(dark), stretched(TRUTH), atol=1e-12)  # perfect, they say
    assert metrics.mae(TRUTH, dark, MASK) == pytest.approx(np.abs(0.1 - 0.5 * TRUTH[MASK]).mean())
    assert metrics.psnr(TRUTH, dark, MASK) < 20 and metrics.ssim(TRUTH, dark, MASK) < 0.9


def test_1_one_bright_voxel_does_not_change_the_scale_of_all_others() -> None:
    image = TRUTH + 0.05 * HEAD
    spiked, bright = image.copy(), TRUTH.copy()
    spiked[0, 32, 32] = 3.0
    bright[0, 32, 32] = 3.0  # the same spike in the truth: the range of the image doubles and more
    free = [
        peak_signal_noise_ratio(stretched(t), stretched(i), data_range=1)
        for t, i in ((TRUTH, image), (bright, spiked))
    ]
    assert free[1] > free[0] + 4
    fixed = [metrics.psnr(TRUTH, image, MASK), metrics.psnr(bright, spiked, MASK)]
    assert fixed[1] == pytest.approx(fixed[0], abs=0.01)
    alike = [metrics.ssim(TRUTH, image, MASK), metrics.ssim(bright, spiked, MASK)]
    assert alike[1] == pytest.approx(alike[0], abs=0.005)


def test_1_the_score_of_a_method_does_not_depend_on_the_range_of_its_own_image() -> None:
    """The range that is taken from a prediction rewards one with outliers."""
    image = TRUTH + 0.05 * HEAD
    wild = image.copy()
    wild[:, 0, 0] = 5  # in the air, outside of the mask
    for name in ("mse", "mae", "nrmse", "psnr"):
        metric = getattr(metrics, name)
        assert metric(TRUTH, wild, MASK) == metric(TRUTH, image, MASK)
    assert metrics.psnr(TRUTH, wild) < metrics.psnr(TRUTH, image)


def test_2_nothing_is_rounded_to_eight_bits() -> None:
    image = TRUTH + 0.3 / 255 * HEAD
    assert (np.round(255 * image) == np.round(255 * TRUTH)).mean() > 0.7  # hardly an error left
    assert metrics.mae(TRUTH, image, MASK) == pytest.approx(0.3 / 255)
    assert metrics.psnr(TRUTH, image, MASK) == pytest.approx(-20 * np.log10(0.3 / 255))


def test_2_overshoot_is_not_clipped_away() -> None:
    truth = np.where(HEAD, 1.0, 0.0)[None]
    image = 1.3 * truth
    assert np.clip(image, 0, 1).tolist() == truth.tolist()
    assert metrics.mae(truth, image, HEAD[None]) == pytest.approx(0.3)
    assert metrics.mae(truth, -0.2 * (1 - truth) + truth, ~HEAD[None]) == pytest.approx(0.2)


def test_2_grey_levels_are_not_taken_for_unit_intensities() -> None:
    eight_bits = (255 * TRUTH).astype(np.uint8)
    with pytest.raises(ValueError, match="floats"):
        metrics.measure(eight_bits, eight_bits, {"field": None}, {"field": ["psnr"]})


def test_3_a_pair_out_of_register_is_refused_before_it_is_scored() -> None:
    """Two pixels off, a perfect image scores below one that is blurred beyond use."""
    off = shift(TRUTH, (0, 2, 2), order=1)
    blurred = gaussian_filter(TRUTH, (0, 3, 3))
    assert metrics.psnr(TRUTH, off, MASK) < metrics.psnr(TRUTH, blurred, MASK)
    source = HEAD * (0.9 - 0.8 * TRUTH)
    assert check_pair(source, TRUTH).verdict == "registered"
    assert check_pair(source, off).verdict == "moved"


def test_4_more_background_does_not_better_the_score_in_the_brain() -> None:
    image = TRUTH + gaussian_filter(np.random.default_rng(1).normal(0, 0.3, TRUTH.shape), 1) * HEAD
    wide, wide_image, wide_mask = (
        np.pad(stack, ((0, 0), (32, 32), (32, 32))) for stack in (TRUTH, image, MASK)
    )
    # Over the whole field the same error shrinks with the share of air.
    assert metrics.psnr(wide, wide_image) > metrics.psnr(TRUTH, image) + 5
    assert metrics.ssim(wide, wide_image) > metrics.ssim(TRUTH, image) + 0.05
    for name in ("mse", "mae", "nrmse", "psnr", "ssim", "roughness", "sharpness"):
        metric = getattr(metrics, name)
        assert metric(wide, wide_image, wide_mask) == pytest.approx(metric(TRUTH, image, MASK))


def test_4_the_mask_is_no_edge_that_both_images_agree_on() -> None:
    """Cut out of both images first, the rim of the brain looks alike whatever is inside."""
    image = np.where(HEAD, 0.45, 0.0)[None].repeat(4, 0)
    small = MASK & (np.hypot(Y, X) < 10)
    inside = metrics.ssim(TRUTH, image, small)
    cut = metrics.ssim(TRUTH * small, image * small, small)
    assert inside < 0.3 < cut


def test_5_blur_that_psnr_and_ssim_prefer_is_told_by_sharpness() -> None:
    rng = np.random.default_rng(2)
    noisy_truth = np.clip(TRUTH + rng.normal(0, 0.1, TRUTH.shape) * HEAD, 0, 1)
    sharp = np.clip(TRUTH + rng.normal(0, 0.1, TRUTH.shape) * HEAD, 0, 1)  # as real as the truth
    blurred = gaussian_filter(sharp, (0, 1, 1))
    for name in ("psnr", "ssim"):
        metric = getattr(metrics, name)
        assert metric(noisy_truth, blurred, MASK) > metric(noisy_truth, sharp, MASK)
    assert metrics.sharpness(noisy_truth, sharp, MASK) == pytest.approx(1, abs=0.05)
    assert metrics.sharpness(noisy_truth, blurred, MASK) < 0.7


def test_5_a_lesion_that_is_missing_hardly_shows_in_the_brain_but_in_the_lesion() -> None:
    lesion = np.zeros_like(MASK)
    lesion[:, 28:33, 28:33] = True
    truth = np.where(lesion, 0.95, TRUTH)
    lost = TRUTH + 0.01 * HEAD  # all but perfect, without the lesion
    assert metrics.ssim(truth, lost, MASK) > 0.9 and metrics.mae(truth, lost, MASK) < 0.025
    inside = metrics.mae(truth, lost, lesion)
    assert inside > 20 * metrics.mae(truth, lost, MASK & ~lesion)
