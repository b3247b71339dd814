"""PatchGAN: is each patch of a (source, target) pair real? Isola et al. (CVPR 2017).

A logit for every patch and not for the picture: what the eye calls sharp is local, and a patch
cannot be learnt by heart as a whole head can.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from popgan.networks.layers import leaky_relu
from popgan.networks.translator import Norm, he_start


class PatchGAN(nn.Module):
    """Pairs to logits, one a patch.

    Args:
        inputs: channels of sources and target together.
        width: feature maps of the first layer; doubled by each, up to eightfold.
        layers: layers with step 2; 3 gives patches of 70 x 70 pixels.
        norm: of all layers but the first and the last; see `translator.Norm`.
    """

    def __init__(self, *, inputs: int, width: int, layers: int, norm: str) -> None:
        super().__init__()
        widths = [width * min(8, 2**depth) for depth in range(layers + 1)]
        steps = [*([2] * layers), 1]
        maps = [inputs, *widths]
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 4, step, 1)
            for a, b, step in zip(maps[:-1], maps[1:], steps, strict=True)
        )
        plain = ["none", *[norm] * layers]
        self.norms = nn.ModuleList(Norm(b, kind) for b, kind in zip(widths, plain, strict=True))
        self.logit = nn.Conv2d(widths[-1], 1, 4, 1, 1)
        for conv in [*self.convs, self.logit]:
            assert isinstance(conv, nn.Conv2d)
            he_start(conv)

    def forward(self, pair: Tensor) -> Tensor:
        """Judge pairs.

        Args:
            pair: N x C x H x W in [-1, 1].

        Returns:
            N x P logits, one for each of P patches, float32: large for real.
        """
        x = pair.to(memory_format=torch.channels_last)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = leaky_relu(norm(conv(x)))
        # The head decides on small differences: float32 whatever the convolutions use.
        with torch.autocast(x.device.type, enabled=False):
            logits: Tensor = self.logit(x.float() if x.dtype is torch.bfloat16 else x)
        return logits.flatten(1)


class PatchGANs(nn.Module):
    """Several of them, one for each stream of a mustGAN.

    Args:
        inputs: channels of each.
        width, layers, norm: as for `PatchGAN`.
    """

    def __init__(self, *, inputs: list[int], width: int, layers: int, norm: str) -> None:
        super().__init__()
        self.each = nn.ModuleList(
            PatchGAN(inputs=count, width=width, layers=layers, norm=norm) for count in inputs
        )

    def forward(self, pair: Tensor, which: int) -> Tensor:
        """Judge pairs with the discriminator number `which`; see `PatchGAN`."""
        logits: Tensor = self.each[which](pair)
        return logits
