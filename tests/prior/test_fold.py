"""A network that is told one thing for ever equals an unconditional one."""

from __future__ import annotations

import pytest
import torch

from popgan.networks.progressive import Discriminator, Generator
from popgan.prior.fold import fold_discriminator, fold_generator

SHAPE = {"channels": [16, 12, 8], "image_channels": 1, "base": (8, 8), "patch": 2}


@pytest.mark.parametrize("told", [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
def test_a_folded_generator_draws_the_same_images(told: list[float]) -> None:
    torch.manual_seed(0)
    conditional = Generator(latent_dim=6, condition=3, **SHAPE)
    for parameter in conditional.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    plain = Generator(latent_dim=6, **SHAPE)
    condition = torch.tensor(told)
    plain.load_state_dict(fold_generator(conditional.state_dict(), condition))
    z = torch.randn(4, 6)
    for level in range(3):
        expected = conditional(z, level, 0.7, condition.expand(4, -1))
        assert expected.std() > 0.1
        torch.testing.assert_close(plain(z, level, 0.7), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("told", [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]])
def test_a_folded_discriminator_judges_the_same(told: list[float]) -> None:
    torch.manual_seed(0)
    conditional = Discriminator(group=2, condition=3, **SHAPE)
    for parameter in conditional.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    plain = Discriminator(group=2, **SHAPE)
    condition = torch.tensor(told)
    plain.load_state_dict(fold_discriminator(conditional.state_dict(), condition))
    images = torch.randn(4, 1, 32, 32)
    expected = conditional(images, 2, 0.7, condition.expand(4, -1))
    assert expected.std() > 0.01
    torch.testing.assert_close(plain(images, 2, 0.7), expected, rtol=1e-4, atol=1e-4)


def test_folding_leaves_the_given_tensors_alone() -> None:
    torch.manual_seed(0)
    tensors = Generator(latent_dim=6, condition=3, **SHAPE).state_dict()
    before = {name: value.clone() for name, value in tensors.items()}
    fold_generator(tensors, torch.tensor([0.0, 1.0, 0.0]))
    for name, value in tensors.items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)
