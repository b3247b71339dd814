"""A generator and a discriminator that grow: the networks of the recipe `popgan`.

Progressive growing (Karras et al., ICLR 2018) with three later findings that help on small
budgets: the generator's image is the sum of what every level draws (skip generator) and the
discriminator's blocks are residual (both Karras et al., CVPR 2020), and an optional *patch*
stem: with patch 2 the feature maps of a level have half the resolution of its image, and each
feature vector draws and reads a 2 x 2 patch of pixels (sub-pixel convolution, Shi et al., CVPR
2016). Patch 2 makes the top level cheaper, above all on a CPU, where wide shallow maps cost more
memory traffic than arithmetic.

Level l has images of base * 2^l pixels a side; level 0 is the lowest. `alpha` in [0, 1] says how
far the current level is faded in. All levels exist from the start; a level that is not reached
yet simply takes no part.
"""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from popgan.networks.convolution import convolve_as, is_twice_differentiable
from popgan.networks.judging import Judge
from popgan.networks.layers import (
    Embedding,
    EqualisedConv2d,
    EqualisedLinear,
    Projection,
    downsample,
    enlarge,
    join,
    leaky_relu,
    minibatch_stddev,
    pixel_norm,
    upsample,
)


class GeneratorBlock(nn.Module):
    """From one level's features to the next: modulate, convolve, double the size, convolve.

    The latent vector scales the incoming feature maps one by one, so that it shapes every level
    and not only the lowest.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, latent_dim: int, norm: bool, kernel: int
    ) -> None:
        super().__init__()
        self.style = EqualisedLinear(latent_dim, in_channels, gain=1)
        # Convolving before upsampling costs a quarter of convolving after it.
        self.before = EqualisedConv2d(in_channels, out_channels, kernel)
        self.after = EqualisedConv2d(out_channels, out_channels, kernel)
        self.norm = norm

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """N x in x H x W and N x latent_dim to N x out x 2H x 2W."""
        scale = 1 + self.style(z)[:, :, None, None]
        x = leaky_relu(self.before(x * scale.to(x.dtype)))
        x = upsample(pixel_norm(x) if self.norm else x)
        x = leaky_relu(self.after(x))
        return pixel_norm(x) if self.norm else x


class Generator(nn.Module):
    """Latent vectors to images.

    Args:
        latent_dim: length of z.
        channels: feature maps at each level, lowest first.
        image_channels: C of the images (contrasts).
        base: height and width of the lowest level's *image*, pixels.
        patch: pixels a side drawn by one feature vector, 1 or 2.
        norm: pixel norm after every convolution.
        condition: K, numbers of a condition vector; 0 = none.
        kernel: side of the convolutions between feature maps, odd.
    """

    def __init__(
        self,
        *,
        latent_dim: int,
        channels: list[int],
        image_channels: int,
        base: tuple[int, int],
        patch: int = 1,
        norm: bool = True,
        condition: int = 0,
        kernel: int = 3,
    ) -> None:
        super().__init__()
        self.latent_dim, self.patch, self.norm = latent_dim, patch, norm
        self.embedding = Embedding(condition, latent_dim) if condition else None
        latent_dim = latent_dim * 2 if condition else latent_dim
        self.grid = (base[0] // patch, base[1] // patch)
        self.first_channels = channels[0]
        self.dense = EqualisedLinear(latent_dim, channels[0] * math.prod(self.grid))
        self.first = EqualisedConv2d(channels[0], channels[0], kernel)
        pairs = itertools.pairwise(channels)
        self.blocks = nn.ModuleList(
            GeneratorBlock(a, b, latent_dim=latent_dim, norm=norm, kernel=kernel) for a, b in pairs
        )
        drawers = [
            EqualisedConv2d(c, image_channels * patch**2, 1 if patch == 1 else 3, gain=1)
            for c in channels
        ]
        for drawer in drawers[1:]:
            # A new level starts by adding nothing, so that growth never shocks.
            nn.init.zeros_(drawer.weight)
        self.to_image = nn.ModuleList(drawers)

    def forward(
        self, z: Tensor, level: int, alpha: float = 1.0, condition: Tensor | None = None
    ) -> Tensor:
        """Draw images at a level.

        Args:
            z: N x latent_dim, standard normal.
            level: 0 .. number of levels - 1.
            alpha: weight of the topmost level's contribution, 0 .. 1.
            condition: N x K, where the network was built for one.

        Returns:
            N x image_channels x H x W, nominally in [-1, 1] but not clamped.
        """
        z = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
        z = join(z, self.embedding, condition)
        x = leaky_relu(self.dense(z)).view(-1, self.first_channels, *self.grid)
        x = x.to(memory_format=torch.channels_last)
        x = pixel_norm(x) if self.norm else x
        x = leaky_relu(self.first(x))
        x = pixel_norm(x) if self.norm else x
        image = self._draw(x, 0)
        for index in range(level):
            x = self.blocks[index](x, z)
            weight = alpha if index + 1 == level else 1.0
            image = enlarge(image) + weight * self._draw(x, index + 1)
        return image

    def _draw(self, x: Tensor, level: int) -> Tensor:
        image = self.to_image[level](x)
        return (F.pixel_shuffle(image, self.patch) if self.patch > 1 else image).float()


class Convolution(EqualisedConv2d):
    """A discriminator's: torch's own, but for penalties, whose second derivatives must be right."""

    def forward(self, x: Tensor) -> Tensor:
        """N x in_channels x H x W to N x out_channels x H' x W'."""
        if not is_twice_differentiable():
            return super().forward(x)
        return convolve_as(self, x)


class DiscriminatorBlock(nn.Module):
    """Residual block: convolve, halve the size, convolve; the short cut averages."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int) -> None:
        super().__init__()
        self.before = Convolution(in_channels, in_channels, kernel)
        self.after = Convolution(in_channels, out_channels, kernel)
        self.short = Convolution(in_channels, out_channels, 1, gain=1)

    def forward(self, x: Tensor) -> Tensor:
        """N x in x H x W to N x out x H/2 x W/2."""
        y = downsample(leaky_relu(self.before(x)))
        y = leaky_relu(self.after(y))
        return (y + self.short(downsample(x))) * math.sqrt(0.5)


class Discriminator(Judge):
    """Images to one logit each: large for real, small for synthetic.

    Args: as for `Generator`; `group` is the group size of minibatch standard deviation (1 = none).

    Attributes:
        features: numbers that the logit is read from, on which dropout acts.
    """

    def __init__(
        self,
        *,
        channels: list[int],
        image_channels: int,
        base: tuple[int, int],
        patch: int = 1,
        group: int = 4,
        condition: int = 0,
        kernel: int = 3,
    ) -> None:
        super().__init__()
        self.group = group
        grid = (base[0] // patch, base[1] // patch)
        # An overlapping stem (4 x 4, step 2) leaves no seams between patches to hide in.
        stem, padding = (1, 0) if patch == 1 else (4, 1)
        self.from_image = nn.ModuleList(
            Convolution(image_channels, c, stem, stride=patch, padding=padding) for c in channels
        )
        pairs = zip(channels[1:], channels[:-1], strict=True)
        self.blocks = nn.ModuleList(DiscriminatorBlock(a, b, kernel) for a, b in pairs)
        extra = 1 if group > 1 else 0
        self.last = Convolution(channels[0] + extra, channels[0], kernel)
        self.dense = EqualisedLinear(channels[0] * math.prod(grid), channels[0])
        self.logit = EqualisedLinear(channels[0], 1, gain=1)
        self.features = channels[0]
        self.projection = Projection(condition, channels[0]) if condition else None

    def look(self, image: Tensor, level: int, alpha: float) -> Tensor:
        """Residual blocks from the level downward; a level that fades in is mixed with the next."""
        x = leaky_relu(self.from_image[level](image))
        for index in reversed(range(level)):
            x = self.blocks[index](x)
            if index + 1 == level and alpha < 1:
                below = leaky_relu(self.from_image[index](downsample(image)))
                x = below + alpha * (x - below)
        return leaky_relu(self.last(minibatch_stddev(x, self.group)))

    def gather(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """A dense layer."""
        x = leaky_relu(self.dense(x.flatten(1)))
        return x, x


def count_parameters(module: nn.Module) -> int:
    """Number of trainable numbers in a module."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
