"""What all discriminators share: how they are called, and a head that decides in float32."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn

from popgan.networks.layers import Projection, project


class Judge(nn.Module):
    """Images to one logit each: large for real, small for synthetic.

    Attributes:
        logit: the last layer.
        projection: what a condition adds to the logit; None where there is none.
    """

    logit: nn.Linear
    projection: Projection | None

    def forward(
        self,
        image: Tensor,
        level: int = 0,
        alpha: float = 1.0,
        condition: Tensor | None = None,
        keep: Tensor | None = None,
    ) -> Tensor:
        """Judge images.

        Args:
            image: N x C x H x W in [-1, 1], of the level's size.
            level: 0 .. number of levels - 1; a network that does not grow ignores it.
            alpha: weight of the level's own path against that of the level below, 0 .. 1;
                ignored likewise.
            condition: N x K, where the network was built for one.
            keep: N x F factors of what the logit is read from: dropout, drawn by the caller
                (`layers.dropout_factors`), so that the network itself draws nothing.

        Returns:
            N logits, float32 or wider.
        """
        x = self.look(image.to(memory_format=torch.channels_last), level, alpha)
        # The head decides on small differences: float32 whatever the convolutions use.
        with torch.autocast(x.device.type, enabled=False):
            x = x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
            features, told = self.gather(x)
            logit = self.logit(features if keep is None else features * keep).squeeze(1)
            return logit + project(self.projection, told, condition)

    @abstractmethod
    def look(self, image: Tensor, level: int, alpha: float) -> Tensor:
        """Convolutions: images to the N x C x H x W feature maps of the lowest level."""

    @abstractmethod
    def gather(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Feature maps to what the logit is read from, and what a condition is held against.

        Args:
            x: what `look` has found, float32 or wider.

        Returns:
            N x F, and N x G; mostly the same.
        """
