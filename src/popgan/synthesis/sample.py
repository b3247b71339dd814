"""Images from a trained generator, each reproducible alone from (seed, index)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from popgan.config.network import DrawingShape
from popgan.config.schema import Plan
from popgan.device import best_device
from popgan.errors import UserError
from popgan.recipes.table import find_recipe
from popgan.seeds import normal
from popgan.synthesis.told import Told
from popgan.training.growth import Stage, stage_at
from popgan.training.tensors import TensorFileError, kinds_of, read_tensors

BATCH = 32
"""Most images computed at once."""
MEMORY = 2**30
"""Bytes that the feature maps of one batch may take."""
LIVE_MAPS = 6
"""Feature maps of the largest level that a generator holds at once, about."""


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


def batch_size(plan: Plan) -> int:
    """Images computed at once, 1 .. 32: as many as `MEMORY` holds.

    Always so many, even if one is wanted: kernels round differently for other sizes, and an image
    must not depend on how many others are asked for. So the number follows from the plan alone.
    """
    network = plan.network
    assert isinstance(network, DrawingShape), "a translator draws nothing"
    area = plan.data.height * plan.data.width // network.patch**2
    largest = max(maps * area // 4**below for below, maps in enumerate(reversed(network.channels)))
    fitting = max(1, MEMORY // (4 * LIVE_MAPS * largest))
    return min(BATCH, 2 ** (fitting.bit_length() - 1))


def latents(plan: Plan, seed: int, indices: range) -> Tensor:
    """One latent vector for each index; the same whichever others are drawn with it."""
    return _numbers(plan.latent_dim, seed, "z", indices)


def noises(size: int, seed: int, indices: range) -> Tensor:
    """The noise of each index, N x size, for a generator that takes some; likewise."""
    return _numbers(size, seed, "noise", indices)


def _numbers(size: int, seed: int, purpose: str, indices: range) -> Tensor:
    return torch.from_numpy(np.stack([normal(size, seed, purpose, i) for i in indices]))


@torch.no_grad()
def draw_images(
    generator: nn.Module,
    z: Tensor,
    plan: Plan,
    stage: Stage | None = None,
    *,
    condition: Tensor | None = None,
    noise: Tensor | None = None,
    truncation: float = 1.0,
) -> np.ndarray:
    """Images of given latents, computed in batches that fit into memory (`batch_size`).

    Args:
        generator: from `load_generator`, or one in training.
        z: N x latent_dim.
        plan: the generator's plan.
        stage: level and fade; the end of training by default. Images of a lower level are
            enlarged to full size.
        condition: N x K, where the plan has conditions.
        noise: N x noise_size, where the generator takes noise; its fixed noise if None.
        truncation: 1 = as trained, towards 0 more usual and less varied.

    Returns:
        N x C x H x W float32, clamped to [-1, 1].

    Raises:
        UserError: truncation is asked of a recipe that has none.
    """
    stage = stage or stage_at(plan.train.images, plan.train)
    more: dict[str, Any] = {}
    if truncation != 1:
        check_truncation(plan, truncation)
        more["truncation"] = truncation
    size, drawn = batch_size(plan), []
    for first in range(0, len(z), size):
        part = slice(first, first + size)
        told = None if condition is None else condition[part]
        numbers = more if noise is None else {**more, "noise": noise[part]}
        drawn.append(_draw(generator, z[part], plan, stage, told, numbers))
    return np.concatenate(drawn)


def _draw(
    generator: nn.Module,
    z: Tensor,
    plan: Plan,
    stage: Stage,
    told: Tensor | None,
    more: dict[str, Any],
) -> np.ndarray:
    """As `draw_images`, all at once."""
    device = next(generator.parameters()).device
    more = {name: one.to(device) if isinstance(one, Tensor) else one for name, one in more.items()}
    told = None if told is None else told.to(device)
    images = generator(z.to(device), stage.level, stage.alpha, told, **more)
    factor = plan.data.height // images.shape[2]
    if factor > 1:
        images = images.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    # float32 to the end: bfloat16 would leave 8 bits of every pixel.
    return images.clamp(-1, 1).float().contiguous().cpu().numpy()


def has_truncation(plan: Plan) -> bool:
    """Whether a recipe has a space of styles, in which images can be drawn nearer to the usual."""
    return plan.network.kind == "stylegan2"


def check_truncation(plan: Plan, truncation: float) -> None:
    """Refuse truncation where a recipe has none.

    Raises:
        UserError: the recipe has no space of styles, or the value is not within 0 .. 1.
    """
    if not 0 <= truncation <= 1:
        raise UserError(f"--truncation {truncation:g} is not possible", do="give 0 to 1")
    if truncation != 1 and not has_truncation(plan):
        raise UserError(
            f"recipe {plan.recipe!r} has no truncation", do="leave it out, or train stylegan2"
        )


def sample(
    generator: nn.Module,
    plan: Plan,
    *,
    seed: int,
    first: int = 0,
    count: int,
    told: Told | None = None,
    truncation: float = 1.0,
) -> Iterator[np.ndarray]:
    """Images number first .. first + count - 1 of a seed, in batches.

    An image depends on (weights, seed, index) and what is told alone, to the last bit.

    Args:
        generator: from `load_generator`.
        plan: its plan.
        seed: of latents, noise and conditions.
        first: index of the first image.
        count: images.
        told: conditions to draw from; needed where the plan has conditions.
        truncation: see `draw_images`.

    Yields:
        n x C x H x W float32 in [-1, 1], n <= 32.
    """
    last, size = first + count, batch_size(plan)
    noise_size = getattr(generator, "noise_size", 0)
    for start in range(first - first % size, last, size):
        indices = range(start, start + size)
        images = draw_images(
            generator,
            latents(plan, seed, indices),
            plan,
            condition=None if told is None else torch.from_numpy(told.vectors_at(seed, indices)),
            noise=noises(noise_size, seed, indices) if noise_size else None,
            truncation=truncation,
        )
        yield images[max(0, first - start) : last - start]
