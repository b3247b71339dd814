"""MS-SSIM against torchmetrics, and diversity as its mean over pairs of different subjects."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity
from torchmetrics.functional.image.ssim import _ssim_update

from popgan.evidence.fidelity.msssim import (
    WEIGHTS,
    default_scales,
    mean_with_replicates,
    ms_ssim,
    pair_similarity,
    random_pairs,
)


def pictures(count: int, side: int, seed: int = 0) -> np.ndarray:
    """Smooth random images in [-1, 1]."""
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.uniform(-1, 1, (count, 1, side // 8, side // 8)))
    smooth = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bicubic")
    noise = torch.from_numpy(rng.normal(0, 0.1, (count, 1, side, side)))
    return (smooth + noise).clamp(-1, 1).numpy()


def oracle(x: torch.Tensor, y: torch.Tensor, scales: int) -> list[float]:
    """Contrast terms by torchmetrics, the coarsest SSIM by scikit-image.

    The whole metric of torchmetrics pads by reflection at the coarsest scale only; the paper takes
    every scale where the window fits, as scikit-image does.
    """
    weights = np.array(WEIGHTS[:scales]) / sum(WEIGHTS[:scales])
    a, b = (x + 1) / 2, (y + 1) / 2
    product = np.ones(len(x))
    for weight in weights[:-1]:
        contrast = _ssim_update(a, b, data_range=1.0, return_contrast_sensitivity=True)[1]
        product *= contrast.clamp(min=0).numpy() ** weight
        a, b = (torch.nn.functional.avg_pool2d(t, 2) for t in (a, b))
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    last = [
        structural_similarity(p[0], q[0], data_range=1.0, **options)
        for p, q in zip(a.numpy(), b.numpy(), strict=True)
    ]
    return list(product * np.maximum(last, 0) ** weights[-1])


@pytest.mark.parametrize(("side", "scales"), [(16, 1), (64, 3), (128, 4), (176, 5)])
def test_agrees_with_torchmetrics_and_scikit_image(side: int, scales: int) -> None:
    x, other = torch.from_numpy(pictures(4, side)), torch.from_numpy(pictures(4, side, 1))
    strength = torch.tensor([0.1, 0.5, 1, 3])[:, None, None, None]
    y = (x + strength * other).clamp(-1, 1)
    np.testing.assert_allclose(ms_ssim(x, y, scales=scales), oracle(x, y, scales), rtol=1e-6)


def test_scales_follow_the_size() -> None:
    sizes = (16, 32, 64, 96, 128, 256, 512)
    assert [default_scales(s, s) for s in sizes] == [1, 2, 3, 3, 4, 5, 5]
    assert default_scales(64, 128) == 3 and default_scales(8, 8) == 1


def test_a_tiny_image_shrinks_the_window() -> None:
    x = torch.from_numpy(pictures(2, 8))
    assert ms_ssim(x, x, scales=2).numpy() == pytest.approx(1)
    assert float(ms_ssim(x[:1], x[1:])[0]) < 0.9


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000))
def test_is_symmetric_within_bounds_and_one_only_on_itself(seed: int) -> None:
    x, y = (torch.from_numpy(pictures(2, 32, seed + i)) for i in (0, 1))
    there, back = ms_ssim(x, y), ms_ssim(y, x)
    torch.testing.assert_close(there, back)
    assert float(there.min()) >= 0 and float(there.max()) < 1
    assert ms_ssim(x, x).numpy() == pytest.approx(1)


def test_contrasts_are_averaged() -> None:
    x, y = (torch.from_numpy(pictures(2, 32, s)) for s in (0, 1))
    both = ms_ssim(torch.cat([x, x], 1), torch.cat([x, y], 1))
    torch.testing.assert_close(both, (1 + ms_ssim(x, y)) / 2)


def test_pairs_are_of_different_subjects_and_repeatable() -> None:
    subjects = [f"s{i // 5}" for i in range(40)]
    pairs = random_pairs(40, 300, seed=3, subjects=subjects)
    assert pairs.shape == (300, 2)
    assert all(subjects[a] != subjects[b] for a, b in pairs)
    np.testing.assert_array_equal(pairs, random_pairs(40, 300, seed=3, subjects=subjects))
    assert not np.array_equal(pairs, random_pairs(40, 300, seed=4, subjects=subjects))
    used = np.bincount(pairs.ravel(), minlength=40)
    assert used.min() > 5 and used.max() < 30


def test_without_subjects_an_image_is_never_paired_with_itself() -> None:
    pairs = random_pairs(3, 50, seed=0)
    assert len(pairs) == 50 and (pairs[:, 0] != pairs[:, 1]).all()
    assert random_pairs(2, 1, seed=0).shape == (1, 2)


def test_collapse_is_more_alike_than_variety() -> None:
    varied = pictures(20, 32)
    alike = np.repeat(varied[:1], 20, 0)
    pairs = random_pairs(20, 60, seed=0)
    assert pair_similarity(alike, pairs).mean() == pytest.approx(1)
    assert pair_similarity(varied, pairs).mean() < 0.8


def test_replicates_leave_out_every_pair_that_touches_the_group() -> None:
    groups = np.arange(12) % 3
    pairs = random_pairs(12, 40, seed=0)
    values = np.random.default_rng(0).uniform(size=40)
    mean, left = mean_with_replicates(values, pairs, groups)
    assert mean == pytest.approx(values.mean())
    for g in range(3):
        kept = [
            v for v, (a, b) in zip(values, pairs, strict=True) if g not in (groups[a], groups[b])
        ]
        assert left.values[g] == pytest.approx(np.mean(kept))


def test_the_interval_of_diversity_covers_the_truth() -> None:
    """Similarity 1 - |u_a - u_b| of uniform u has mean 2/3."""
    from popgan.evidence.statistics import image_groups, interval

    rng, hits = np.random.default_rng(0), 0
    for trial in range(200):
        u = rng.uniform(size=80)
        pairs = random_pairs(80, 400, seed=trial)
        mean, left = mean_with_replicates(
            1 - np.abs(u[pairs[:, 0]] - u[pairs[:, 1]]), pairs, image_groups(80)
        )
        low, high = interval(mean, left)
        hits += low <= 2 / 3 <= high
    assert hits / 200 > 0.9
