"""Ways through latent space: a strip from image to image, and a walk in a circle as a GIF.

Between two latent vectors lies the arc and not the chord: a chord leaves the shell on which
normal vectors lie, and with it what the generator has learnt (White, 2016). Noise stays that of
the first image; conditions change in a straight line.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from popgan._version import __version__
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.files import atomic_path
from popgan.synthesis.image import contact_sheet
from popgan.synthesis.sample import batch_size, draw_images, latents, noises
from popgan.synthesis.told import Told

STEPS = 8  # images from one given image to the next
FRAME_MS = 60  # a frame of a GIF


def arc(start: Tensor, end: Tensor, share: float) -> Tensor:
    """The point `share` (0 .. 1) of the way from one vector to another, along the arc."""
    cosine = torch.dot(start, end) / (start.norm() * end.norm())
    angle = torch.acos(cosine.clamp(-1, 1))
    if torch.sin(angle) < 1e-4:  # parallel: there is no arc to follow
        return torch.lerp(start, end, share)
    weights = torch.sin((1 - share) * angle), torch.sin(share * angle)
    return (weights[0] * start + weights[1] * end) / torch.sin(angle)


def images_between(
    generator: nn.Module,
    plan: Plan,
    *,
    seed: int,
    indices: Sequence[int],
    places: Sequence[float],
    told: Told | None = None,
    truncation: float = 1.0,
) -> NDArray[np.float32]:
    """Images along a way through some images of a seed.

    Args:
        generator: from `load_generator`.
        plan: its plan.
        seed: of the images.
        indices: images that the way goes through, in order, at least two.
        places: where to draw: 0 = the first image, 1 = the second, 1.5 = between it and the third.
        told: conditions to draw from, where the plan has any.
        truncation: see `draw_images`.

    Returns:
        len(places) x C x H x W in [-1, 1].
    """
    z = torch.cat([latents(plan, seed, range(index, index + 1)) for index in indices])
    rows = None if told is None else torch.from_numpy(told.vectors_at(seed, indices))
    way, conditions = [], []
    for place in places:
        before = min(int(place), len(indices) - 2)
        share = place - before
        way.append(arc(z[before], z[before + 1], share))
        if rows is not None:
            conditions.append(torch.lerp(rows[before], rows[before + 1], share))
    size, drawn = batch_size(plan), []
    noise_size = getattr(generator, "noise_size", 0)
    noise = noises(noise_size, seed, range(indices[0], indices[0] + 1))
    for first in range(0, len(way), size):
        part = torch.stack(way[first : first + size])
        drawn.append(
            draw_images(
                generator,
                part,
                plan,
                condition=torch.stack(conditions[first : first + size]) if conditions else None,
                noise=noise.expand(len(part), -1) if noise_size else None,
                truncation=truncation,
            )
        )
    return np.concatenate(drawn)


def strip_places(count: int) -> list[float]:
    """Places of a strip through `count` images: `STEPS` from each to the next, both ends drawn."""
    return [step / STEPS for step in range((count - 1) * STEPS + 1)]


def parse_way(text: str) -> tuple[int, list[int]]:
    """Read "SEED:A,B,..": a seed and the indices of at least two of its images.

    Raises:
        UserError: the text is anything else.
    """
    seed, _, rest = text.partition(":")
    numbers = [seed, *rest.split(",")]
    if len(numbers) < 3 or not all(n.isascii() and n.isdigit() and len(n) < 10 for n in numbers):
        raise UserError(
            f"--interpolate {text!r} names no images", do="write SEED:A,B such as 0:3,7"
        )
    return int(seed), [int(number) for number in numbers[1:]]


def write_gif(path: Path, images: NDArray[np.float32], *, scale: int = 2) -> Path:
    """Write frames as an endless GIF, marked as synthetic, atomically.

    Args:
        path: the file.
        images: N x C x H x W in [-1, 1]; contrasts stand side by side.
        scale: whole factor by which each pixel is enlarged.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    frames = [
        Image.fromarray(contact_sheet(image[None], 1, scale=scale, gutter=0)) for image in images
    ]
    with atomic_path(path) as temporary:
        frames[0].save(
            temporary,
            format="GIF",
            save_all=True,
            append_images=frames[1:],
            duration=FRAME_MS,
            loop=0,
            comment=f"synthetic; popgan {__version__}".encode(),
        )
    return path
