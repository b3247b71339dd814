"""What a search through a generator moves: latent vectors, and styles where there are any.

Latent vectors stay where a standard normal vector can be: a vector that is longer than all but few
of them is drawn back. Otherwise networks that do not normalise it would be asked for images that
they never draw. StyleGAN2's styles may also leave what its mapping makes of the latent vector,
one vector for all levels (Abdal et al., ICCV 2019, take one a level, which draws almost anything
and so tells nothing of what was learnt). Noise is the generator's fixed noise.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from popgan.config.schema import Plan
from popgan.training.growth import stage_at

BEYOND = 2.0
"""How much longer than the usual length a latent vector may be: 99.7 % of all are shorter."""
_SLOPE = 0.1


class Code:
    """Latent vectors of some images while they are searched for.

    Args:
        generator: from `load_generator`, or a copy of it.
        plan: its plan, of a recipe that draws from noise.
        z: N x latent_dim, where the search starts.
        told: N x K, what is known of each image; None where the plan has no conditions.
    """

    def __init__(self, generator: nn.Module, plan: Plan, z: Tensor, told: Tensor | None) -> None:
        self._generator: Any = generator
        self._contrasts = len(plan.data.contrasts)
        self._stage = stage_at(plan.train.images, plan.train)
        device = next(generator.parameters()).device
        self._told = None if told is None else told.to(device)
        self._longest = math.sqrt(z.shape[1]) + BEYOND
        self.z = z.to(device).clone().requires_grad_()
        self._style: Tensor | None = None
        self.parameters = [self.z]
        if plan.network.kind == "stylegan2":
            self._style = torch.zeros_like(self.z).requires_grad_()
            self.parameters.append(self._style)

    def draw(self) -> Tensor:
        """The images of the present vectors, N x contrasts x H x W; has gradients.

        What a network draws beyond [-1, 1] nobody sees, so it is no error: images are clamped, but
        for a small slope outside that a search can follow.
        """
        length = self.z.norm(dim=1, keepdim=True).clamp(min=1e-6)
        z = self.z * (self._longest / length).clamp(max=1)
        if self._style is None:
            drawn = self._generator(z, self._stage.level, self._stage.alpha, self._told)
        else:
            w = self._generator.mapping(z, self._told) + self._style
            drawn = self._generator.synthesis(self._generator.broadcast(w))
        images: Tensor = drawn[:, : self._contrasts]
        clamped = images.clamp(-1, 1)
        return clamped + _SLOPE * (images - clamped)
