"""The discriminator of StyleGAN2: residual blocks that halve the size behind a smoothing filter."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from popgan.networks.layers import (
    EqualisedConv2d,
    EqualisedLinear,
    Projection,
    leaky_relu,
    minibatch_stddev,
    project,
)
from popgan.networks.resample import Smooth
from popgan.networks.stylegan2.shape import Size, feature_maps, pyramid

GAIN = math.sqrt(2)  # of the leaky ReLU, folded into weights and the rates of biases
HALF = math.sqrt(0.5)  # keeps the size of a sum of two


class Block(nn.Module):
    """Convolve, smooth, convolve with step 2; the short cut smooths and projects."""

    def __init__(self, maps: int, out: int) -> None:
        super().__init__()
        self.first = EqualisedConv2d(maps, maps, gain=GAIN, bias_rate=GAIN)
        rate = GAIN * HALF
        self.second = EqualisedConv2d(maps, out, stride=2, padding=0, gain=rate, bias_rate=rate)
        self.short = EqualisedConv2d(maps, out, 1, stride=2, gain=HALF, bias=False)
        self.smooth = Smooth()

    def forward(self, x: Tensor) -> Tensor:
        """N x maps x H x W to N x out x H/2 x W/2."""
        y = self.smooth(leaky_relu(self.first(x)), padding=2)
        # Smoothing at every pixel and skipping in the 1 x 1 convolution is cheaper than
        # smoothing at every other one: torch has no fast depthwise convolution with steps.
        return leaky_relu(self.second(y)) + self.short(self.smooth(x, padding=1))


class Discriminator(nn.Module):
    """Images to one logit each: large for real, small for synthetic.

    Args:
        resolution: pixels a side, or height and width.
        channel_base: feature maps of a level are this divided by its side ...
        channel_max: ... but at most so many.
        channels: C of the images (contrasts).
        condition: K, numbers of a condition vector; 0 = none.
        widths: feature maps at every level, lowest first, in place of the rule above.
        group: group size of minibatch standard deviation; 1 = none.

    Raises:
        ValueError: the resolution is no 3 .. 8 times a power of two.
    """

    def __init__(
        self,
        *,
        resolution: Size,
        channel_base: int = 16384,
        channel_max: int = 512,
        channels: int = 1,
        condition: int = 0,
        widths: list[int] | None = None,
        group: int = 4,
    ) -> None:
        super().__init__()
        sizes = pyramid(resolution, len(widths) if widths else None)
        maps = feature_maps(sizes, channel_base, channel_max, widths)
        self.group = group
        self.from_image = EqualisedConv2d(channels, maps[-1], 1, gain=GAIN, bias_rate=GAIN)
        pairs = zip(maps[:0:-1], maps[-2::-1], strict=True)
        self.blocks = nn.ModuleList(Block(a, b) for a, b in pairs)
        extra = 1 if group > 1 else 0
        low = maps[0]
        self.last = EqualisedConv2d(low + extra, low, gain=GAIN, bias_rate=GAIN)
        self.dense = EqualisedLinear(low * math.prod(sizes[0]), low, gain=GAIN, bias_rate=GAIN)
        self.logit = EqualisedLinear(low, 1, gain=1)
        self.projection = Projection(condition, low) if condition else None

    def forward(
        self,
        image: Tensor,
        level: int = 0,
        alpha: float = 1.0,
        condition: Tensor | None = None,
        keep: Tensor | None = None,
    ) -> Tensor:
        """Judge images.

        Args:
            image: N x channels x H x W in [-1, 1].
            level: ignored; this network does not grow.
            alpha: ignored likewise.
            condition: N x K, where the network was built for one.
            keep: ignored; this network has no dropout.

        Returns:
            N logits, float32 or wider.
        """
        x = leaky_relu(self.from_image(image.to(memory_format=torch.channels_last)))
        for block in self.blocks:
            x = block(x)
        x = leaky_relu(self.last(minibatch_stddev(x, self.group)))
        # The head decides on small differences: float32 whatever the convolutions use.
        with torch.autocast(x.device.type, enabled=False):
            x = x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
            x = leaky_relu(self.dense(x.flatten(1)))
            return self.logit(x).squeeze(1) + project(self.projection, x, condition)
