"""Losses against closed forms and torch's own functions."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch
import torch.nn.functional as F

from popgan.config.training import TrainPlan
from popgan.objectives.adversarial import (
    accuracy,
    boundary,
    discriminator_loss,
    generator_loss,
)


def test_an_undecided_discriminator_costs_two_bits_or_one() -> None:
    zero = torch.zeros(5)
    assert discriminator_loss("logistic", zero, zero).item() == pytest.approx(2 * math.log(2))
    assert discriminator_loss("rpgan", zero, zero).item() == pytest.approx(math.log(2))
    assert generator_loss("logistic", zero).item() == pytest.approx(math.log(2))


def test_logistic_loss_is_binary_cross_entropy() -> None:
    real, fake = torch.randn(20), torch.randn(20)
    expected = F.binary_cross_entropy_with_logits(
        real, torch.ones(20)
    ) + F.binary_cross_entropy_with_logits(fake, torch.zeros(20))
    torch.testing.assert_close(discriminator_loss("logistic", real, fake), expected)


def test_least_squares_are_half_the_mean_squared_errors_to_one_and_zero() -> None:
    real, fake = torch.randn(20), torch.randn(20)
    mse = F.mse_loss
    expected = 0.5 * (mse(real, torch.ones(20)) + mse(fake, torch.zeros(20)))
    torch.testing.assert_close(discriminator_loss("lsgan", real, fake), expected)
    torch.testing.assert_close(generator_loss("lsgan", fake), 0.5 * mse(fake, torch.ones(20)))


def test_a_critic_measures_the_distance_of_means_and_is_held_near_zero() -> None:
    real, fake = torch.randn(20), torch.randn(20)
    drift = 1e-3 * float(real.square().mean())
    expected = float(fake.mean() - real.mean()) + drift
    assert discriminator_loss("wgan-gp", real, fake).item() == pytest.approx(expected, abs=1e-6)
    assert generator_loss("wgan-gp", fake).item() == pytest.approx(-float(fake.mean()), abs=1e-6)


def test_relativistic_losses_see_differences_only() -> None:
    real, fake = torch.randn(20), torch.randn(20)
    for loss in (
        lambda shift: discriminator_loss("rpgan", real + shift, fake + shift),
        lambda shift: generator_loss("rpgan", fake + shift, real + shift),
    ):
        torch.testing.assert_close(loss(0.0), loss(5.0))


def test_both_players_pull_in_opposite_directions() -> None:
    for kind in get_args(TrainPlan.model_fields["loss"].annotation):
        fake = torch.full((3,), 0.1, requires_grad=True)
        real = torch.full((3,), 0.1, requires_grad=True)
        (up,) = torch.autograd.grad(generator_loss(kind, fake, real), fake)
        down, apart = torch.autograd.grad(discriminator_loss(kind, real, fake), [fake, real])
        assert (up < 0).all()
        assert (down > 0).all() and (apart < 0).all()


def test_real_logits_are_constants_for_the_generator() -> None:
    real = torch.zeros(3, requires_grad=True)
    fake = torch.zeros(3, requires_grad=True)
    generator_loss("rpgan", fake, real).backward()
    assert real.grad is None


def test_accuracy_counts_right_decisions_on_each_side() -> None:
    real, fake = torch.tensor([1.0, 2.0, -1.0, 3.0]), torch.tensor([-1.0, -2.0, -3.0, 1.0])
    assert [a.item() for a in accuracy("logistic", real, fake)] == [0.75, 0.75]
    shifted = accuracy("rpgan", real + 100, fake + 100)
    assert [a.item() for a in shifted] == [0.75, 0.75]


@pytest.mark.parametrize("kind", ["rpgan", "wgan-gp"])
def test_what_is_defined_up_to_a_constant_is_judged_from_the_middle(kind: str) -> None:
    real, fake = torch.tensor([4.0, 6.0, 2.0]), torch.tensor([0.0, 1.0, 2.0])
    assert boundary(kind, real, fake).item() == 2.5
    assert [a.item() for a in accuracy(kind, real + 7, fake + 7)] == pytest.approx([2 / 3, 1.0])


def test_least_squares_decide_half_way_between_their_targets() -> None:
    real, fake = torch.tensor([0.6, 0.4]), torch.tensor([0.6, -3.0])
    assert [a.item() for a in accuracy("lsgan", real, fake)] == [0.5, 0.5]


def test_unknown_losses_are_refused() -> None:
    with pytest.raises(ValueError, match="hinge"):
        discriminator_loss("hinge", torch.zeros(1), torch.zeros(1))
    with pytest.raises(ValueError, match="rpgan"):
        generator_loss("rpgan", torch.zeros(1))
