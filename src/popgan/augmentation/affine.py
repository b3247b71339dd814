"""Mirroring, shifting, turning and scaling as one affine resampling.

A share of the images is moved, mildly: were all of them moved, the generator would learn the
moves themselves and draw tilted heads. No 90-degree turns.

Parameters are drawn apart from applied: `draw` makes them, `apply_affine` uses them, so that any
batch can be replayed.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from popgan.config.augmentation import AugmentationPlan
from popgan.device import sent


def draw(
    plan: AugmentationPlan, count: int, size: tuple[int, int], generator: torch.Generator
) -> Tensor:
    """Draw one inverse affine map for each image.

    Args:
        plan: ranges of the transforms.
        count: number of images.
        size: height and width in pixels (rotations stay rotations when they differ).
        generator: source of randomness.

    Returns:
        count x 2 x 3 matrices for `torch.nn.functional.affine_grid`, on the generator's device.
    """
    device = generator.device

    def uniform(bound: float) -> Tensor:
        return (torch.rand(count, generator=generator, device=device) * 2 - 1) * bound

    active = torch.rand(count, generator=generator, device=device) < plan.probability
    angle = uniform(math.radians(plan.rotation)) * active
    scale = torch.exp(uniform(math.log1p(plan.scale)) * active)
    # affine_grid measures in half sides, so a shift by a fraction of the side is twice that.
    shift = torch.stack([uniform(2 * plan.shift), uniform(2 * plan.shift)], 1) * active[:, None]
    mirrored = torch.rand(count, generator=generator, device=device) < 0.5
    sign = torch.where(mirrored & torch.tensor(plan.flip, device=device), -1.0, 1.0)
    return matrices(sign=sign, angle=angle, scale=scale, shift=shift, size=size)


def matrices(
    *, sign: Tensor, angle: Tensor, scale: Tensor, shift: Tensor, size: tuple[int, int]
) -> Tensor:
    """Inverse affine maps, from places in the result to places in the image.

    Args:
        sign: N; -1 mirrors left and right, 1 does not.
        angle: N, radians.
        scale: N; above 1 the image shrinks.
        shift: N x 2, of columns and rows in half sides.
        size: height and width in pixels (rotations stay rotations when they differ).

    Returns:
        N x 2 x 3 for `torch.nn.functional.affine_grid`.
    """
    aspect = size[0] / size[1]
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    top = torch.stack([cos * sign, -sin * aspect, shift[:, 0]], 1)
    bottom = torch.stack([sin / aspect * sign, cos, shift[:, 1]], 1)
    return torch.stack([top, bottom], 1)


def apply_affine(images: Tensor, theta: Tensor) -> Tensor:
    """Resample images by affine maps, bilinearly; outside of an image lies background (-1).

    Args:
        images: N x C x H x W in [-1, 1].
        theta: N x 2 x 3 from `draw`.

    Returns:
        N x C x H x W, float32 (float64 stays).
    """
    # Zero padding pads with background once background is zero.
    exact = images if images.dtype == torch.float64 else images.float()
    lifted = exact.contiguous() + 1
    grid = F.affine_grid(
        sent(theta, lifted.device).to(lifted.dtype), list(images.shape), align_corners=False
    )
    return F.grid_sample(lifted, grid, padding_mode="zeros", align_corners=False) - 1
