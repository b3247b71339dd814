"""How far a translation is from its target: in pixels, and in features of a network.

L1 and not L2, because the mean of what a pixel might be is blurred and the median less so (Isola et
al., CVPR 2017). The term in features weighs edges and textures, which pixels count little (Johnson
et al., ECCV 2016); it is taken over all images of a batch.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Features = Callable[[Tensor], list[Tensor]]
"""Images N x 1 x H x W in [-1, 1] to feature maps N x C x h x w, shallow to deep."""


def pixel_error(fake: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error of N x C x H x W images in [-1, 1]: 0 to 2."""
    return (fake - target).abs().mean()


def feature_error(features: Features, fake: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of feature maps, each in units of the target's mean magnitude.

    So every depth counts alike, whatever its scale; 0 for equal images, around 1 for unrelated
    ones.

    Args:
        features: of a network that is not trained; gradients flow through it to `fake`.
        fake: N x 1 x H x W in [-1, 1].
        target: N x 1 x H x W in [-1, 1].
    """
    with torch.no_grad():
        wanted = features(target)
    errors = []
    for found, true in zip(features(fake), wanted, strict=True):
        scale = true.float().abs().mean().clamp(min=1e-6)
        errors.append((found.float() - true.float()).abs().mean() / scale)
    return torch.stack(errors).mean()
