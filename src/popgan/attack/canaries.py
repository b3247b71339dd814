"""Canaries: heads that no patient has, so that whoever draws them has learnt them by heart.

Each is the mean of images of two patients, mirrored and bent by a smooth random field, with a few
round marks inside the head. It looks like the data, and nothing in the data looks like it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from popgan.attack.chosen import Told
from popgan.evidence.privacy.cases import Cases
from popgan.evidence.statistics import members
from popgan.seeds import numpy_rng

NAME = "canary"
_MARKS = 3
_BEND = 0.015  # standard deviation of the bending, as a share of the side
_SMOOTH = 0.12  # width of the field, likewise
_RADIUS = (0.03, 0.06)  # of a mark, likewise
_INSIDE = -0.7  # intensity above which a pixel belongs to the head


def make_canaries(
    train: Cases, told: Told, count: int, seed: int
) -> tuple[NDArray[np.float32], list[str], Told]:
    """Images of so many canaries, one each, with a name that no pseudonym can be, and conditions.

    Args:
        train: images of patients, all contrasts.
        told: N x K, what is known of each; a canary takes what is known of one of its patients.
        count: canaries.
        seed: of all that is drawn.

    Returns:
        count x C x H x W in [-1, 1], names, and count x K or None.
    """
    images = np.empty((count, *train.images.shape[1:]), np.float32)
    rows = np.empty(count, np.intp)
    names, owners = members(train.subjects)
    for number in range(count):
        rng = numpy_rng(seed, "canary", number)
        pair = rng.choice(len(names), 2, replace=len(names) < 2)
        height = rng.uniform(0.25, 0.75)  # the same part of both stacks of slices
        stacks = [np.flatnonzero(owners == one) for one in pair]
        places = [int(stack[int(height * len(stack))]) for stack in stacks]
        mean = (train.images[places[0]] + train.images[places[1]]) / 2
        images[number] = _marked(_bent(mean[..., ::-1], rng), rng)
        rows[number] = places[0]
    # A pseudonym has no space.
    return images, [f"{NAME} {k}" for k in range(count)], None if told is None else told[rows]


def _bent(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """C x H x W moved by one smooth field for all contrasts."""
    from scipy.ndimage import gaussian_filter, map_coordinates

    size = image.shape[-2:]
    side = min(size)
    field = gaussian_filter(rng.normal(size=(2, *size)), (0, _SMOOTH * side, _SMOOTH * side))
    field *= _BEND * side / field.std()
    at = np.indices(size) + field
    moved = [map_coordinates(c, at, order=1, mode="constant", cval=-1.0) for c in image]
    return np.asarray(moved, np.float32)


def _marked(image: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """C x H x W with bright and dark discs inside the head, at the same places in all contrasts."""
    height, width = image.shape[-2:]
    rows, columns = np.indices((height, width))
    inside = np.argwhere(image.max(0) > _INSIDE)
    for number in range(_MARKS if len(inside) else 0):
        row, column = inside[rng.integers(len(inside))]
        radius = max(1.0, rng.uniform(*_RADIUS) * min(height, width))
        disc = (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
        image[:, disc] = 0.9 if number % 2 == 0 else -0.8
    return image
