"""A rectangular hole: what lies in it becomes air."""

from __future__ import annotations

import torch
from torch import Tensor


def cut(images: Tensor, centre: Tensor, sides: tuple[float, float]) -> Tensor:
    """Set a rectangle of every image to background.

    Published cutouts are grey, the middle of the range; in MRI a grey box in air would be
    something that no scanner makes, so the hole is air (-1).

    Args:
        images: N x C x H x W.
        centre: N x 2, row and column in pixels, 0 at the outer edge of the first one; a centre
            far outside cuts nothing.
        sides: height and width of the hole in pixels; a pixel is cut if its middle is inside.
    """
    inside = []
    for axis in (0, 1):
        places = torch.arange(images.shape[2 + axis], device=images.device) + 0.5
        offset = places - centre[:, axis, None]
        # Half open: a hole of one pixel is one pixel, wherever it lies.
        inside.append((offset >= -sides[axis] / 2) & (offset < sides[axis] / 2))
    hole = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    return torch.where(hole, -1.0, images)
