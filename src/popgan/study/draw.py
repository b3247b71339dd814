"""The synthetic images of a study: several models, several seeds, none of them published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.stations.draw import synthesise
from popgan.stations.model import Model
from popgan.study.order import Secret

SEEDS = 3
"""Generator seeds a study draws from."""


@dataclass(frozen=True)
class SyntheticImage:
    """An image that a model drew.

    Attributes:
        model: its name.
        seed, index: that draw it again.
        image: H x W in [-1, 1].
    """

    model: str
    seed: int
    index: int
    image: NDArray[np.float32]


def generator_seeds(secret: Secret) -> list[int]:
    """Seeds of the study's images, known only to who has the secret.

    Whoever has weights and seed can draw an image again, and so tell it from a real one. Seeds are
    2^31 or more, which `popgan generate --seed` does not take and `popgan evaluate` does not use:
    no image of the study is one that was written or measured before.
    """
    return [2**31 + secret.seed(f"generator/{i}") for i in range(SEEDS)]


def practice_seed(secret: Secret) -> int:
    """Seed of the practice images; not one of `generator_seeds`."""
    return 2**31 + secret.seed("generator/practice")


def split_evenly(count: int, names: Sequence[str]) -> dict[str, int]:
    """A number of images over models, as equal as can be; the first ones get what is left over."""
    each, left = divmod(count, len(names))
    return {name: each + (place < left) for place, name in enumerate(names)}


def draw_synthetic(
    models: Sequence[Model],
    counts: dict[str, int],
    seeds: Sequence[int],
    channel: int,
    reporter: Reporter,
) -> Iterator[SyntheticImage]:
    """Images of every model, evenly over the seeds.

    Args:
        models: trained models.
        counts: images of each model, by its name.
        seeds: generator seeds.
        channel: of the contrast that is shown.
        reporter: shows progress.

    Raises:
        UserError: see `popgan.stations.draw.synthesise`; or an image that holds no numbers.
    """
    for model in models:
        for place, seed in enumerate(seeds):
            number = counts[model.name] // len(seeds) + (place < counts[model.name] % len(seeds))
            if not number:
                continue
            drawn = synthesise(model, number, seed=seed, reporter=reporter)[:, channel]
            if not np.isfinite(drawn).all():
                raise UserError(
                    f"model {model.name!r} draws images that hold no numbers",
                    where=model.weights_path,
                    do="train it again",
                )
            for index, image in enumerate(drawn):
                yield SyntheticImage(model.name, seed, index, image)
