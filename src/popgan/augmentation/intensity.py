"""Changes of intensity that leave air air: gain, contrast, noise.

All work on the lifted image u = x + 1, in which background is 0 and stays 0. Gain and contrast are
monotone: nothing that was brighter becomes darker, so no contrast is inverted.

*Gain* multiplies, as a receiver does. An added constant, the usual change of brightness, would
make air glow. *Contrast* bends the scale of greys about its middle, u = 1, which stays where it
is: u (1 + k (u - 1) / (u + 1)) has slopes between 1 - |k| and 1 + |k|. *Noise* of a magnitude
image is Rician: Gaussian where there is signal, and in air a positive floor. That floor is in the
image already, or was removed with the background, and more of it would make air grey. So noise is
Gaussian here, and fades out towards air.

Every function adds a difference to the image. The difference is exactly zero where the strength
is, so an image that is not chosen passes to the last bit.
"""

from __future__ import annotations

import torch
from torch import Tensor

AIR = 0.2  # lifted intensity, a tenth of the range, at which noise has half its strength


def change_gain(images: Tensor, gain: Tensor) -> Tensor:
    """Multiply signal.

    Args:
        images: N x C x H x W, nominally in [-1, 1].
        gain: N x C, positive; 1 changes nothing.
    """
    lifted = images + 1
    return images + (lifted * gain[:, :, None, None] - lifted)


def change_contrast(images: Tensor, bend: Tensor) -> Tensor:
    """Steepen or flatten the scale of greys about its middle.

    Args:
        images: N x C x H x W, nominally in [-1, 1]; what lies below -1 is treated like its
            mirror image, so that generators may overshoot.
        bend: N x C in (-1, 1); 0 changes nothing, positive steepens.
    """
    lifted = images + 1
    size = lifted.abs()
    return images + lifted * bend[:, :, None, None] * (size - 1) / (size + 1)


def add_noise(images: Tensor, deviation: Tensor, field: Tensor) -> Tensor:
    """Add noise where there is signal.

    Args:
        images: N x C x H x W, nominally in [-1, 1].
        deviation: N x C, standard deviation in bright tissue; 0 changes nothing.
        field: N x C x H x W, standard normal.
    """
    square = (images + 1).square()
    signal = square / (square + AIR**2)
    return images + field * deviation[:, :, None, None] * signal


def normal_field(like: Tensor, seed: int) -> Tensor:
    """Standard normal numbers of an image's shape, drawn where the image lies."""
    generator = torch.Generator(like.device).manual_seed(seed)
    return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)
