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


class Equalised:
    """A layer whose parameters each have a share of the learning rate of their own.

    Attributes:
        rates: name of a parameter -> what the learning rate is multiplied with; 1 if not named.
    """

    rates: dict[str, float]


class EqualisedConv2d(nn.Conv2d, Equalised):
    """Convolution with equalised learning rate.

    Karras et al. keep weights at unit variance and multiply them with He's constant at run time,
    so that one Adam learning rate changes every layer, however wide, by the same share of
    itself. Adam is indifferent to the scale of gradients, so starting from He's variance and
    multiplying the *learning rate* with the constant gives the same trajectory (up to Adam's
    epsilon) without the multiplications; `rate_scale` tells the optimiser.

    Args:
        in_channels: C of the input.
        out_channels: C of the output.
        kernel: side of the square kernel.
        stride: step of the kernel.
        padding: zeros around the input; None keeps the size at stride 1.
        gain: standard deviation multiplier of the output.
        bias: whether there is one.
        bias_rate: multiplies the learning rate of the bias, as a gain behind it would.
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
        bias: bool = True,
        bias_rate: float = 1.0,
    ) -> None:
        padding = kernel // 2 if padding is None else padding
        super().__init__(in_channels, out_channels, kernel, stride, padding, bias=bias)
        self.rate_scale = gain / math.sqrt(in_channels * kernel**2)
        self.rates = {"weight": self.rate_scale, "bias": bias_rate}
        _start(self, self.rate_scale)


class EqualisedLinear(nn.Linear, Equalised):
    """Dense layer with equalised learning rate, as `EqualisedConv2d`.

    Args:
        in_features: length of the input.
        out_features: length of the output.
        gain: standard deviation multiplier of the output.
        rate: multiplies the learning rate of the weight.
        bias_rate: multiplies the learning rate of the bias.
        bias_start: first value of the bias.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        gain: float = LRELU_GAIN,
        rate: float = 1.0,
        bias_rate: float = 1.0,
        bias_start: float = 0.0,
    ) -> None:
        super().__init__(in_features, out_features)
        self.rate_scale = rate * gain / math.sqrt(in_features)
        self.rates = {"weight": self.rate_scale, "bias": bias_rate}
        _start(self, gain / math.sqrt(in_features), bias_start)


def _start(layer: nn.Conv2d | nn.Linear, deviation: float, bias: float = 0.0) -> None:
    nn.init.normal_(layer.weight, std=deviation)
    if layer.bias is not None:
        nn.init.constant_(layer.bias, bias)


class Embedding(EqualisedLinear):
    """A condition vector (N x K) as a vector of the given length; all zeros mean "unknown"."""

    def __init__(self, condition: int, length: int) -> None:
        super().__init__(condition, length, gain=1)


class Projection(EqualisedLinear):
    """What a condition adds to the logit: <embed(c), features> (Miyato & Koyama, ICLR 2018).

    Args:
        condition: K, numbers of a condition vector.
        features: length of the feature vector that the logit is read from.
    """

    def __init__(self, condition: int, features: int) -> None:
        super().__init__(condition, features, gain=1)


def join(z: Tensor, embedding: Embedding | None, condition: Tensor | None) -> Tensor:
    """What a generator starts from: z, with the embedded condition behind it where there is one.

    Raises:
        ValueError: a condition is given, or is missing, where the network was built otherwise.
    """
    _agree(embedding, condition)
    if embedding is None or condition is None:
        return z
    return torch.cat([z, embedding(condition.to(z.dtype))], 1)


def project(
    projection: Projection | None, features: Tensor, condition: Tensor | None
) -> Tensor | float:
    """What a condition adds to N logits read from N x F features; 0 where there is none.

    Raises:
        ValueError: a condition is given, or is missing, where the network was built otherwise.
    """
    _agree(projection, condition)
    if projection is None or condition is None:
        return 0.0
    embedded = projection(condition.to(features.dtype))
    return (embedded * features).sum(1) / math.sqrt(features.shape[1])


def _agree(layer: nn.Module | None, condition: Tensor | None) -> None:
    if (layer is None) != (condition is None):
        word = "no" if layer is None else "a"
        raise ValueError(f"the network was built for {word} condition")


def rate_scales(network: nn.Module) -> dict[float, list[nn.Parameter]]:
    """Parameters of a network by what the learning rate of each is to be multiplied with.

    Weights of equalised layers have their He constant; what no layer names has 1.
    """
    scales: dict[float, list[nn.Parameter]] = {}
    equalised: dict[int, float] = {}
    for module in network.modules():
        if isinstance(module, Equalised):
            own = module.named_parameters(recurse=False)
            equalised |= {id(value): module.rates.get(name, 1.0) for name, value in own}
    for parameter in network.parameters():
        scales.setdefault(equalised.get(id(parameter), 1.0), []).append(parameter)
    return scales


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
    # On a GPU autocast gives a root in float32, and all maps behind it would be so.
    factor = torch.rsqrt(mean_square + epsilon).to(x.dtype)
    return (last * factor).movedim(-1, 1)


def minibatch_stddev(x: Tensor, group: int) -> Tensor:
    """Append a channel that holds how much the images of a group differ.

    A generator that collapses makes this channel small, which the discriminator can see. Groups
    are consecutive images.

    Args:
        x: N x C x H x W.
        group: images a group; 1 appends nothing.

    Returns:
        N x (C + 1) x H x W (or x itself for group 1).

    Raises:
        ValueError: N is not a multiple of the group.
    """
    if group <= 1:
        return x
    if x.shape[0] % group:
        raise ValueError(f"{x.shape[0]} images are not whole groups of {group}")
    parts = x.float().reshape(-1, group, *x.shape[1:])
    # Plain means: torch's `var` over a leading axis is many times slower on CPUs.
    variance = (parts - parts.mean(1, keepdim=True)).square().mean(1)
    # The small constant keeps the gradient of the root finite for identical images.
    value = torch.sqrt(variance + 1e-8).mean((1, 2, 3)).to(x.dtype)
    channel = value.repeat_interleave(group).view(-1, 1, 1, 1)
    return torch.cat([x, channel.expand(-1, 1, *x.shape[2:])], 1)


def dropout_factors(count: int, width: int, share: float, rng: torch.Generator) -> Tensor:
    """What dropout multiplies features with: 0 for a `share` of them, 1 / (1 - share) else.

    Args:
        count: N images.
        width: features of each.
        share: 0 <= share < 1.
        rng: CPU source of randomness.

    Returns:
        N x width, float32, on the CPU.
    """
    kept = torch.rand((count, width), generator=rng) >= share
    return kept.float() / (1 - share)


def upsample(x: Tensor) -> Tensor:
    """Double height and width by repeating pixels."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def enlarge(image: Tensor) -> Tensor:
    """Double an image's height and width by linear interpolation (no blocky edges)."""
    return F.interpolate(image, scale_factor=2.0, mode="bilinear", align_corners=False)


def downsample(x: Tensor) -> Tensor:
    """Halve height and width by averaging 2 x 2 pixels."""
    return F.avg_pool2d(x, 2)
