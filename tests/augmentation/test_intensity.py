"""Changes of intensity: air stays air, order is kept, differences are exact."""

from __future__ import annotations

import pytest
import torch
from augmented import pictures, rng
from hypothesis import given
from hypothesis import strategies as st

from popgan.augmentation.intensity import AIR, add_noise, change_contrast, change_gain, normal_field

GREYS = torch.linspace(-1.2, 1.2, 241).view(1, 1, 1, -1)


def factor(value: float) -> torch.Tensor:
    return torch.full((1, 1), value)


@given(gain=st.floats(0.3, 3.0), bend=st.floats(-0.9, 0.9))
def test_air_stays_air_and_no_order_is_inverted(gain: float, bend: float) -> None:
    for changed in (change_gain(GREYS, factor(gain)), change_contrast(GREYS, factor(bend))):
        assert changed.flatten()[20].item() == pytest.approx(-1, abs=1e-6)
        assert (changed.diff(dim=-1) > 0).all()


def test_gain_multiplies_signal() -> None:
    images = pictures(4)
    changed = change_gain(images, torch.full((4, 1), 1.3))
    torch.testing.assert_close(changed + 1, 1.3 * (images + 1))
    air = images == -1
    assert air.any() and torch.equal(changed[air], images[air])


@given(bend=st.floats(-0.9, 0.9))
def test_contrast_turns_about_middle_grey_with_bounded_slopes(bend: float) -> None:
    fine = torch.linspace(-1, 1, 20_001, dtype=torch.float64).view(1, 1, 1, -1)
    changed = change_contrast(fine, factor(bend).double())
    assert changed.flatten()[10_000].item() == pytest.approx(0, abs=1e-7)
    slopes = changed.diff(dim=-1) / 1e-4
    assert slopes.min() >= 1 - abs(bend) - 1e-3 and slopes.max() <= 1 + abs(bend) + 1e-3
    # At the middle the slope is 1 + k / 2.
    assert slopes.flatten()[10_000].item() == pytest.approx(1 + bend / 2, abs=1e-3)


def test_noise_has_its_deviation_in_tissue_and_is_absent_in_air() -> None:
    images = torch.full((1, 2, 200, 200), 0.0)
    images[:, :, :100] = -1
    field = normal_field(images, seed=3)
    noisy = add_noise(images, torch.tensor([[0.1, 0.0]]), field)
    assert torch.equal(noisy[:, :, :100], images[:, :, :100])
    assert torch.equal(noisy[:, 1], images[:, 1])
    tissue = noisy[0, 0, 100:]
    assert tissue.std().item() == pytest.approx(0.1 / (1 + AIR**2), rel=0.02)
    assert abs(tissue.mean().item()) < 0.003


def test_zero_strength_is_the_identity_to_the_last_bit() -> None:
    images = torch.randn(3, 2, 8, 8, generator=rng())
    one, zero = torch.ones(3, 2), torch.zeros(3, 2)
    assert torch.equal(change_gain(images, one), images)
    assert torch.equal(change_contrast(images, zero), images)
    assert torch.equal(add_noise(images, zero, normal_field(images, 0)), images)


def test_each_channel_has_its_own_factor() -> None:
    images = pictures(2, channels=2)
    gain = torch.tensor([[1.0, 2.0], [0.5, 1.0]])
    changed = change_gain(images, gain) + 1
    for i in range(2):
        for c in range(2):
            torch.testing.assert_close(changed[i, c], gain[i, c] * (images[i, c] + 1))


def test_gradients_are_exact() -> None:
    images = (pictures(2, 2, (4, 4), torch.float64) + 0.01).requires_grad_()
    field = torch.randn(2, 2, 4, 4, dtype=torch.float64, generator=rng())
    some = torch.tensor([[0.3, 0.1], [0.2, 0.4]], dtype=torch.float64)
    for change in (
        lambda x: change_gain(x, 1 + some),
        lambda x: change_contrast(x, some),
        lambda x: add_noise(x, some, field),
    ):
        assert torch.autograd.gradcheck(change, (images,))
        assert torch.autograd.gradgradcheck(change, (images,))
