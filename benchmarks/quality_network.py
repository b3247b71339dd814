"""A small convolutional network that tells slices with a tumour from those without."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from popgan.seeds import derive

EPOCHS, BATCH, RATE, DECAY = 60, 32, 1e-3, 0.05
SHIFT = 4  # pixels


class NetworkClassifier:
    """Trained on construction; the same arguments give the same network.

    Its settings were fixed beforehand and are not tuned.

    Args:
        images: N x C x H x W in [-1, 1].
        present: N, what is to be told.
        seed: of weights, order and shifts.
    """

    def __init__(
        self,
        images: NDArray[np.float32],
        present: NDArray[np.bool_],
        *,
        seed: int,
        epochs: int = EPOCHS,
    ) -> None:
        x, y = torch.from_numpy(images), torch.from_numpy(present.astype(np.float32))
        with torch.random.fork_rng(devices=[]):  # for weights and dropout
            torch.manual_seed(derive(seed, "classifier") % 2**31)
            self._network = _network(images.shape[1])
            self._fit(x, y, epochs)
        self._network.eval()

    def _fit(self, x: Tensor, y: Tensor, epochs: int) -> None:
        steps = epochs * -(-len(x) // BATCH)
        adam = torch.optim.AdamW(self._network.parameters(), lr=RATE, weight_decay=DECAY)
        falling = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
        for _ in range(epochs):
            for rows in torch.randperm(len(x)).split(BATCH):
                logits = self._network(_moved(x[rows]))[:, 0]
                loss = F.binary_cross_entropy_with_logits(logits, y[rows])
                adam.zero_grad()
                loss.backward()
                adam.step()
                falling.step()

    @torch.no_grad()
    def predict(self, images: NDArray[np.float32]) -> NDArray[np.bool_]:
        """N images to N decisions."""
        parts = torch.from_numpy(images).split(256)
        return torch.cat([self._network(part)[:, 0] > 0 for part in parts]).numpy()


def _network(contrasts: int) -> nn.Module:
    layers: list[nn.Module] = []
    maps = contrasts
    for width in (16, 32, 64, 64):
        # Norms by group, so that an image is judged alike whatever it is judged with.
        layers += [nn.Conv2d(maps, width, 3, stride=2, padding=1), nn.GroupNorm(8, width)]
        layers += [nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.GroupNorm(8, width)]
        layers.append(nn.ReLU())
        maps = width
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(maps, 1)]
    return nn.Sequential(*layers, *head)


def _moved(x: Tensor) -> Tensor:
    """A batch, mirrored or not and shifted by some pixels."""
    if torch.rand(()) < 0.5:
        x = x.flip(3)
    down, right = torch.randint(-SHIFT, SHIFT + 1, (2,)).tolist()
    return torch.roll(x, (down, right), (2, 3))
