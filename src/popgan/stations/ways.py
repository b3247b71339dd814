"""Ways between the images of a trained model: a strip as PNG, a walk as GIF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from popgan.progress import Reporter
from popgan.stations.draw import ANY, Wish, told_of
from popgan.stations.model import Model
from popgan.synthesis.image import grid_png
from popgan.synthesis.masks import with_map_shown
from popgan.synthesis.sample import check_truncation, load_generator
from popgan.synthesis.walk import images_between, strip_places, write_gif
from popgan.training.loop import threads

WALK_STEPS = 16  # frames of a walk from one image to the next


def interpolate(
    model: Model,
    seed: int,
    indices: Sequence[int],
    *,
    wish: Wish = ANY,
    out: Path | None = None,
    reporter: Reporter | None = None,
) -> Path:
    """Draw a strip from image to image of a seed, as one PNG.

    Args:
        model: a trained model.
        seed: of the images.
        indices: images to go through, at least two.
        wish: class, covariates, truncation.
        out: the file; RUN/synthetic/NAME-interpolation.png by default.
        reporter: warned of wishes beyond what the model saw.

    Raises:
        UserError: the model is not trained, or such images are not possible.
    """
    images = _way(model, seed, indices, strip_places(len(indices)), wish, reporter)
    path = out or model.synthetic.with_name(f"{model.name}-interpolation.png")
    return grid_png(path, images, columns=len(images), gutter=0)


def walk(
    model: Model,
    frames: int,
    *,
    seed: int = 0,
    wish: Wish = ANY,
    out: Path | None = None,
    reporter: Reporter | None = None,
) -> Path:
    """Draw a walk in a circle through images of a seed, as a GIF.

    Args:
        model: a trained model.
        frames: pictures of the GIF.
        seed: of the images.
        wish: class, covariates, truncation.
        out: the file; RUN/synthetic/NAME-walk.gif by default.
        reporter: warned of wishes beyond what the model saw.

    Raises:
        UserError: the model is not trained, or such images are not possible.
    """
    stops = max(2, frames // WALK_STEPS)
    places = [stops * frame / frames for frame in range(frames)]
    images = _way(model, seed, [*range(stops), 0], places, wish, reporter)
    path = out or model.synthetic.with_name(f"{model.name}-walk.gif")
    return write_gif(path, images)


def _way(
    model: Model,
    seed: int,
    indices: Sequence[int],
    places: Sequence[float],
    wish: Wish,
    reporter: Reporter | None,
) -> np.ndarray:
    model.weights_hash()
    plan = model.plan()
    check_truncation(plan, wish.truncation)
    told, notes = told_of(model, wish)
    for note in notes:
        (reporter or Reporter()).warning(note)
    generator = load_generator(model.weights_path, plan)
    with threads(plan.train.threads):
        drawn = images_between(
            generator,
            plan,
            seed=seed,
            indices=indices,
            places=places,
            told=told,
            truncation=wish.truncation,
        )
    return with_map_shown(drawn, plan)
