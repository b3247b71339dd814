"""DCGAN: the published shape, batch statistics, any shape."""

from __future__ import annotations

import pytest
import torch

from popgan.networks.dcgan import Discriminator, Generator


def test_the_published_generator_of_64_pixels() -> None:
    with torch.device("meta"):
        generator = Generator(
            latent_dim=100, channels=[1024, 512, 256, 128], image_channels=3, base=(8, 8)
        )
    shapes = [tuple(up.weight.shape) for up in [*generator.ups, generator.draw]]
    assert shapes == [
        (1024, 512, 4, 4),
        (512, 256, 4, 4),
        (256, 128, 4, 4),
        (128, 3, 4, 4),
    ]
    assert generator.dense.weight.shape == (1024 * 16, 100)


@pytest.mark.parametrize("base", [(8, 8), (6, 10)])
def test_square_or_not_within_the_range_of_images(base: tuple[int, int]) -> None:
    torch.manual_seed(0)
    sizes = {"channels": [16, 8], "image_channels": 2, "base": base}
    generator = Generator(latent_dim=6, condition=3, **sizes)
    discriminator = Discriminator(condition=3, **sizes)
    told = torch.randn(4, 3)
    images = generator(torch.randn(4, 6) * 100, condition=told)
    assert images.shape == (4, 2, base[0] * 2, base[1] * 2)
    assert images.abs().max() <= 1
    assert discriminator(images, condition=told).shape == (4,)


def test_samples_do_not_depend_on_their_neighbours_after_training() -> None:
    torch.manual_seed(0)
    generator = Generator(latent_dim=6, channels=[16, 8], image_channels=1, base=(8, 8))
    z = torch.randn(8, 6)
    assert not torch.allclose(generator(z)[:2], generator(z[:2]), atol=1e-5)
    generator.eval()
    torch.testing.assert_close(generator(z)[:2], generator(z[:2]))


def test_the_discriminator_keeps_no_statistics_so_penalties_can_be_taken() -> None:
    torch.manual_seed(0)
    net = Discriminator(channels=[16, 8], image_channels=1, base=(8, 8))
    assert not list(net.buffers())
    gradient = torch.func.grad(lambda x: net(x).sum())(torch.randn(4, 1, 16, 16))
    assert gradient.abs().sum() > 0
