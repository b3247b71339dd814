"""DCGAN: transposed convolutions with batch norm, the generic GAN of the literature.

Radford et al., "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
Networks" (ICLR 2016): 4 x 4 kernels with step 2, batch norm everywhere but at the images, ReLU and
tanh in the generator, leaky ReLU in the discriminator, weights from N(0, 0.02). Dropout before the
logit is an addition, for the published hyperparameters of the generic GAN here have one.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn

from popgan.networks.judging import Judge
from popgan.networks.layers import Embedding, Projection, join, leaky_relu

DEVIATION = 0.02  # of first weights


class Generator(nn.Module):
    """Latent vectors to images.

    Args:
        latent_dim: length of z.
        channels: feature maps, lowest first; the lowest map has half the lowest level's size.
        image_channels: C of the images (contrasts).
        base: height and width of the lowest level's *image*, pixels, even.
        condition: K, numbers of a condition vector; 0 = none.
    """

    def __init__(
        self,
        *,
        latent_dim: int,
        channels: list[int],
        image_channels: int,
        base: tuple[int, int],
        condition: int = 0,
    ) -> None:
        super().__init__()
        self.grid = (base[0] // 2, base[1] // 2)
        self.embedding = Embedding(condition, latent_dim) if condition else None
        length = latent_dim * 2 if condition else latent_dim
        self.dense = nn.Linear(length, channels[0] * math.prod(self.grid), bias=False)
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False) for a, b in itertools.pairwise(channels)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(maps) for maps in channels)
        self.draw = nn.ConvTranspose2d(channels[-1], image_channels, 4, 2, 1)
        _start(self)

    def forward(
        self, z: Tensor, level: int = 0, alpha: float = 1.0, condition: Tensor | None = None
    ) -> Tensor:
        """Draw images.

        Args:
            z: N x latent_dim, standard normal.
            level: ignored; this network does not grow.
            alpha: ignored likewise.
            condition: N x K, where the network was built for one.

        Returns:
            N x image_channels x H x W in [-1, 1], float32.
        """
        x = self.dense(join(z, self.embedding, condition))
        x = x.view(len(z), -1, *self.grid).to(memory_format=torch.channels_last)
        x = torch.relu(self.norms[0](x))
        for up, norm in zip(self.ups, self.norms[1:], strict=True):
            x = torch.relu(norm(up(x)))
        return torch.tanh(self.draw(x).float())


class Discriminator(Judge):
    """Images to one logit each. Args: as for `Generator`.

    Attributes:
        features: numbers that the logit is read from, on which dropout acts.
    """

    def __init__(
        self,
        *,
        channels: list[int],
        image_channels: int,
        base: tuple[int, int],
        condition: int = 0,
    ) -> None:
        super().__init__()
        falling = channels[::-1]
        self.read = nn.Conv2d(image_channels, falling[0], 4, 2, 1)
        self.downs = nn.ModuleList(
            nn.Conv2d(a, b, 4, 2, 1, bias=False) for a, b in itertools.pairwise(falling)
        )
        # It never judges outside of training, so no running statistics are kept.
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(maps, track_running_stats=False) for maps in falling[1:]
        )
        self.features = channels[0] * (base[0] // 2) * (base[1] // 2)
        self.logit = nn.Linear(self.features, 1)
        self.projection = Projection(condition, channels[0]) if condition else None
        _start(self)

    def look(self, image: Tensor, level: int, alpha: float) -> Tensor:
        """Halve the size at every step."""
        x = leaky_relu(self.read(image))
        for down, norm in zip(self.downs, self.norms, strict=True):
            x = leaky_relu(norm(down(x)))
        return x

    def gather(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Every feature for the logit, their means over the picture for a condition."""
        return x.flatten(1), x.mean((2, 3))


def _start(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, DEVIATION)
        elif type(module) in (nn.Conv2d, nn.ConvTranspose2d, nn.Linear):
            # The layers of a condition are subclasses and keep their own start.
            nn.init.normal_(module.weight, 0.0, DEVIATION)  # type: ignore[arg-type]
