"""From the prior to a plan: by name and shape, contrasts and conditions included."""

from __future__ import annotations

from typing import Any

import torch

from popgan.networks.progressive import Discriminator, Generator
from popgan.prior.fold import fold_discriminator, fold_generator
from popgan.prior.kinds import KINDS, mixture
from popgan.prior.transfer import start_from
from popgan.prior.weights import Prior

CHANNELS = [16, 12, 8]


def pair(
    *, channels: list[int], image_channels: int = 1, condition: int = 0
) -> tuple[Generator, Discriminator]:
    shape: dict[str, Any] = {"channels": channels, "base": (8, 8), "patch": 2}
    shape |= {"image_channels": image_channels, "condition": condition}
    return Generator(latent_dim=6, **shape), Discriminator(group=2, **shape)


def prior() -> Prior:
    """A prior with random weights everywhere."""
    torch.manual_seed(0)
    networks = pair(channels=CHANNELS, condition=len(KINDS))
    for network in networks:
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
    generator, discriminator = (network.state_dict() for network in networks)
    return Prior(32, KINDS, generator, discriminator)


def plain(found: Prior, contrasts: list[str], skull: bool) -> tuple[Generator, Discriminator]:
    """The prior's networks, folded for a cohort."""
    told = torch.tensor(mixture(contrasts, skull=skull))
    generator, discriminator = pair(channels=CHANNELS)
    generator.load_state_dict(fold_generator(found.generator, told))
    discriminator.load_state_dict(fold_discriminator(found.discriminator, told))
    return generator, discriminator


def test_networks_of_the_same_shape_take_everything() -> None:
    found = prior()
    generator, discriminator = pair(channels=CHANNELS)
    taken = start_from(found, generator, discriminator, contrasts=["T2w"], skull=True)
    assert [one.share for one in taken.values()] == [1.0, 1.0]
    expected, judge = plain(found, ["T2w"], True)
    z = torch.randn(4, 6)
    torch.testing.assert_close(generator(z, 2), expected(z, 2))
    torch.testing.assert_close(discriminator(expected(z, 2), 2), judge(expected(z, 2), 2))


def test_every_contrast_starts_as_the_priors_channel() -> None:
    found = prior()
    generator, discriminator = pair(channels=CHANNELS, image_channels=2)
    start_from(found, generator, discriminator, contrasts=["T1w", "FLAIR"], skull=False)
    expected, judge = plain(found, ["T1w", "FLAIR"], False)
    z = torch.randn(4, 6)
    image = expected(z, 2)
    torch.testing.assert_close(generator(z, 2), image.repeat(1, 2, 1, 1))
    # The discriminator reads the mean of the contrasts: of twice the same, that one.
    torch.testing.assert_close(
        discriminator(image.repeat(1, 2, 1, 1), 2), judge(image, 2), rtol=1e-4, atol=1e-5
    )


def test_channels_without_a_contrast_start_blank_and_unread() -> None:
    found = prior()
    generator, discriminator = pair(channels=CHANNELS, image_channels=2)
    start_from(found, generator, discriminator, contrasts=["T1w"], skull=True, blank=1)
    z = torch.randn(4, 6)
    for level in range(3):
        drawn = generator(z, level)
        torch.testing.assert_close(drawn[:, 1], torch.full_like(drawn[:, 1], -1.0))
    other = torch.cat([drawn[:, :1], torch.randn_like(drawn[:, 1:])], 1)
    torch.testing.assert_close(discriminator(drawn, 2), discriminator(other, 2))


def test_networks_that_are_told_something_start_deaf_to_it_and_can_learn_to_listen() -> None:
    found = prior()
    generator, discriminator = pair(channels=CHANNELS, condition=3)
    taken = start_from(found, generator, discriminator, contrasts=["PDw"], skull=True)
    expected, judge = plain(found, ["PDw"], True)
    z = torch.randn(4, 6)
    images = expected(z, 2).detach()
    for told in torch.eye(3):
        logits = discriminator(images, 2, 1.0, told.expand(4, -1))
        torch.testing.assert_close(logits, judge(images, 2), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(
            generator(z, 2, 1.0, told.expand(4, -1)), expected(z, 2), rtol=1e-4, atol=1e-5
        )
    assert set(taken["discriminator"].fresh) == {"projection.weight", "projection.bias"}
    logits.sum().backward()
    assert discriminator.projection.weight.grad.abs().sum() > 0


def test_a_larger_network_takes_the_lower_levels_and_adds_nothing_at_first() -> None:
    found = prior()
    generator, discriminator = pair(channels=[*CHANNELS, 8])
    taken = start_from(found, generator, discriminator, contrasts=["T1w"], skull=True)
    assert all("3" in name or name.startswith("blocks.2") for name in taken["generator"].fresh)
    expected, _ = plain(found, ["T1w"], True)
    z = torch.randn(4, 6)
    torch.testing.assert_close(generator(z, 2), expected(z, 2))


def test_other_widths_keep_their_fresh_weights() -> None:
    found = prior()
    generator, discriminator = pair(channels=[24, 20, 16])
    before = generator.dense.weight.clone()
    taken = start_from(found, generator, discriminator, contrasts=["T1w"], skull=True)
    assert taken["generator"].share < 0.1 and taken["discriminator"].share < 0.1
    assert "dense.weight" in taken["generator"].fresh
    torch.testing.assert_close(generator.dense.weight, before, rtol=0, atol=0)
