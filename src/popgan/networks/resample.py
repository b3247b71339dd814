"""Resampling with the smoothing filter [1, 3, 3, 1], so that halving and doubling do not alias.

Zhang (ICML 2019) showed why networks should smooth before they skip pixels; StyleGAN2 (Karras et
al., CVPR 2020) takes this filter. It is applied to every channel alone: one depthwise convolution,
which for channels-last bfloat16 costs a CPU little more than reading the map. Outside of a map
lies zero.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TAPS = (1.0, 3.0, 3.0, 1.0)


class Smooth(nn.Module):
    """The filter at full resolution.

    Args:
        gain: what a constant map is multiplied with.
    """

    kernel: Tensor

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        taps = torch.tensor(TAPS) / sum(TAPS)
        kernel = gain * torch.outer(taps, taps)[None, None]
        # No part of any weights: a constant.
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, x: Tensor, padding: int) -> Tensor:
        """N x C x H x W to N x C x H + 2 padding - 3 x W + 2 padding - 3, in x's own type."""
        channels = x.shape[1]
        kernel = self.kernel.to(x.dtype).expand(channels, 1, *self.kernel.shape[2:])
        return F.conv2d(x, kernel, padding=padding, groups=channels)


def double(x: Tensor) -> Tensor:
    """Double height and width: zeros between the pixels, then the filter with gain 4.

    That is bilinear interpolation of the map with one ring of zeros around it, which is how it is
    computed: no zeros are multiplied.

    Args:
        x: N x C x H x W.

    Returns:
        N x C x 2H x 2W, in x's own type.
    """
    ringed = F.pad(x, (1, 1, 1, 1))
    wide = F.interpolate(ringed, scale_factor=2.0, mode="bilinear", align_corners=False)
    return wide[:, :, 2:-2, 2:-2]
