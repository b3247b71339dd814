"""Early feature maps of the backbone, with gradients: edges and textures for a training loss.

The first blocks of EfficientNet-Lite0, the network behind the distances of `features.py`; a score
in its last features says little about a model that was trained on its first ones, and nothing is
measured with these.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from popgan.evidence.features import MEAN, SCALE, load_network

TAPS = (0, 2, 4)
"""Blocks whose outputs are taken: at a half, a quarter and an eighth of the size."""


class EarlyFeatures:
    """Grey images to feature maps. Its weights are not trained.

    Args:
        size: side of the images, pixels.
        device: torch device.

    Raises:
        UserError: the backbone's weights are missing or not the pinned ones.
    """

    def __init__(self, size: int, device: torch.device) -> None:
        network: Any = load_network(size)
        network._blocks = network._blocks[: max(TAPS) + 1]
        for module in network.modules():
            if isinstance(module, torch.nn.ReLU6):
                module.inplace = False  # gradients need what it would overwrite
        options: dict[str, Any] = {"memory_format": torch.channels_last}
        self._network = network.to(device, **options)

    def __call__(self, images: Tensor) -> list[Tensor]:
        """Feature maps of N x 1 x H x W images in [-1, 1], shallow to deep."""
        network = self._network
        x = ((images + 1) * 127.5 - MEAN) / SCALE
        x = x.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        x = network._swish(network._bn0(network._conv_stem(x)))
        found = []
        for number, block in enumerate(network._blocks):
            x = block(x)
            if number in TAPS:
                found.append(x)
        return found
