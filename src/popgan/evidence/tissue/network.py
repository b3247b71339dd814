"""The tissue network: a small U-Net on 128 x 128 pixels, about 400,000 weights.

An image is first folded to a quarter of its pixels with four channels, and unfolded at the end
(Shi et al. 2016, sub-pixel convolution): an eighth of the work of a U-Net that starts at full
resolution, and the outlines keep it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE = 128
"""Pixels a side that the network works on."""
CLASSES = ("other", "csf", "grey", "white", "ventricles")
"""What a pixel can be, in the order of the network's outputs; `csf` lies outside ventricles."""
_WIDTHS = (32, 48, 64, 64)
_FOLD = 2


class _Block(nn.Sequential):
    """Two convolutions. While it learns there is a batch norm after each, later folded into it."""

    def __init__(self, before: int, after: int, *, learning: bool) -> None:
        parts: list[nn.Module] = []
        for width in (before, after):
            parts.append(nn.Conv2d(width, after, 3, padding=1))
            parts.append(nn.BatchNorm2d(after) if learning else nn.Identity())
            parts.append(nn.ReLU(inplace=True))
        super().__init__(*parts)


class TissueNetwork(nn.Module):
    """Images to a score for each class and pixel.

    Args:
        learning: with batch norms; weights with them folded in are what is shipped.
    """

    def __init__(self, *, learning: bool = False) -> None:
        super().__init__()
        first, *deeper = _WIDTHS
        inputs = [_FOLD**2, first, *deeper[:-1]]
        self.down = nn.ModuleList(
            _Block(before, after, learning=learning)
            for before, after in zip(inputs, _WIDTHS, strict=True)
        )
        self.up = nn.ModuleList(
            _Block(below + own, own, learning=learning)
            for below, own in zip(_WIDTHS[:0:-1], _WIDTHS[-2::-1], strict=True)
        )
        self.last = nn.Conv2d(first, len(CLASSES) * _FOLD**2, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Scores of images.

        Args:
            images: N x 1 x 128 x 128 as `normalised` gives them.

        Returns:
            N x 5 x 128 x 128, logits in the order of `CLASSES`.
        """
        x = F.pixel_unshuffle(images, _FOLD)
        kept: list[Tensor] = []
        for block in self.down:
            x = block(F.max_pool2d(x, 2) if kept else x)
            kept.append(x)
        kept.pop()
        for block in self.up:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(torch.cat([x, kept.pop()], dim=1))
        scores: Tensor = F.pixel_shuffle(self.last(x), _FOLD)
        return scores


def normalised(images: Tensor) -> Tensor:
    """Grey values in units of each image's bright half, so that scale and window do not count.

    Args:
        images: N x 1 x H x W, any range; the darkest value is background.

    Returns:
        The same shape; 0 is background, 1 the mean of what is brighter than the mean; at most 4.
    """
    dark = images.amin((2, 3), keepdim=True)
    x = images - dark
    bright = x > x.mean((2, 3), keepdim=True)
    level = (x * bright).sum((2, 3), keepdim=True) / bright.sum((2, 3), keepdim=True).clamp(min=1)
    # An image of one value has no bright half; it stays all background.
    return (x / level.clamp(min=1e-6)).clamp(max=4.0)
