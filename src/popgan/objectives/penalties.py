"""Gradient penalties R1 and R2 (Mescheder et al., ICML 2018).

Both punish the squared gradient of the discriminator's logit with respect to its input: R1 at
real, R2 at synthetic images. They make the discriminator smooth where the data are, without
which small-data training diverges.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def gradient_penalty(critic: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Mean over the batch of |d logit / d image|^2.

    The inner gradient is taken by `torch.func.grad`, so that the result can be differentiated
    with respect to the critic's parameters.

    Args:
        critic: N x C x H x W to N logits.
        images: where the gradient is taken; treated as constants.

    Returns:
        A scalar, float32. Multiply by gamma / 2 for the published R1 or R2 term.
    """
    gradient = torch.func.grad(lambda x: critic(x).sum())(images.detach())
    return gradient.float().square().sum((1, 2, 3)).mean()
