"""The small layers that the networks share.

Equalised learning rate, pixel norm and minibatch standard deviation come from progressive GANs
(Karras et al., ICLR 2018, arXiv 1710.10196). All layers take N x C x H x W tensors in any memory
format and follow autocast; statistics over a minibatch are computed in float32.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAK = 0.2  # slope of the leaky ReLU everywhere
LRELU_GAIN = math.sqrt(2 / (1 + LEAK**2))  # keeps variance through conv + leaky ReLU (He et al.)


class EqualisedConv2d(nn.Module):
    """Convolution whose weights are N(0, 1) and scaled to He's variance at run time.

    All weights then have the same dynamic range, so that one Adam learning rate suits every
    layer, however wide.

    Args:
        in_channels: C of the input.
        out_channels: C of the output.
        kernel: side of the square kernel.
        stride: step of the kernel.
        padding: zeros around the input; None keeps the size at stride 1.
        gain: standard deviation multiplier of the output.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        padding: int | None = None,
        gain: float = LRELU_GAIN,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.scale = gain / math.sqrt(in_channels * kernel**2)
        self.stride = stride
        self.padding = kernel // 2 if padding is None else padding

    def forward(self, x: Tensor) -> Tensor:
        """Convolve N x in_channels x H x W."""
        return F.conv2d(x, self.weight * self.scale, self.bias, self.stride, self.padding)


class EqualisedLinear(nn.Module):
    """Dense layer with equalised learning rate; N x in_features to N x out_features."""

    def __init__(self, in_features: int, out_features: int, *, gain: float = LRELU_GAIN) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(out_features))
        self.scale = gain / math.sqrt(in_features)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to N x in_features."""
        return F.linear(x, self.weight * self.scale, self.bias)


def leaky_relu(x: Tensor) -> Tensor:
    """Leaky ReLU with popgan's slope."""
    return F.leaky_relu(x, LEAK)


def pixel_norm(x: Tensor, epsilon: float = 1e-8) -> Tensor:
    """Scale the feature vector of every pixel to unit mean square.

    The mean over channels is written as a product with a constant column: on channels-last
    memory that is one matrix product, several times faster on CPUs than a reduction.
    """
    last = x.movedim(1, -1)
    column = x.new_full((x.shape[1], 1), 1 / x.shape[1])
    mean_square = torch.matmul(last * last, column)
    return (last * torch.rsqrt(mean_square + epsilon)).movedim(-1, 1)


def minibatch_stddev(x: Tensor, group: int) -> Tensor:
    """Append a channel that holds how much the images of a group differ.

    A generator that collapses makes this channel small, which the discriminator can see. Groups
    are consecutive images; a last incomplete group forms a group of its own.

    Args:
        x: N x C x H x W.
        group: images a group; 1 appends nothing.

    Returns:
        N x (C + 1) x H x W (or x itself for group 1).
    """
    if group <= 1:
        return x
    statistics = []
    for part in x.float().split(group):
        variance = part.var(0, correction=0)
        # The small constant keeps the gradient of the root finite for identical images.
        value = torch.sqrt(variance + 1e-8).mean()
        statistics.append(value.expand(part.shape[0]))
    channel = torch.cat(statistics).to(x.dtype).view(-1, 1, 1, 1)
    return torch.cat([x, channel.expand(-1, 1, *x.shape[2:])], 1)


def upsample(x: Tensor) -> Tensor:
    """Double height and width by repeating pixels."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def enlarge(image: Tensor) -> Tensor:
    """Double an image's height and width by linear interpolation (no blocky edges)."""
    return F.interpolate(image, scale_factor=2.0, mode="bilinear", align_corners=False)


def downsample(x: Tensor) -> Tensor:
    """Halve height and width by averaging 2 x 2 pixels."""
    return F.avg_pool2d(x, 2)
