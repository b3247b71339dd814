"""Modulated convolution: a style scales the input maps, the output gets unit size again.

Published with one kernel a sample (weights scaled, a grouped convolution over the whole batch).
The same numbers come out if activations are scaled instead: x * s before one shared convolution,
and the result divided by the norm that the scaled kernel would have had. That is an ordinary
convolution, several times faster, and its double backward is that of plain operations.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from popgan.networks.convolution import convolve
from popgan.networks.layers import Equalised, EqualisedLinear, leaky_relu
from popgan.networks.resample import smooth

GAIN = math.sqrt(2)  # of the leaky ReLU, folded into what is added up before it
LARGEST = 256.0  # activations in float16, which overflows at 65504; bfloat16 does not


class Modulated(nn.Module, Equalised):
    """What modulated layers share: the kernel, and the style computed from w.

    Args:
        in_channels: C of the input.
        out_channels: C of the output.
        kernel: side of the kernel.
        latent_dim: length of w.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, latent_dim: int) -> None:
        super().__init__()
        deviation = 1 / math.sqrt(in_channels * kernel**2)
        self.affine = EqualisedLinear(latent_dim, in_channels, gain=1, bias_start=1)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel, kernel))
        self.weight.data.mul_(deviation)
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.rates = {"weight": deviation}

    def style(self, w: Tensor) -> Tensor:
        """N x latent_dim to N x in_channels, never in half precision."""
        with torch.autocast(w.device.type, enabled=False):
            return self.affine(w)


class StyledConv(Modulated):
    """A modulated 3 x 3 convolution with noise, bias and leaky ReLU; doubles the size if asked.

    Args:
        in_channels: C of the input.
        out_channels: C of the output.
        latent_dim: length of w.
        up: whether height and width are doubled.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, latent_dim: int, up: bool = False
    ) -> None:
        super().__init__(in_channels, out_channels, 3, latent_dim)
        self.strength = nn.Parameter(torch.zeros(()))
        self.up = up
        # The gain behind the activation is folded into what is added before it.
        self.rates |= {"bias": GAIN, "strength": GAIN}

    def forward(
        self, x: Tensor, w: Tensor, noise: Tensor, scale: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Convolve, with one multiplication of feature maps and one addition to them.

        The factor behind the convolution is positive, and the leaky ReLU lets a positive factor
        pass. So it is left to the next layer, which multiplies anyway.

        Args:
            x: N x in x H x W.
            w: N x latent_dim.
            noise: N (or 1) x 1 x H' x W'.
            scale: N x in, which x is still to be multiplied with; None = 1.

        Returns:
            N x out x H' x W', and N x out, which it is still to be multiplied with.
        """
        style = self.style(w)
        x = self.convolve(x * _factor(style, scale, x))
        scale = GAIN * self.demodulation(style)
        x = leaky_relu(self._shifted(x, noise, scale))
        if x.dtype == torch.float16:
            limit = (LARGEST / scale).to(x.dtype)[:, :, None, None]
            x = torch.minimum(torch.maximum(x, -limit), limit)
        return x, scale

    def _shifted(self, x: Tensor, noise: Tensor, scale: Tensor) -> Tensor:
        """Noise and bias added, each divided by the scale: a matrix product reads x once."""
        rows = torch.stack([self.strength.expand_as(self.bias), self.bias]) / scale[:, None]
        noise = noise.to(x.dtype).expand(len(x), -1, -1, -1).flatten(1)
        columns = torch.stack([noise, torch.ones_like(noise)], 2)
        found = torch.baddbmm(_pixels(x), columns, rows.to(x.dtype))
        return found.unflatten(1, x.shape[2:]).movedim(3, 1)

    def convolve(self, x: Tensor) -> Tensor:
        """The shared convolution, doubling the size if that is the layer's task."""
        if not self.up:
            return convolve(x, self.weight, padding=1)
        # A transposed convolution never multiplies the zeros between pixels.
        kernel = self.weight.flip((2, 3)).transpose(0, 1)
        return smooth(convolve(x, kernel, stride=2, transposed=True), padding=1, gain=4)

    def demodulation(self, style: Tensor) -> Tensor:
        """N x in_channels to N x out_channels: one over the norm of each sample's scaled kernel."""
        with torch.autocast(style.device.type, enabled=False):
            power = self.weight.square().sum((2, 3))
            return torch.rsqrt(style.square() @ power.T + 1e-8)


class ToImage(Modulated):
    """A modulated 1 x 1 convolution that draws the image; not demodulated.

    Args:
        in_channels: C of the feature maps.
        image_channels: C of the image.
        latent_dim: length of w.
    """

    def __init__(self, in_channels: int, image_channels: int, *, latent_dim: int) -> None:
        super().__init__(in_channels, image_channels, 1, latent_dim)

    def forward(self, x: Tensor, w: Tensor, scale: Tensor | None = None) -> Tensor:
        """N x in x H x W, N x latent_dim and what x is still to be multiplied with (N x in) to
        N x image_channels x H x W, float32 or wider."""
        style = self.style(w) if scale is None else self.style(w) * scale
        # Few channels come out: one kernel a sample is cheaper than to scale all maps.
        kernels = self.weight[None, :, :, 0, 0] * style[:, None]
        image = torch.bmm(_pixels(x), kernels.to(x.dtype).transpose(1, 2))
        image = image.unflatten(1, x.shape[2:]).movedim(3, 1)
        image = image.float() if image.dtype in (torch.bfloat16, torch.float16) else image
        return image + self.bias[:, None, None]


def _factor(style: Tensor, scale: Tensor | None, x: Tensor) -> Tensor:
    return (style if scale is None else style * scale).to(x.dtype)[:, :, None, None]


def _pixels(x: Tensor) -> Tensor:
    """N x C x H x W as N x HW x C, in place if memory is channels-last."""
    return x.movedim(1, 3).flatten(1, 2)
