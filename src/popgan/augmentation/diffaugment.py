"""DiffAugment: every image is shifted and cut, as published (Zhao et al., NeurIPS 2020).

Shifts are by whole pixels, up to an eighth of each side; holes have half of each side, with their
centre anywhere. Two things differ, because these are MRI: what comes in from outside and what
is cut out is background, not the middle grey, and the third published kind, colour, is left out
(brightness added to air, saturation of contrasts that are no colours).
"""

from __future__ import annotations

import torch
from torch import Tensor

from popgan.augmentation.affine import apply_affine
from popgan.augmentation.cutout import cut
from popgan.device import sent

SHIFT = 0.125
CUTOUT = 0.5


def shift_and_cut(images: Tensor, rng: torch.Generator, *, labels: int = 0) -> Tensor:
    """Shift every image by whole pixels, then cut a hole into it.

    Args:
        images: N x C x H x W.
        rng: CPU source of randomness.
        labels: trailing channels that are shifted but not cut.
    """
    count, channels, *size = images.shape
    steps, centres = [], []
    for side in size:
        most, hole = int(side * SHIFT + 0.5), int(side * CUTOUT + 0.5)
        steps.append(torch.randint(-most, most + 1, (count,), generator=rng))
        # As published: the hole's first pixel is uniform from -hole // 2 on, and its last may
        # lie outside; an odd hole has one place less.
        first = torch.randint(0, side + 1 - hole % 2, (count,), generator=rng) - hole // 2
        centres.append(first + hole / 2)
    # affine_grid measures in half sides, columns first.
    shift = torch.stack([2 * steps[1] / size[1], 2 * steps[0] / size[0]], 1)
    theta = torch.cat([torch.eye(2).expand(count, 2, 2), shift[:, :, None]], 2)
    moved = apply_affine(images, theta)
    image, label = moved.split([channels - labels, labels], 1)
    sides = (float(int(size[0] * CUTOUT + 0.5)), float(int(size[1] * CUTOUT + 0.5)))
    image = cut(image, sent(torch.stack(centres, 1), images.device), sides)
    return torch.cat([image, label], 1) if labels else image
