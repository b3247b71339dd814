"""R3GAN: a generator and a discriminator of residual blocks and nothing else.

Huang et al., "The GAN is dead; long live the GAN!" (NeurIPS 2024): no normalisation, no mapping,
no noise, no minibatch statistics. A block widens to twice the features, convolves in groups of 16
features, and narrows again; its last layer starts at zero and the others at L^(-1/4) of the usual
size (L blocks in all), so that the network starts near the identity and stays calm. Written from
the paper.
"""

from __future__ import annotations

import itertools
import math
from typing import TypeVar

import torch
from torch import Tensor, nn

from popgan.networks.convolution import convolve_as
from popgan.networks.judging import Judge
from popgan.networks.layers import LRELU_GAIN, Embedding, Projection, join, leaky_relu
from popgan.networks.resample import double, halve

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)

EXPANSION = 2
GROUP = 16  # features of one group of the grouped convolution


class Convolution(nn.Conv2d):
    """One whose second derivatives are fast, which R1 and R2 pay with in every step."""

    def forward(self, x: Tensor) -> Tensor:
        """N x in_channels x H x W to N x out_channels x H x W."""
        return convolve_as(self, x)


class Block(nn.Module):
    """x + narrow(lrelu(grouped 3 x 3(lrelu(widen(x))))).

    Args:
        maps: features; twice as many are a multiple of 16.
        blocks: residual blocks of the whole network.
    """

    def __init__(self, maps: int, blocks: int) -> None:
        super().__init__()
        wide = maps * EXPANSION
        self.widen = Convolution(maps, wide, 1)
        self.mix = Convolution(wide, wide, 3, padding=1, groups=wide // GROUP)
        self.narrow = Convolution(wide, maps, 1, bias=False)
        gain = LRELU_GAIN * blocks**-0.25
        start(self.widen, gain)
        start(self.mix, gain)
        nn.init.zeros_(self.narrow.weight)

    def forward(self, x: Tensor) -> Tensor:
        """N x maps x H x W to the same."""
        y = leaky_relu(self.mix(leaky_relu(self.widen(x))))
        return x + self.narrow(y)


class Up(nn.Module):
    """Double the size; project first where the number of features changes, which is cheaper."""

    def __init__(self, maps: int, out: int) -> None:
        super().__init__()
        self.project = None if maps == out else start(Convolution(maps, out, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """N x maps x H x W to N x out x 2H x 2W."""
        return double(x if self.project is None else self.project(x))


class Down(nn.Module):
    """Halve the size; project where the number of features changes."""

    def __init__(self, maps: int, out: int) -> None:
        super().__init__()
        self.project = None if maps == out else start(Convolution(maps, out, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """N x maps x H x W to N x out x H/2 x W/2."""
        return halve(x) if self.project is None else self.project(halve(x))


class Generator(nn.Module):
    """Latent vectors to images.

    Args:
        latent_dim: length of z.
        channels: features at each level, lowest first, multiples of 8.
        image_channels: C of the images (contrasts).
        base: height and width of the lowest level, pixels.
        blocks: residual blocks a level.
        condition: K, numbers of a condition vector; 0 = none.
    """

    def __init__(
        self,
        *,
        latent_dim: int,
        channels: list[int],
        image_channels: int,
        base: tuple[int, int],
        blocks: int,
        condition: int = 0,
    ) -> None:
        super().__init__()
        self.embedding = Embedding(condition, latent_dim) if condition else None
        # What there is at the lowest level: learned patterns, weighed by the latent vector.
        self.basis = nn.Parameter(torch.randn(1, channels[0], *base))
        length = latent_dim * 2 if condition else latent_dim
        self.weigh = start(nn.Linear(length, channels[0], bias=False))
        self.levels = residual_levels(channels, blocks)
        self.ups = nn.ModuleList(Up(a, b) for a, b in itertools.pairwise(channels))
        self.draw = start(Convolution(channels[-1], image_channels, 1, bias=False))

    def forward(
        self, z: Tensor, level: int = 0, alpha: float = 1.0, condition: Tensor | None = None
    ) -> Tensor:
        """Draw images.

        Args:
            z: N x latent_dim, standard normal.
            level: ignored; this network does not grow.
            alpha: ignored likewise.
            condition: N x K, where the network was built for one.

        Returns:
            N x image_channels x H x W, nominally in [-1, 1] but not clamped, float32.
        """
        weights = self.weigh(join(z, self.embedding, condition))
        x = self.basis.to(weights.dtype) * weights[:, :, None, None]
        x = self.levels[0](x.to(memory_format=torch.channels_last))
        for up, blocks in zip(self.ups, self.levels[1:], strict=True):
            x = blocks(up(x))
        return self.draw(x).float()


class Discriminator(Judge):
    """Images to one logit each. Args: as for `Generator`."""

    def __init__(
        self,
        *,
        channels: list[int],
        image_channels: int,
        base: tuple[int, int],
        blocks: int,
        condition: int = 0,
    ) -> None:
        super().__init__()
        self.read = start(Convolution(image_channels, channels[-1], 1, bias=False))
        self.levels = residual_levels(channels[::-1], blocks)
        self.downs = nn.ModuleList(Down(a, b) for a, b in itertools.pairwise(channels[::-1]))
        low = channels[0]
        self.basis = start(nn.Conv2d(low, low, base, groups=low, bias=False))
        self.logit = start(nn.Linear(low, 1, bias=False))
        self.projection = Projection(condition, low) if condition else None

    def look(self, image: Tensor, level: int, alpha: float) -> Tensor:
        """Residual blocks at every level, highest first."""
        x = self.levels[0](self.read(image))
        for down, blocks in zip(self.downs, self.levels[1:], strict=True):
            x = blocks(down(x))
        return x

    def gather(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """One number a feature map, by learned patterns."""
        x = self.basis(x).flatten(1)
        return x, x


def residual_levels(channels: list[int], blocks: int) -> nn.ModuleList:
    """So many residual blocks at each level."""
    total = blocks * len(channels)
    return nn.ModuleList(
        nn.Sequential(*(Block(maps, total) for _ in range(blocks))) for maps in channels
    )


def start(layer: Layer, gain: float = 1.0) -> Layer:
    """Random weights that keep variance, times a gain; biases zero."""
    nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
