"""MRI-safe geometric augmentation of what the discriminator sees.

Both real and synthetic images are transformed, differentiably, so that a small training set
cannot be learnt by heart (Karras et al., NeurIPS 2020; Zhao et al., NeurIPS 2020). Only a share
of the images is transformed and the transforms are mild: otherwise the generator learns the
transforms themselves and draws tilted heads. No 90-degree turns, no intensity inversion.

Parameters are drawn apart from applied: `draw` makes them, `apply_affine` uses them, so that any
batch can be replayed.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from popgan.config.schema import AugmentationPlan


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
        N x C x H x W, float32.
    """
    shape = [images.shape[0], images.shape[1], images.shape[2], images.shape[3]]
    grid = F.affine_grid(theta.to(images.device), shape, align_corners=False)
    # Zero padding pads with background once background is zero.
    lifted = images.float().contiguous() + 1
    return F.grid_sample(lifted, grid, padding_mode="zeros", align_corners=False) - 1
