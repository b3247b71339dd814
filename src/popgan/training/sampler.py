"""Training slices, and the order in which they are shown: a pure function of (seed, position).

Because the order is computed and not remembered, a resumed run continues it exactly. Every
epoch shows every slice once. A shuffle buffer smaller than the data set reproduces the streaming
shuffle of tf.data: the next slice is a random one of the next `buffer` in stored order.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from torch import Tensor

from popgan.seeds import numpy_rng


class ImageSource(Protocol):
    """Training images by index."""

    def __len__(self) -> int:
        """Number of images."""

    def batch(self, indices: np.ndarray) -> Tensor:
        """N x C x H x W float32 in [-1, 1] at full resolution."""

    def condition(self, indices: np.ndarray) -> Tensor | None:
        """N x K float32: what is told about these images; None where nothing is."""


class Sampler:
    """Indices of training slices by position.

    Args:
        count: number of slices.
        seed: seed of the run.
        buffer: slices held for shuffling; at least `count` shuffles fully.

    Raises:
        ValueError: nothing to sample from.
    """

    def __init__(self, count: int, seed: int, buffer: int) -> None:
        if count < 1:
            raise ValueError("a sampler needs at least one slice")
        self.count, self.seed, self.buffer = count, seed, max(1, min(buffer, count))
        self._epoch = -1
        self._order = np.empty(0, dtype=np.int64)

    def indices(self, position: int, batch: int) -> np.ndarray:
        """The `batch` indices that follow `position` images shown before."""
        found: list[np.ndarray] = []
        missing = batch
        while missing:
            epoch, offset = divmod(position, self.count)
            part = self._epoch_order(epoch)[offset : offset + missing]
            found.append(part)
            position += len(part)
            missing -= len(part)
        return np.concatenate(found)

    def _epoch_order(self, epoch: int) -> np.ndarray:
        if epoch != self._epoch:
            rng = numpy_rng(self.seed, "order", epoch)
            if self.buffer >= self.count:
                self._order = rng.permutation(self.count)
            else:
                self._order = self._stream(rng)
            self._epoch = epoch
        return self._order

    def _stream(self, rng: np.random.Generator) -> np.ndarray:
        held = list(range(self.buffer))
        order = np.empty(self.count, dtype=np.int64)
        picks = rng.random(self.count)
        for place in range(self.count):
            slot = int(picks[place] * len(held))
            order[place] = held[slot]
            following = self.buffer + place
            if following < self.count:
                held[slot] = following
            else:
                held[slot] = held[-1]
                held.pop()
        return order
