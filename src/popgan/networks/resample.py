"""Resampling with the smoothing filter [1, 3, 3, 1], so that halving and doubling do not alias.

Zhang (ICML 2019) showed why networks should smooth before they skip pixels; StyleGAN2 (Karras et
al., CVPR 2020) takes this filter. It is applied to every channel alone: one depthwise convolution,
which for channels-last bfloat16 costs a CPU little more than reading the map. Outside of a map
lies zero. Smoothing and halving follow autocast, as convolutions do; doubling does not.

All three are linear and their derivatives are known: smoothing is its own, halving and doubling
are each other's. Torch does not know, and computes a gradient of the constant filter as well when
it differentiates twice, and the first one of a halving by a slow general path.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

TAPS = (1.0, 3.0, 3.0, 1.0)


def smooth(x: Tensor, padding: int, gain: float = 1.0) -> Tensor:
    """The filter at full resolution.

    Args:
        x: N x C x H x W.
        padding: zeros around it.
        gain: what a constant map is multiplied with.

    Returns:
        N x C x H + 2 padding - 3 x W + 2 padding - 3, in x's own type or autocast's.
    """
    found: Tensor = _Smooth.apply(x, padding, gain)
    return found


def halve(x: Tensor) -> Tensor:
    """Halve height and width: the filter, then every other pixel.

    Args:
        x: N x C x H x W, of even height and width.

    Returns:
        N x C x H/2 x W/2, in x's own type or autocast's.
    """
    found: Tensor = _Halve.apply(x)
    return found


def double(x: Tensor) -> Tensor:
    """Double height and width: zeros between the pixels, then the filter with gain 4.

    That is bilinear interpolation of the map with one ring of zeros around it, which is how it is
    computed: no zeros are multiplied.

    Args:
        x: N x C x H x W.

    Returns:
        N x C x 2H x 2W, in x's own type.
    """
    found: Tensor = _Double.apply(x)
    return found


class _Smooth(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, padding: int, gain: float) -> Tensor:
        return _filter(x, gain, padding=padding)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        _, ctx.padding, ctx.gain = inputs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        # The filter is symmetric, and four taps with padding p reach back with padding 3 - p.
        return smooth(gradient, 3 - ctx.padding, ctx.gain), None, None


class _Halve(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return _filter(x, 1.0, padding=1, stride=2)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing is kept."""

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return double(gradient / 4)


class _Double(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor) -> Tensor:
        ringed = F.pad(x, (1, 1, 1, 1))
        wide = F.interpolate(ringed, scale_factor=2.0, mode="bilinear", align_corners=False)
        return wide[:, :, 2:-2, 2:-2]

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing is kept."""

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return 4 * halve(gradient)


def _filter(x: Tensor, gain: float, padding: int, stride: int = 1) -> Tensor:
    kernel = _kernel(x.shape[1], gain, x.dtype, x.device)
    return F.conv2d(x, kernel, stride=stride, padding=padding, groups=x.shape[1])


@functools.cache
def _kernel(channels: int, gain: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Made once: to bring numbers to a GPU is to wait for it."""
    taps = torch.tensor(TAPS, dtype=torch.float64) / sum(TAPS)
    kernel = gain * torch.outer(taps, taps)
    return kernel.expand(channels, 1, -1, -1).contiguous().to(device, dtype)
