"""The growing networks: shapes, growth without shocks, gradients that reach every layer."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from popgan.networks.layers import enlarge
from popgan.networks.progressive import Discriminator, Generator, count_parameters


def networks(
    patch: int = 2, base: tuple[int, int] = (8, 8), image_channels: int = 1, group: int = 4
) -> tuple[Generator, Discriminator]:
    torch.manual_seed(0)
    common = {"channels": [16, 12, 8], "image_channels": image_channels, "base": base}
    return (
        Generator(latent_dim=6, patch=patch, **common),
        Discriminator(patch=patch, group=group, **common),
    )


@pytest.mark.parametrize("patch", [1, 2])
@pytest.mark.parametrize("base", [(8, 8), (8, 12)])
@pytest.mark.parametrize("image_channels", [1, 3])
def test_every_level_doubles_the_image(
    patch: int, base: tuple[int, int], image_channels: int
) -> None:
    generator, discriminator = networks(patch, base, image_channels)
    for level in range(3):
        image = generator(torch.randn(4, 6), level, 0.5)
        assert image.shape == (4, image_channels, base[0] << level, base[1] << level)
        assert discriminator(image, level, 0.5).shape == (4,)


def test_a_level_enters_the_generator_without_a_shock() -> None:
    generator, _ = networks()
    z = torch.randn(4, 6)
    below = generator(z, 1)
    torch.testing.assert_close(generator(z, 2, 0.0), enlarge(below))
    # A level that has just begun adds nothing even when it is fully in.
    torch.testing.assert_close(generator(z, 2, 1.0), enlarge(below))


def test_a_level_enters_the_discriminator_without_a_shock() -> None:
    _, discriminator = networks()
    image = torch.randn(4, 1, 16, 16)
    coarse = torch.nn.functional.avg_pool2d(image, 2)
    torch.testing.assert_close(discriminator(image, 1, 0.0), discriminator(coarse, 0, 1.0))


def test_fading_is_continuous() -> None:
    generator, discriminator = networks()
    torch.nn.init.normal_(generator.to_image[2].weight)
    z = torch.randn(4, 6)
    near, at = generator(z, 2, 0.999), generator(z, 2, 1.0)
    assert (near - at).abs().max() < 0.01 * at.abs().max() + 1e-3
    judged = discriminator(at, 2, 0.999) - discriminator(at, 2, 1.0)
    assert judged.abs().max() < 0.05


def test_all_parameters_of_reached_levels_learn_and_others_do_not() -> None:
    generator, discriminator = networks()
    loss = discriminator(generator(torch.randn(4, 6), 1, 0.5), 1, 0.5).sum()
    loss.backward()
    for name, parameter in generator.named_parameters():
        reached = not name.startswith(("blocks.1", "to_image.2"))
        assert (parameter.grad is not None) == reached, name
    for name, parameter in discriminator.named_parameters():
        reached = not name.startswith(("blocks.1", "from_image.2"))
        assert (parameter.grad is not None) == reached, name


def test_different_latents_give_different_images_whatever_their_length() -> None:
    generator, _ = networks()
    z = torch.randn(2, 6)
    torch.testing.assert_close(generator(z, 2), generator(z * 7, 2), rtol=1e-4, atol=1e-4)
    assert (generator(z, 2)[0] - generator(z, 2)[1]).abs().max() > 1e-3


def test_dropout_is_what_the_caller_drew() -> None:
    torch.manual_seed(0)
    net = Discriminator(channels=[16, 8], image_channels=1, base=(4, 4))
    image = torch.randn(4, 1, 8, 8)
    assert torch.equal(net(image, 1, keep=torch.ones(4, 16)), net(image, 1))
    assert torch.equal(net(image, 1, keep=torch.zeros(4, 16)), net.logit.bias.expand(4))


def test_wider_kernels_change_what_lies_between_feature_maps_and_nothing_else() -> None:
    shape = {"channels": [16, 12, 8], "image_channels": 1, "base": (8, 8), "patch": 2}
    drawing = partial(Generator, latent_dim=6, **shape)
    for network in (drawing, partial(Discriminator, **shape)):
        torch.manual_seed(0)
        usual = network().state_dict()
        torch.manual_seed(0)
        same, wide = network(kernel=3).state_dict(), network(kernel=5).state_dict()
        assert list(usual) == list(same) == list(wide)
        assert all(torch.equal(usual[name], same[name]) for name in usual)
        for name, value in wide.items():
            inner = "blocks" in name or name.startswith(("first", "last"))
            grown = inner and value.dim() == 4 and "short" not in name
            assert usual[name].shape[2:] == ((3, 3) if grown else value.shape[2:]), name
            assert not grown or value.shape[2:] == (5, 5), name


def test_networks_with_wider_kernels_draw_and_judge_the_same_sizes() -> None:
    shape = {"channels": [16, 12, 8], "image_channels": 1, "base": (8, 8), "kernel": 5}
    generator, discriminator = Generator(latent_dim=6, **shape), Discriminator(**shape)
    for level in range(3):
        image = generator(torch.randn(4, 6), level, 0.5)
        assert image.shape == (4, 1, 8 << level, 8 << level)
        assert discriminator(image, level, 0.5).shape == (4,)


def test_parameters_are_counted() -> None:
    assert count_parameters(torch.nn.Linear(3, 2)) == 8


def test_a_condition_reaches_every_level_and_the_logit() -> None:
    torch.manual_seed(0)
    sizes = {"channels": [16, 12, 8], "image_channels": 1, "base": (4, 4), "condition": 3}
    generator, discriminator = Generator(latent_dim=6, **sizes), Discriminator(**sizes)
    z, told = torch.randn(4, 6), torch.eye(3)[[0, 1, 2, 0]]
    for level in range(3):
        images = generator(z, level, 1.0, told)
        assert (images - generator(z, level, 1.0, told.flip(0))).abs().max() > 1e-3
        logits = discriminator(images, level, 1.0, told)
        assert (logits - discriminator(images, level, 1.0, told.flip(0))).abs().max() > 1e-4
    with pytest.raises(ValueError, match="a condition"):
        discriminator(images, 2)


def test_an_unknown_condition_adds_nothing_to_a_fresh_logit() -> None:
    torch.manual_seed(0)
    told = Discriminator(channels=[16, 8], image_channels=1, base=(4, 4), condition=3)
    images = torch.randn(4, 1, 8, 8)
    plain = Discriminator(channels=[16, 8], image_channels=1, base=(4, 4))
    plain.load_state_dict(told.state_dict(), strict=False)
    torch.testing.assert_close(told(images, 1, 1.0, torch.zeros(4, 3)), plain(images, 1))
