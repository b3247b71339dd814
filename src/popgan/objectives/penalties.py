"""Penalties on gradients of the networks, each differentiable once more.

R1 and R2 (Mescheder et al., ICML 2018) punish the squared gradient of the discriminator's logit
with respect to its input, at real and at synthetic images. They make the discriminator smooth
where the data are, without which small-data training diverges. The penalty of WGAN-GP (Gulrajani
et al., 2017) pulls the gradient's length towards one between the two. Path length (Karras et
al., CVPR 2020) does the like for the generator: equal steps in w shall change the image equally.

Every inner gradient is taken by `torch.func.grad`, so that the result can be differentiated with
respect to parameters, also where the whole loss is one compiled function.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Critic = Callable[[Tensor], Tensor]
"""N x C x H x W to N logits."""


def gradient_penalty(critic: Critic, images: Tensor) -> Tensor:
    """Mean over the batch of |d logit / d image|^2.

    Args:
        critic: N x C x H x W to N logits.
        images: where the gradient is taken; treated as constants.

    Returns:
        A scalar, float32. Multiply by gamma / 2 for the published R1 or R2 term.
    """
    return _input_gradient(critic, images).square().sum((1, 2, 3)).mean()


def interpolation_penalty(critic: Critic, real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """Mean of (|d logit / d image| - 1)^2 at points between real and synthetic images.

    Args:
        critic: N x C x H x W to N logits.
        real: N x C x H x W, treated as constants.
        fake: N x C x H x W, treated as constants; paired with `real`.
        share: N numbers in [0, 1], uniform: how far each point is from fake to real.

    Returns:
        A scalar, float32. Multiply by lambda (published: 10).
    """
    points = torch.lerp(fake, real, share.to(real)[:, None, None, None])
    # vector_norm's gradient is finite where the critic is flat; a square root's is not.
    length = torch.linalg.vector_norm(_input_gradient(critic, points).flatten(1), dim=1)
    return (length - 1).square().mean()


def path_lengths(draw: Callable[[Tensor], Tensor], w: Tensor, noise: Tensor) -> Tensor:
    """How far the generator's Jacobian stretches a random direction, for each image by itself.

    The length of J^T y with y = noise / sqrt(H W) is the change of w's gradient per pixel noise;
    its expectation is smallest, for a given volume, where J is a multiple of an isometry.

    Args:
        draw: w to N x C x H x W images.
        w: N x D, or N x layers x D (lengths are then averaged in square over layers).
        noise: N x C x H x W, standard normal.

    Returns:
        N lengths.
    """
    scaled = noise / math.sqrt(noise.shape[2] * noise.shape[3])
    gradient = torch.func.grad(lambda x: (draw(x).float() * scaled).sum())(w.detach())
    lengths = torch.linalg.vector_norm(_exact(gradient).flatten(1), dim=1)
    return lengths / math.sqrt(w.shape[1]) if w.dim() == 3 else lengths


def path_penalty(lengths: Tensor, mean: Tensor, *, decay: float = 0.01) -> tuple[Tensor, Tensor]:
    """How uneven path lengths are: held against their running mean.

    Args:
        lengths: those of a whole batch, see `path_lengths`.
        mean: running mean of lengths, a scalar; 0 at the start.
        decay: share of this batch in the new mean (published: 0.01).

    Returns:
        The mean squared distance of lengths from the new running mean, and that mean, detached:
        a target, through which no gradient flows. Multiply the first by the weight
        (published: 2).
    """
    target = torch.lerp(mean, lengths.detach().mean().to(mean), decay)
    return (lengths - target).square().mean(), target


def _input_gradient(critic: Critic, images: Tensor) -> Tensor:
    return _exact(torch.func.grad(lambda x: critic(x).sum())(images.detach()))


def _exact(gradient: Tensor) -> Tensor:
    """Half precision is too coarse to be squared and summed; float64 is left as it is."""
    return gradient.float() if gradient.dtype in (torch.bfloat16, torch.float16) else gradient
