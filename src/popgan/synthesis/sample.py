"""Images from a trained generator, each reproducible alone from (seed, index)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from popgan.config.schema import Plan
from popgan.device import best_device
from popgan.errors import UserError
from popgan.recipes.table import find_recipe
from popgan.seeds import torch_rng
from popgan.training.growth import Stage, stage_at
from popgan.training.tensors import TensorFileError, kinds_of, read_tensors

BATCH = 32
"""Images computed at once. Always so many, even if one is wanted: kernels round differently for
other sizes, and an image must not depend on how many others are asked for."""


def load_generator(weights: Path, plan: Plan) -> nn.Module:
    """Build the plan's generator with trained weights, in evaluation mode.

    Raises:
        UserError: the file is missing, damaged, or of another architecture.
    """
    with torch.random.fork_rng(devices=[]):
        generator = find_recipe(plan.recipe).generator(plan)
    if not weights.exists():
        raise UserError("does not exist", where=weights, do="train the model first")
    try:
        tensors, _ = read_tensors(weights, kinds_of(generator.state_dict()))
    except TensorFileError as error:
        raise UserError(
            f"cannot be read as weights of the plan's network ({error})",
            where=weights,
            do="remove the file and train again, which goes on from the last checkpoint",
        ) from error
    generator.load_state_dict(tensors)
    generator.requires_grad_(False).eval()
    return generator.to(device=best_device(), memory_format=torch.channels_last)  # type: ignore[call-overload]


def latents(plan: Plan, seed: int, indices: range) -> Tensor:
    """One latent vector for each index; the same whichever others are drawn with it."""
    shape = (plan.network.latent_dim,)
    return torch.stack([torch.randn(shape, generator=torch_rng(seed, "z", i)) for i in indices])


@torch.no_grad()
def draw_images(
    generator: nn.Module, z: Tensor, plan: Plan, stage: Stage | None = None
) -> np.ndarray:
    """Images of given latents.

    Args:
        generator: from `load_generator`, or one in training.
        z: N x latent_dim.
        plan: the generator's plan.
        stage: level and fade; the end of training by default. Images of a lower level are
            enlarged to full size.

    Returns:
        N x C x H x W float32, clamped to [-1, 1].
    """
    stage = stage or stage_at(plan.train.images, plan.train)
    device = next(generator.parameters()).device
    images = generator(z.to(device), stage.level, stage.alpha)
    factor = plan.data.height // images.shape[2]
    if factor > 1:
        images = images.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    # float32 to the end: bfloat16 would leave 8 bits of every pixel.
    return images.clamp(-1, 1).float().contiguous().cpu().numpy()


def sample(
    generator: nn.Module, plan: Plan, *, seed: int, first: int = 0, count: int
) -> Iterator[np.ndarray]:
    """Images number first .. first + count - 1 of a seed, in batches.

    An image depends on (weights, seed, index) alone, to the last bit.

    Yields:
        n x C x H x W float32 in [-1, 1], n <= BATCH.
    """
    last = first + count
    for start in range(first - first % BATCH, last, BATCH):
        images = draw_images(generator, latents(plan, seed, range(start, start + BATCH)), plan)
        yield images[max(0, first - start) : last - start]
