"""Losses against closed forms and torch's own functions."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from popgan.objectives.adversarial import accuracy, discriminator_loss, generator_loss


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


def test_relativistic_losses_see_differences_only() -> None:
    real, fake = torch.randn(20), torch.randn(20)
    for loss in (
        lambda shift: discriminator_loss("rpgan", real + shift, fake + shift),
        lambda shift: generator_loss("rpgan", fake + shift, real + shift),
    ):
        torch.testing.assert_close(loss(0.0), loss(5.0))


def test_both_players_pull_in_opposite_directions() -> None:
    for kind in ("logistic", "rpgan"):
        fake = torch.zeros(3, requires_grad=True)
        (up,) = torch.autograd.grad(generator_loss(kind, fake, torch.zeros(3)), fake)
        (down,) = torch.autograd.grad(discriminator_loss(kind, torch.zeros(3), fake), fake)
        assert (up < 0).all()
        assert (down > 0).all()


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


def test_unknown_losses_are_refused() -> None:
    with pytest.raises(ValueError, match="hinge"):
        discriminator_loss("hinge", torch.zeros(1), torch.zeros(1))
    with pytest.raises(ValueError, match="rpgan"):
        generator_loss("rpgan", torch.zeros(1))
