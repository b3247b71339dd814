"""Augmentation: stays within its ranges, is invertible in effect, and does not leak on average."""

from __future__ import annotations

import math

import pytest
import torch

from popgan.augmentation.affine import apply_affine, draw
from popgan.config.augmentation import AugmentationPlan


def plan(**changes: object) -> AugmentationPlan:
    values = {"probability": 1.0, "flip": False, "shift": 0.0, "rotation": 0.0, "scale": 0.0}
    return AugmentationPlan.model_validate({**values, **changes})


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_no_transform_leaves_images_as_they_are() -> None:
    images = torch.rand(4, 2, 8, 12) * 2 - 1
    theta = draw(plan(), 4, (8, 12), rng())
    torch.testing.assert_close(apply_affine(images, theta), images, rtol=0, atol=1e-5)


def test_a_flip_mirrors_left_and_right_exactly() -> None:
    images = torch.rand(64, 1, 8, 8) * 2 - 1
    moved = apply_affine(images, draw(plan(flip=True), 64, (8, 8), rng()))
    same = (moved - images).abs().amax((1, 2, 3)) < 1e-5
    mirrored = (moved - images.flip(3)).abs().amax((1, 2, 3)) < 1e-5
    assert (same ^ mirrored).all()
    assert 16 < mirrored.sum() < 48


def test_shift_moves_by_at_most_its_fraction_and_fills_with_background() -> None:
    images = torch.full((32, 1, 16, 16), 1.0)
    moved = apply_affine(images, draw(plan(shift=0.25), 32, (16, 16), rng()))
    assert moved.min() >= -1
    assert moved.max() <= 1 + 1e-6
    # At most a quarter of the rows and a quarter of the columns can leave the picture.
    kept = ((moved + 1) / 2).mean((1, 2, 3))
    assert kept.min() >= 0.75**2 - 0.05
    assert kept.max() < 1
    assert moved[:, :, 8, 8].min() > 0.999


@pytest.mark.parametrize("size", [(64, 64), (48, 64)])
def test_rotation_keeps_angles_and_stays_within_its_range(size: tuple[int, int]) -> None:
    theta = draw(plan(rotation=10.0), 200, size, rng())
    # In pixels, the linear part must be a rotation by at most ten degrees.
    scale = torch.tensor([size[1] / 2, size[0] / 2])
    pixels = theta[:, :, :2] * scale[:, None] / scale[None, :]
    identity = pixels @ pixels.transpose(1, 2)
    torch.testing.assert_close(identity, torch.eye(2).expand(200, 2, 2), rtol=1e-4, atol=1e-4)
    angle = torch.atan2(pixels[:, 1, 0], pixels[:, 0, 0]).abs()
    assert angle.max() <= math.radians(10) + 1e-6
    assert angle.max() > math.radians(8)


def test_scale_stays_within_its_range_both_ways() -> None:
    theta = draw(plan(scale=0.1), 500, (32, 32), rng())
    factor = theta[:, 0, 0]
    assert 1 / 1.1 - 1e-6 <= factor.min() < 0.93
    assert 1.07 < factor.max() <= 1.1 + 1e-6


def test_a_share_of_images_stays_untouched() -> None:
    theta = draw(plan(probability=0.6, rotation=10.0), 2000, (8, 8), rng())
    untouched = (theta[:, 0, 1] == 0).float().mean()
    assert abs(untouched - 0.4) < 0.04


def test_the_same_generator_replays_the_same_transforms() -> None:
    settings = plan(shift=0.1, rotation=5.0, scale=0.1, flip=True)
    assert torch.equal(draw(settings, 9, (8, 8), rng(5)), draw(settings, 9, (8, 8), rng(5)))
    assert not torch.equal(draw(settings, 9, (8, 8), rng(5)), draw(settings, 9, (8, 8), rng(6)))


def test_gradients_flow_through() -> None:
    images = torch.randn(2, 1, 6, 6, dtype=torch.float32, requires_grad=True)
    theta = draw(plan(rotation=20.0, shift=0.1), 2, (6, 6), rng())
    apply_affine(images, theta).square().sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0
