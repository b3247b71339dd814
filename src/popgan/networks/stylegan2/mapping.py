"""From a latent vector to styles: a small dense network, its average, and truncation."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from popgan.networks.layers import Embedding, EqualisedLinear, join, leaky_relu

SLOW = 0.01  # the mapping learns at a hundredth of the rate
TRACKING = 0.995  # share of the old average that a batch leaves
GAIN = math.sqrt(2)  # of the leaky ReLU, folded into the weights


class Mapping(nn.Module):
    """z, and a condition where there is one, to w.

    Args:
        latent_dim: length of z and of w.
        layers: dense layers.
        condition: K, numbers of a condition vector; 0 = none.
    """

    average: Tensor

    def __init__(self, *, latent_dim: int, layers: int, condition: int = 0) -> None:
        super().__init__()
        self.embedding = Embedding(condition, latent_dim) if condition else None
        first = latent_dim * (2 if condition else 1)
        sizes = [first] + [latent_dim] * (layers - 1)
        self.layers = nn.ModuleList(
            EqualisedLinear(size, latent_dim, gain=GAIN, rate=SLOW, bias_rate=SLOW * GAIN)
            for size in sizes
        )
        self.register_buffer("average", torch.zeros(latent_dim))

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """N x latent_dim and N x K to N x latent_dim, float32.

        Raises:
            ValueError: a condition is given, or is missing, where the network was built otherwise.
        """
        # Styles multiply whole feature maps: float32 whatever the convolutions use.
        with torch.autocast(z.device.type, enabled=False):
            # Published code has classes only and scales their embedding to unit mean square. Here a
            # condition may be a number (age, height), whose size must stay.
            x = join(_normalise(z), self.embedding, condition)
            for layer in self.layers:
                x = leaky_relu(layer(x))
        return x

    @torch.no_grad()
    def track(self, w: Tensor) -> None:
        """Move the average towards the mean of N x latent_dim vectors w."""
        self.average.lerp_(w.detach().mean(0).to(self.average.dtype), 1 - TRACKING)

    def truncate(self, w: Tensor, psi: float) -> Tensor:
        """Pull w towards the average: psi = 1 leaves it, 0 gives the average; fewer kinds of
        images, but more usual ones."""
        return w if psi == 1 else torch.lerp(self.average, w, psi)


def _normalise(z: Tensor) -> Tensor:
    return z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
