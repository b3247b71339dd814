"""Metrics against scikit-image, torchmetrics and closed forms; what they must and must not see."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from skimage.metrics import (
    mean_squared_error,
    normalized_root_mse,
    peak_signal_noise_ratio,
    structural_similarity,
)
from torchmetrics.functional.image.ssim import _ssim_update

from popgan.evidence.fidelity import msssim
from popgan.evidence.paired import metrics
from popgan.evidence.paired.structure import structure

SKIMAGE = {
    "data_range": 1.0,
    "gaussian_weights": True,
    "sigma": 1.5,
    "use_sample_covariance": False,
}


def stack(seed: int, n: int = 3, side: int = 48) -> np.ndarray:
    """Smooth random slices in [0, 1] with a little noise."""
    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.normal(size=(n, side, side)), (0, 4, 4))
    return np.clip(0.5 + 1.5 * smooth + rng.normal(0, 0.03, (n, side, side)), 0, 1)


def disc(n: int = 3, side: int = 48, radius: float = 15.0) -> np.ndarray:
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return np.repeat((np.hypot(y, x + 3) < radius)[None], n, 0)


def test_voxel_errors_agree_with_scikit_image() -> None:
    truth, image, mask = stack(0), stack(1), disc()
    for where in (mask, None):
        a, b = (truth[mask], image[mask]) if where is not None else (truth, image)
        assert metrics.mse(truth, image, where) == pytest.approx(mean_squared_error(a, b))
        assert metrics.mae(truth, image, where) == pytest.approx(np.abs(a - b).mean())
        assert metrics.psnr(truth, image, where) == pytest.approx(
            peak_signal_noise_ratio(a, b, data_range=1.0)
        )
        assert metrics.nrmse(truth, image, where) == pytest.approx(normalized_root_mse(a, b))


def test_ssim_agrees_with_scikit_image_in_the_mask_and_over_the_field() -> None:
    truth, image, mask = stack(0), stack(0) + 0.1 * stack(1), disc()
    pairs = list(zip(truth, image, strict=True))
    maps = [structural_similarity(a, b, full=True, **SKIMAGE) for a, b in pairs]
    inside = np.mean([full[m].mean() for (_, full), m in zip(maps, mask, strict=True)])
    assert metrics.ssim(truth, image, mask) == pytest.approx(inside)
    assert metrics.ssim(truth, image) == pytest.approx(np.mean([mean for mean, _ in maps]))


@pytest.mark.parametrize(("side", "scales"), [(16, 1), (64, 3), (128, 4), (176, 5)])
def test_ms_ssim_agrees_with_torchmetrics_over_the_field(side: int, scales: int) -> None:
    truth, image = stack(0, 2, side), stack(0, 2, side) + 0.1 * stack(1, 2, side)
    weights = np.array(msssim.WEIGHTS[:scales]) / sum(msssim.WEIGHTS[:scales])
    a, b = torch.from_numpy(truth)[:, None], torch.from_numpy(image)[:, None]
    product = np.ones(2)
    for weight in weights[:-1]:
        contrast = _ssim_update(a, b, data_range=1.0, return_contrast_sensitivity=True)[1]
        product *= contrast.clamp(min=0).numpy() ** weight
        a, b = (torch.nn.functional.avg_pool2d(t, 2) for t in (a, b))
    last = [
        structural_similarity(p[0], q[0], **SKIMAGE)
        for p, q in zip(a.numpy(), b.numpy(), strict=True)
    ]
    product *= np.maximum(last, 0) ** weights[-1]
    (found,) = structure(truth, image, [None], scales=scales)
    assert found.ms_ssim == pytest.approx(product)
    own = msssim.ms_ssim(*(torch.from_numpy(2 * t - 1)[:, None] for t in (truth, image)))
    assert metrics.ms_ssim(truth, image) == pytest.approx(float(own.mean()))


def test_ms_ssim_in_a_mask_is_the_definition_worked_out_pixel_by_pixel() -> None:
    truth, image, mask = stack(0, 1, 32), stack(0, 1, 32) + 0.1 * stack(1, 1, 32), disc(1, 32, 9)
    offset = np.arange(-5, 6)
    line = np.exp(-(offset**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2

    def terms(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> tuple[float, float]:
        wide_a, wide_b = (np.pad(t, 5, mode="symmetric") for t in (a, b))
        light = contrast = 0.0
        for y, x in np.argwhere(share > 0):
            p, q = (w[y : y + 11, x : x + 11] for w in (wide_a, wide_b))
            mean_p, mean_q = (window * p).sum(), (window * q).sum()
            var_p, var_q = (window * (p - mean_p) ** 2).sum(), (window * (q - mean_q) ** 2).sum()
            both = (window * (p - mean_p) * (q - mean_q)).sum()
            c = (2 * both + 0.03**2) / (var_p + var_q + 0.03**2)
            contrast += share[y, x] * c
            light += share[y, x] * c * (2 * mean_p * mean_q + 1e-4) / (mean_p**2 + mean_q**2 + 1e-4)
        return light / share.sum(), contrast / share.sum()

    def half(t: np.ndarray) -> np.ndarray:
        return t.reshape(16, 2, 16, 2).mean((1, 3))

    a, b, share = truth[0], image[0], mask[0].astype(float)
    one, two = np.array(msssim.WEIGHTS[:2]) / sum(msssim.WEIGHTS[:2])
    oracle = terms(a, b, share)[1] ** one * terms(half(a), half(b), half(share))[0] ** two
    assert metrics.ms_ssim(truth, image, mask) == pytest.approx(oracle)


def test_a_constant_error_has_closed_forms() -> None:
    truth = stack(0) / 2
    image, mask = truth + 0.1, disc()
    assert metrics.mse(truth, image, mask) == pytest.approx(0.01)
    assert metrics.mae(truth, image, mask) == pytest.approx(0.1)
    assert metrics.psnr(truth, image, mask) == pytest.approx(20)
    flat = np.full((2, 32, 32), 0.2), np.full((2, 32, 32), 0.6)
    light = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    assert metrics.ssim(*flat) == pytest.approx(light)
    assert metrics.nrmse(*flat) == pytest.approx(2)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_a_perfect_copy_is_best_and_errors_are_symmetric(seed: int, masked: bool) -> None:
    truth, image = stack(seed, 2, 32), stack(seed + 1, 2, 32)
    mask = disc(2, 32, 9) if masked else None
    for name in ("mse", "mae", "psnr", "ssim", "ms_ssim"):
        metric = getattr(metrics, name)
        assert metric(truth, image, mask) == pytest.approx(metric(image, truth, mask))
    assert metrics.mse(truth, truth, mask) == 0 and metrics.psnr(truth, truth, mask) == 100
    assert metrics.ssim(truth, truth, mask) == pytest.approx(1)
    assert metrics.ms_ssim(truth, truth, mask) == pytest.approx(1)
    assert metrics.roughness(truth, truth, mask) == 1 == metrics.sharpness(truth, truth, mask)
    assert metrics.ssim(truth, image, mask) < 1


@settings(max_examples=15, deadline=None)
@given(st.floats(0.05, 4), st.integers(0, 100))
def test_errors_scale_as_they_must(scale: float, seed: int) -> None:
    truth, error, mask = stack(seed, 2, 24), stack(seed + 1, 2, 24) - 0.5, disc(2, 24, 7)
    one, other = truth + error, truth + scale * error
    assert metrics.mae(truth, other, mask) == pytest.approx(scale * metrics.mae(truth, one, mask))
    assert metrics.nrmse(truth, other, mask) == pytest.approx(
        scale * metrics.nrmse(truth, one, mask)
    )
    assert metrics.psnr(truth, other, mask) == pytest.approx(
        metrics.psnr(truth, one, mask) - 20 * np.log10(scale)
    )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_slices_may_stand_in_any_order_but_for_roughness(seed: int) -> None:
    truth, image = stack(seed, 4, 24), stack(seed + 1, 4, 24)
    mask = disc(4, 24, 7)
    mask[2, :10] = False
    order = np.random.default_rng(seed).permutation(4)
    for name in ("mse", "psnr", "nrmse", "ssim", "ms_ssim", "sharpness"):
        metric = getattr(metrics, name)
        assert metric(truth[order], image[order], mask[order]) == pytest.approx(
            metric(truth, image, mask)
        )


def test_what_lies_outside_the_mask_does_not_count() -> None:
    truth, image, mask = stack(0), stack(1), disc()
    other = np.where(mask, image, 0.9)
    for name in ("mse", "mae", "nrmse", "psnr", "roughness"):
        assert getattr(metrics, name)(truth, other, mask) == getattr(metrics, name)(
            truth, image, mask
        )


def test_a_slice_with_an_empty_mask_does_not_count() -> None:
    truth, image, mask = stack(0), stack(1), disc()
    mask[1] = False
    kept = [0, 2]
    for name in ("mse", "psnr", "ssim", "ms_ssim"):
        metric = getattr(metrics, name)
        assert metric(truth, image, mask) == pytest.approx(
            metric(truth[kept], image[kept], mask[kept])
        )


@pytest.mark.parametrize("name", ["mse", "mae", "nrmse", "psnr", "ssim", "ms_ssim", "sharpness"])
def test_an_empty_mask_has_no_value(name: str) -> None:
    truth = stack(0)
    assert getattr(metrics, name)(truth, truth, np.zeros_like(disc())) is None


def test_a_ratio_to_a_truth_of_nothing_has_no_value() -> None:
    nothing, something = np.zeros((3, 16, 16)), stack(0, 3, 16)
    assert metrics.nrmse(nothing, something) is None
    assert metrics.roughness(nothing, something) is None
    assert metrics.roughness(something[:1], something[:1]) is None  # one slice has no neighbour


def test_psnr_is_of_the_pooled_error_so_that_empty_slices_do_not_rule() -> None:
    truth = np.zeros((2, 16, 16))
    image = truth + np.array([0.2, 1e-4])[:, None, None]
    pooled = metrics.psnr(truth, image)
    assert pooled == pytest.approx(-10 * np.log10((0.04 + 1e-8) / 2))
    mean_of_slices = np.mean(
        [metrics.psnr(t[None], i[None]) for t, i in zip(truth, image, strict=True)]
    )
    assert mean_of_slices > pooled + 25


def test_roughness_tells_jumping_from_smoothed_slices() -> None:
    ramp = np.arange(6.0)[:, None, None] * 0.1 + np.zeros((6, 16, 16))
    jumps = ramp + 0.1 * (np.arange(6) % 2)[:, None, None]
    assert metrics.roughness(ramp, jumps) == pytest.approx((3 * 0.2 + 2 * 0.0) / (5 * 0.1))
    assert metrics.roughness(ramp, ramp / 2) == pytest.approx(0.5)
    noisy = ramp + np.random.default_rng(0).normal(0, 0.3, ramp.shape)
    assert metrics.roughness(ramp, noisy) > 2


def test_roughness_counts_voxels_that_both_slices_have() -> None:
    truth = np.zeros((3, 4, 4))
    truth[1], truth[2] = 0.1, 0.3
    image, mask = 2 * truth, np.ones((3, 4, 4), bool)
    image[2, :2] = 9
    mask[2, :2] = False
    assert metrics.roughness(truth, image, mask) == pytest.approx(2)


def test_sharpness_tells_blur_from_noise() -> None:
    truth = stack(0)
    assert metrics.sharpness(truth, gaussian_filter(truth, (0, 1, 1)), disc()) < 0.6
    noise = np.random.default_rng(0).normal(0, 0.1, truth.shape)
    assert metrics.sharpness(truth, truth + noise, disc()) > 1.5
    assert metrics.sharpness(truth, 0.5 * truth, disc()) == pytest.approx(0.5)


def test_several_masks_at_once_are_the_same_as_one_at_a_time() -> None:
    truth, image = stack(0, 20, 32), stack(1, 20, 32)  # more than a chunk
    small, large = disc(20, 32, 5), disc(20, 32, 12)
    both = structure(truth, image, [small, None, large])
    for mask, found in zip([small, None, large], both, strict=True):
        (alone,) = structure(truth, image, [mask])
        np.testing.assert_array_equal(found.ssim, alone.ssim)
        np.testing.assert_array_equal(found.ms_ssim, alone.ms_ssim)


def test_measuring_all_is_measuring_each() -> None:
    truth, image, mask = stack(0), stack(1), disc()
    wanted = {"brain": ["psnr", "ssim", "ms_ssim", "roughness"], "field": ["mae", "ssim"]}
    found = metrics.measure(truth, image, {"brain": mask, "field": None}, wanted)
    assert list(found) == [(m, r) for r, names in wanted.items() for m in names]
    for (name, region), value in found.items():
        where = mask if region == "brain" else None
        assert value == pytest.approx(getattr(metrics, name)(truth, image, where))


def test_what_cannot_be_compared_is_refused() -> None:
    truth, masks, wanted = stack(0), {"field": None}, {"field": ["mse"]}
    with pytest.raises(ValueError, match="shapes differ"):
        metrics.measure(truth, truth[:2], masks, wanted)
    with pytest.raises(ValueError, match="not finite"):
        metrics.measure(truth, np.where(truth > 0.5, np.nan, truth), masks, wanted)
    with pytest.raises(ValueError, match="floats"):
        metrics.measure(truth, (255 * truth).astype(np.uint8), masks, wanted)


def test_single_precision_is_added_up_in_double() -> None:
    truth = np.zeros((40, 128, 128), np.float32)
    image = truth + np.float32(0.1)
    assert metrics.mse(truth, image) == pytest.approx(float(np.float32(0.1)) ** 2, rel=1e-12)
