"""R3GAN: near the identity at the start, the published size, any shape."""

from __future__ import annotations

import pytest
import torch

from popgan.networks.layers import LRELU_GAIN
from popgan.networks.progressive import count_parameters
from popgan.networks.r3gan import Block, Convolution, Discriminator, Generator
from popgan.objectives.penalties import gradient_penalty


def test_a_block_starts_as_the_identity_and_leaves_it() -> None:
    torch.manual_seed(0)
    block = Block(16, blocks=6)
    x = torch.randn(2, 16, 5, 5)
    assert torch.equal(block(x), x)
    torch.nn.init.normal_(block.narrow.weight)
    assert not torch.allclose(block(x), x)


def test_first_weights_shrink_with_the_number_of_blocks() -> None:
    torch.manual_seed(0)
    block = Block(64, blocks=16)
    assert block.widen.weight.std().item() == pytest.approx(LRELU_GAIN / 2 / 8, rel=0.1)
    # 16 features a group, 9 places each.
    assert block.mix.weight.shape == (128, 16, 3, 3)
    assert block.mix.weight.std().item() == pytest.approx(LRELU_GAIN / 2 / 12, rel=0.05)


def test_a_penalty_teaches_what_it_does_with_plain_layers() -> None:
    torch.manual_seed(0)
    network = Discriminator(channels=[16, 8], image_channels=1, base=(4, 4), blocks=1).double()
    for name, parameter in network.named_parameters():
        if name.endswith("narrow.weight"):
            torch.nn.init.normal_(parameter, std=0.1)
    images = torch.randn(3, 1, 8, 8, dtype=torch.float64)

    def learnt() -> list[torch.Tensor | None]:
        penalty = gradient_penalty(network, images)
        parameters = list(network.parameters())
        return list(torch.autograd.grad(penalty, parameters, allow_unused=True))

    ours = learnt()
    layers = [layer for layer in network.modules() if isinstance(layer, Convolution)]
    assert len(layers) >= 7
    for layer in layers:
        layer.__class__ = torch.nn.Conv2d  # type: ignore[assignment]
    for a, b in zip(ours, learnt(), strict=True):
        torch.testing.assert_close(a, b)


def test_width_128_has_a_million_parameters_each() -> None:
    sizes = {"channels": [128] * 5, "image_channels": 1, "base": (4, 4), "blocks": 2}
    assert round(count_parameters(Generator(latent_dim=64, **sizes)) / 1e6, 1) == 1.0
    assert round(count_parameters(Discriminator(**sizes)) / 1e6, 1) == 1.0


@pytest.mark.parametrize("base", [(4, 4), (3, 5)])
@pytest.mark.parametrize("channels", [[16, 16, 8], [8, 8, 8]])
def test_square_or_not_and_every_parameter_learns(
    base: tuple[int, int], channels: list[int]
) -> None:
    torch.manual_seed(0)
    sizes = {"channels": channels, "image_channels": 2, "base": base, "blocks": 1}
    generator, discriminator = (
        Generator(latent_dim=6, condition=3, **sizes),
        Discriminator(condition=3, **sizes),
    )
    for network in (generator, discriminator):
        for name, parameter in network.named_parameters():
            if name.endswith("narrow.weight"):  # at zero it hides what lies before it
                torch.nn.init.normal_(parameter, std=0.1)
    told = torch.randn(4, 3)
    images = generator(torch.randn(4, 6), condition=told)
    assert images.shape == (4, 2, base[0] * 4, base[1] * 4)
    logits = discriminator(images, condition=told)
    assert logits.shape == (4,)
    logits.square().sum().backward()
    for network in (generator, discriminator):
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name
