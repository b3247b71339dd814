"""What the tests of augmentation share: plans, generators, gradual test images."""

from __future__ import annotations

import torch

from popgan.config.augmentation import AugmentationPlan

FULL = {
    "flip": True,
    "shift": 0.1,
    "rotation": 20.0,
    "scale": 0.2,
    "brightness": 0.3,
    "contrast": 0.5,
    "noise": 0.1,
    "cutout": 0.4,
}


def plan(**changes: object) -> AugmentationPlan:
    """An `ada` plan that does nothing but what is asked for."""
    nothing = {"probability": 1.0, "flip": False, "shift": 0.0, "rotation": 0.0, "scale": 0.0}
    return AugmentationPlan.model_validate({"method": "ada", **nothing, **changes})


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(
    count: int,
    channels: int = 1,
    size: tuple[int, int] = (16, 16),
    dtype: torch.dtype = torch.float32,
) -> torch.Tensor:
    """Random tissue in [-0.8, 1] within a disc, air (-1) around it."""
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, side) for side in size), indexing="ij")
    tissue = torch.rand(count, channels, *size, generator=rng(9)) * 1.8 - 0.8
    return torch.where(x.square() + y.square() < 0.6, tissue, -1.0).to(dtype)
