"""The discriminator of StyleGAN2: residual blocks that halve the size behind a smoothing filter."""

from __future__ import annotations

import math

from torch import Tensor, nn

from popgan.networks.convolution import convolve_as
from popgan.networks.judging import Judge
from popgan.networks.layers import (
    EqualisedConv2d,
    EqualisedLinear,
    Projection,
    leaky_relu,
    minibatch_stddev,
)
from popgan.networks.resample import halve, smooth
from popgan.networks.stylegan2.shape import Levels

GAIN = math.sqrt(2)  # of the leaky ReLU, folded into weights and the rates of biases
HALF = math.sqrt(0.5)  # keeps the size of a sum of two


class Convolution(EqualisedConv2d):
    """One whose second derivatives are fast, which R1 pays with; wide layers hide its overhead."""

    def forward(self, x: Tensor) -> Tensor:
        """N x in_channels x H x W to N x out_channels x H' x W'."""
        return convolve_as(self, x)


class Block(nn.Module):
    """Convolve, smooth, convolve with step 2; the short cut halves and projects."""

    def __init__(self, maps: int, out: int) -> None:
        super().__init__()
        self.first = Convolution(maps, maps, gain=GAIN, bias_rate=GAIN)
        rate = GAIN * HALF
        self.second = Convolution(maps, out, stride=2, padding=0, gain=rate, bias_rate=rate)
        self.short = Convolution(maps, out, 1, gain=HALF, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """N x maps x H x W to N x out x H/2 x W/2."""
        y = smooth(leaky_relu(self.first(x)), padding=2)
        return leaky_relu(self.second(y)) + self.short(halve(x))


class Discriminator(Judge):
    """Images to one logit each.

    Args:
        levels: sizes and feature maps.
        channels: C of the images (contrasts).
        condition: K, numbers of a condition vector; 0 = none.
        group: group size of minibatch standard deviation; 1 = none.
    """

    def __init__(
        self, levels: Levels, *, channels: int = 1, condition: int = 0, group: int = 4
    ) -> None:
        super().__init__()
        maps = levels.maps
        self.group = group
        self.from_image = Convolution(channels, maps[-1], 1, gain=GAIN, bias_rate=GAIN)
        pairs = zip(maps[:0:-1], maps[-2::-1], strict=True)
        self.blocks = nn.ModuleList(Block(a, b) for a, b in pairs)
        extra = 1 if group > 1 else 0
        low, area = maps[0], math.prod(levels.sizes[0])
        self.last = Convolution(low + extra, low, gain=GAIN, bias_rate=GAIN)
        self.dense = EqualisedLinear(low * area, low, gain=GAIN, bias_rate=GAIN)
        self.logit = EqualisedLinear(low, 1, gain=1)
        self.projection = Projection(condition, low) if condition else None

    def look(self, image: Tensor, level: int, alpha: float) -> Tensor:
        """Residual blocks, and how much the images of a group differ."""
        x = leaky_relu(self.from_image(image))
        for block in self.blocks:
            x = block(x)
        return leaky_relu(self.last(minibatch_stddev(x, self.group)))

    def gather(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """A dense layer."""
        x = leaky_relu(self.dense(x.flatten(1)))
        return x, x
