"""Images to images with direct paths between equal sizes: the U-Net generator of pix2pix.

Ronneberger et al. (MICCAI 2015), Isola et al. (CVPR 2017): details need not pass through the
smallest size, so few parameters carry them. Here with two layers a size, and residual blocks at the
smallest one, where dropout acts on whole feature maps.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from popgan.networks.layers import enlarge
from popgan.networks.translator import Blocks, Head, Layer


class UNetGenerator(nn.Module):
    """Sources to target. Args: as for `ResNetGenerator`.

    Attributes:
        dropped: length of a row of `keep`.
    """

    def __init__(self, *, inputs: int, width: int, halvings: int, blocks: int, norm: str) -> None:
        super().__init__()
        widths = [width * 2**depth for depth in range(halvings + 1)]
        self.read = Layer(inputs, width, norm=norm)
        self.downs = nn.ModuleList(
            nn.Sequential(Layer(a, b, stride=2, norm=norm), Layer(b, b, norm=norm))
            for a, b in itertools.pairwise(widths)
        )
        self.blocks = Blocks(widths[-1], blocks, norm=norm, first=0)
        self.narrow = nn.ModuleList(
            Layer(b, a, kernel=1, norm=norm)
            for a, b in zip(widths[::-1][1:], widths[::-1][:-1], strict=True)
        )
        self.merge = nn.ModuleList(
            nn.Sequential(Layer(2 * maps, maps, norm=norm), Layer(maps, maps, norm=norm))
            for maps in widths[::-1][1:]
        )
        self.head = Head(width)
        self.dropped = blocks * widths[-1]

    def forward(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """Translate.

        Args:
            x: N x C x H x W in [-1, 1], H and W multiples of 2^halvings.
            keep: N x `dropped` factors of dropout; None drops nothing.

        Returns:
            N x 1 x H x W in [-1, 1], float32.
        """
        x = self.read(x)
        beside = []
        for down in self.downs:
            beside.append(x)
            x = down(x)
        x = self.blocks(x, keep)
        for narrow, merge in zip(self.narrow, self.merge, strict=True):
            x = merge(torch.cat([enlarge(narrow(x)), beside.pop()], 1))
        image: Tensor = self.head(x)
        return image
