"""The generator of StyleGAN2: styles in, the sum of what every level draws out."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from popgan.networks.resample import double
from popgan.networks.stylegan2.mapping import Mapping
from popgan.networks.stylegan2.modulation import StyledConv, ToImage
from popgan.networks.stylegan2.shape import Levels


class Block(nn.Module):
    """One level: double the size (but at the lowest level), convolve, draw."""

    def __init__(
        self, before: int | None, maps: int, *, image_channels: int, latent_dim: int
    ) -> None:
        super().__init__()
        self.up = (
            None if before is None else StyledConv(before, maps, latent_dim=latent_dim, up=True)
        )
        self.conv = StyledConv(maps, maps, latent_dim=latent_dim)
        self.draw = ToImage(maps, image_channels, latent_dim=latent_dim)

    @property
    def layers(self) -> list[StyledConv]:
        """The layers that take a style and noise, in order."""
        return [self.conv] if self.up is None else [self.up, self.conv]


class Synthesis(nn.Module):
    """Styles and noise to images, from a learned constant upward."""

    noise: Tensor

    def __init__(self, levels: Levels, *, image_channels: int, latent_dim: int) -> None:
        super().__init__()
        sizes, maps = levels.sizes, levels.maps
        self.constant = nn.Parameter(torch.randn(1, maps[0], *sizes[0]))
        blocks = [
            Block(a, b, image_channels=image_channels, latent_dim=latent_dim)
            for a, b in zip([None, *maps], maps, strict=False)
        ]
        self.blocks = nn.ModuleList(blocks)
        areas = [size for block, size in zip(blocks, sizes, strict=True) for _ in block.layers]
        self.noise_sizes = areas
        self.styles = len(areas) + 1
        self.register_buffer("noise", torch.randn(sum(h * w for h, w in areas)))

    def forward(self, w: Tensor, noise: Tensor | None = None) -> Tensor:
        """Draw images.

        Args:
            w: N x styles x latent_dim; the last drawing has a style of its own, every other one
                shares the style of the next level's first layer.
            noise: N x noise_size standard normal numbers; None takes the generator's fixed ones.

        Returns:
            N x image_channels x H x W, float32.
        """
        noises = self._layers_of(self.noise[None] if noise is None else noise)
        x = self.constant.to(memory_format=torch.channels_last).expand(len(w), -1, -1, -1)
        index, image, scale = 0, None, None
        for block in self.blocks:
            assert isinstance(block, Block)
            for layer in block.layers:
                x, scale = layer(x, w[:, index], next(noises), scale)
                index += 1
            drawn = block.draw(x, w[:, index], scale)
            image = drawn if image is None else double(image) + drawn
        assert image is not None
        return image

    def _layers_of(self, noise: Tensor) -> itertools.chain[Tensor]:
        parts = noise.split([h * w for h, w in self.noise_sizes], 1)
        return itertools.chain(
            part.view(-1, 1, *size) for part, size in zip(parts, self.noise_sizes, strict=True)
        )


class Generator(nn.Module):
    """Latent vectors to images.

    Args:
        levels: sizes and feature maps.
        channels: C of the images (contrasts).
        latent_dim: length of z and of w.
        mapping_layers: dense layers from z to w.
        condition: K, numbers of a condition vector; 0 = none.

    Attributes:
        noise_size: numbers of noise an image takes.
        styles: vectors w an image takes.
    """

    def __init__(
        self,
        levels: Levels,
        *,
        channels: int = 1,
        latent_dim: int = 512,
        mapping_layers: int = 2,
        condition: int = 0,
    ) -> None:
        super().__init__()
        self.mapping = Mapping(latent_dim=latent_dim, layers=mapping_layers, condition=condition)
        self.synthesis = Synthesis(levels, image_channels=channels, latent_dim=latent_dim)
        self.noise_size, self.styles = self.synthesis.noise.numel(), self.synthesis.styles

    def forward(
        self,
        z: Tensor,
        level: int = 0,
        alpha: float = 1.0,
        condition: Tensor | None = None,
        *,
        noise: Tensor | None = None,
        truncation: float = 1.0,
    ) -> Tensor:
        """Draw images.

        Args:
            z: N x latent_dim, standard normal.
            level: ignored; this network does not grow.
            alpha: ignored likewise.
            condition: N x K, where the network was built for one.
            noise: N x noise_size, standard normal; None takes the generator's fixed noise.
            truncation: 1 = as trained, towards 0 more usual and less varied.

        Returns:
            N x channels x H x W, nominally in [-1, 1] but not clamped, float32.
        """
        w = self.mapping.truncate(self.mapping(z, condition), truncation)
        return self.synthesis(self.broadcast(w), noise)

    def broadcast(self, w: Tensor) -> Tensor:
        """N x latent_dim to N x styles x latent_dim: the same style everywhere."""
        return w[:, None].expand(-1, self.styles, -1)
