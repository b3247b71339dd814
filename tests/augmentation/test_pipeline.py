"""The pipeline: replayable, exact where nothing is drawn, differentiable twice, alike for all."""

from __future__ import annotations

import math

import pytest
import torch
from augmented import FULL, pictures, plan, rng
from scipy.stats import ks_2samp

from popgan.augmentation.affine import apply_affine, draw
from popgan.augmentation.pipeline import Transforms, apply, augment, draw_transforms

CPU = torch.device("cpu")


def drawn(settings: dict[str, object], strength: float, count: int = 4000) -> Transforms:
    return draw_transforms(plan(**settings), (count, 2, 16, 24), rng(), strength, CPU)


@pytest.mark.parametrize("method", ["affine", "ada", "diffaugment"])
def test_the_same_numbers_give_the_same_images(method: str) -> None:
    settings, images = plan(method=method, **FULL), pictures(8, 2)
    one, other = (augment(settings, images, rng(5), 0.7) for _ in range(2))
    assert torch.equal(one, other)
    assert not torch.equal(one, augment(settings, images, rng(6), 0.7))


def test_without_a_method_the_images_themselves_come_back() -> None:
    images = pictures(4)
    assert augment(plan(method="none", **FULL), images, rng(), 1.0) is images


def test_affine_is_what_it_was_whatever_the_strength() -> None:
    settings, images = plan(method="affine", **FULL, probability=0.5), pictures(16)
    theta = draw(settings, 16, (16, 16), rng(3))
    expected = apply_affine(images, theta)
    for strength in (0.0, 1.0, torch.tensor(0.5)):
        assert torch.equal(augment(settings, images, rng(3), strength), expected)


@pytest.mark.parametrize("strength", [0.0, torch.tensor(0.0)])
def test_zero_probability_changes_not_one_bit(strength: float | torch.Tensor) -> None:
    images = torch.randn(16, 2, 8, 12, generator=rng())
    assert torch.equal(augment(plan(**FULL), images, rng(), strength), images)


def test_zero_ranges_change_not_one_bit() -> None:
    images = torch.randn(16, 2, 8, 12, generator=rng())
    assert torch.equal(augment(plan(), images, rng(), 1.0), images)


@pytest.mark.parametrize("probability", [0.3, 0.8])
def test_every_transform_is_drawn_on_its_own_with_the_probability(probability: float) -> None:
    found = drawn(FULL, probability)
    assert found.gain is not None and found.bend is not None
    assert found.noise is not None and found.centre is not None
    pixels = found.theta[:, :, :2] * torch.tensor([[1.0, 24 / 16], [16 / 24, 1.0]])
    events = {
        "turned": torch.atan2(pixels[:, 1, 0], pixels[:, 1, 1]).abs() > 1e-6,
        "scaled": (torch.linalg.det(pixels).abs() - 1).abs() > 1e-6,
        "shifted": found.theta[:, 0, 2] != 0,
        "cut": found.centre[:, 0] >= 0,
        "gain": found.gain[:, 0] != 1,
        "gain of the other contrast": found.gain[:, 1] != 1,
        "contrast": found.bend[:, 0] != 0,
        "noise": found.noise[:, 1] != 0,
    }
    shares = torch.stack(list(events.values())).float()
    assert shares.mean(1) == pytest.approx(torch.full((8,), probability), abs=0.03)
    mirrored = torch.linalg.det(pixels) < 0
    assert mirrored.float().mean().item() == pytest.approx(probability / 2, abs=0.03)
    # Independent: what the share of images without any of them must then be.
    together = torch.corrcoef(torch.cat([shares, mirrored[None].float()]))
    assert (together - torch.eye(9)).abs().max() < 0.06
    untouched = 1 - torch.stack([*events.values(), mirrored]).any(0).float().mean().item()
    expected = (1 - probability) ** 8 * (1 - probability / 2)
    assert untouched == pytest.approx(expected, abs=0.02)


def test_drawn_values_fill_their_ranges_and_stay_within() -> None:
    found = drawn(FULL, 1.0)
    assert found.gain is not None and found.bend is not None and found.noise is not None
    assert found.gain.max() <= 1.3 + 1e-6 and found.gain.min() >= 1 / 1.3 - 1e-6
    assert found.gain.max() > 1.28 and found.gain.min() < 1 / 1.28
    assert found.gain.log().mean().item() == pytest.approx(0, abs=0.01)
    assert 0.48 < found.bend.max() <= 0.5 and -0.5 <= found.bend.min() < -0.48
    assert 0 <= found.noise.min() < 0.002 and 0.098 < found.noise.max() <= 0.1
    assert found.sides == pytest.approx((0.4 * 16, 0.4 * 24))
    pixels = found.theta[:, :, :2] * torch.tensor([[1.0, 24 / 16], [16 / 24, 1.0]])
    angle = torch.atan2(pixels[:, 1, 0], pixels[:, 1, 1]) * torch.linalg.det(pixels).sign()
    assert math.radians(19) < angle.max() <= math.radians(20) + 1e-6
    assert -math.radians(20) - 1e-6 <= angle.min() < -math.radians(19)
    assert 0.19 < found.theta[:, :, 2].max() <= 0.2


def test_real_and_synthetic_halves_of_a_batch_are_transformed_alike() -> None:
    found = drawn(FULL, 0.7)
    assert found.gain is not None and found.centre is not None
    for values in (
        *found.theta.flatten(1).unbind(1),
        *found.gain.unbind(1),
        *found.centre.unbind(1),
    ):
        one, other = values.chunk(2)
        assert ks_2samp(one.numpy(), other.numpy()).pvalue > 1e-3


def test_mirroring_twice_is_the_identity() -> None:
    images = pictures(32, 2, (16, 24))
    chosen = draw_transforms(plan(flip=True), (32, 2, 16, 24), rng(), 1.0, CPU)
    assert 8 < chosen.moved.sum() < 24
    once = apply(images, chosen)
    torch.testing.assert_close(once[chosen.moved], images[chosen.moved].flip(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(apply(once, chosen), images, atol=1e-5, rtol=0)


def test_a_shift_moves_the_centre_of_mass_by_what_was_drawn() -> None:
    images = torch.full((64, 1, 32, 48), -1.0)
    images[:, :, 12:20, 20:28] = 1
    chosen = draw_transforms(plan(shift=0.2), (64, 1, 32, 48), rng(), 1.0, CPU)
    weight = apply(images, chosen)[:, 0] + 1
    x = (weight.sum(1) * (torch.arange(48) + 0.5)).sum(1) / weight.sum((1, 2))
    y = (weight.sum(2) * (torch.arange(32) + 0.5)).sum(1) / weight.sum((1, 2))
    # theta leads from the result to the image, in half sides: the picture moves the other way.
    torch.testing.assert_close(x, 24 - 24 * chosen.theta[:, 0, 2], atol=1e-2, rtol=0)
    torch.testing.assert_close(y, 16 - 16 * chosen.theta[:, 1, 2], atol=1e-2, rtol=0)


def test_geometry_is_shared_by_contrasts_and_intensity_is_not() -> None:
    image = pictures(16)
    both = image.repeat(1, 2, 1, 1)
    geometry = {"flip": True, "shift": 0.1, "rotation": 20.0, "scale": 0.2, "cutout": 0.3}
    moved = augment(plan(**geometry), both, rng(), 0.8)
    assert torch.equal(moved[:, 0], moved[:, 1])
    changed = augment(plan(brightness=0.3, contrast=0.3), both, rng(), 0.8)
    assert (changed[:, 0] != changed[:, 1]).flatten(1).any(1).float().mean() > 0.8


def test_label_maps_get_the_geometry_of_their_image_and_nothing_else() -> None:
    mask = pictures(16) > -1
    joint = torch.cat([pictures(16), mask * 2.0 - 1], 1)
    full = augment(plan(**FULL), joint, rng(2), 0.8, labels=1)
    # Without changes of intensity the same numbers give the same geometry.
    rest = {name: FULL[name] for name in ("flip", "shift", "rotation", "scale")}
    shape, chance = (16, 1, 16, 16), 0.8
    chosen = draw_transforms(plan(**rest), shape, rng(2), chance, CPU)
    assert torch.equal(full[:, 1:], apply(joint[:, 1:], chosen))
    assert full[:, 1].min() >= -1 - 1e-5 and full[:, 1].max() <= 1 + 1e-5


def test_background_stays_background_under_all_transforms() -> None:
    air = torch.full((32, 2, 16, 16), -1.0)
    torch.testing.assert_close(augment(plan(**FULL), air, rng(), 1.0), air, atol=1e-6, rtol=0)


def test_gradients_are_exact_through_the_whole_pipeline_twice() -> None:
    images = (pictures(3, 2, (5, 6), torch.float64) + 0.01).requires_grad_()

    def run(x: torch.Tensor) -> torch.Tensor:
        return augment(plan(**FULL), x, rng(1), 0.8)

    assert torch.autograd.gradcheck(run, (images,))
    assert torch.autograd.gradgradcheck(run, (images,))


def test_a_penalty_on_augmented_images_can_be_differentiated() -> None:
    """R1 by the image *before* augmentation: double backward through the resampling."""
    images, weight = pictures(3, 1, (6, 6), torch.float64), torch.randn(36, dtype=torch.float64)
    weight.requires_grad_()

    def penalty(weight: torch.Tensor) -> torch.Tensor:
        def critic(x: torch.Tensor) -> torch.Tensor:
            return torch.tanh(augment(plan(**FULL), x, rng(1), 0.8).flatten(1) @ weight).sum()

        return torch.func.grad(critic)(images).square().sum()

    assert torch.autograd.gradcheck(penalty, (weight,))
    leaf = images.clone().requires_grad_()
    value = torch.tanh(augment(plan(**FULL), leaf, rng(1), 0.8).flatten(1) @ weight).sum()
    (inner,) = torch.autograd.grad(value, leaf, create_graph=True)
    torch.testing.assert_close(penalty(weight), inner.square().sum())
