"""Ways between the images of a trained model: a strip as PNG, a walk as GIF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.stations.draw import ANY, Wish, told_of
from popgan.stations.model import Model
from popgan.synthesis.image import grid_png
from popgan.synthesis.masks import with_map_shown
from popgan.synthesis.sample import check_truncation, load_generator
from popgan.synthesis.walk import images_between, strip_places, write_gif
from popgan.training.loop import threads

_BEGIN = {".png": b"\x89PNG", ".gif": b"GIF8"}
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
        out: the file, or a folder that is there; RUN/synthetic/NAME-interpolation.png by default.
        reporter: warned of wishes beyond what the model saw.

    Raises:
        UserError: the model is not trained, such images are not possible, or the file is
            something else than a picture of this kind.
    """
    path = _place(out, model.synthetic.with_name(f"{model.name}-interpolation.png"))
    images = _way(model, seed, indices, strip_places(len(indices)), wish, reporter)
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
        out: the file, or a folder that is there; RUN/synthetic/NAME-walk.gif by default.
        reporter: warned of wishes beyond what the model saw.

    Raises:
        UserError: the model is not trained, such images are not possible, or the file is
            something else than a picture of this kind.
    """
    stops = max(2, frames // WALK_STEPS)
    places = [stops * frame / frames for frame in range(frames)]
    path = _place(out, model.synthetic.with_name(f"{model.name}-walk.gif"))
    images = _way(model, seed, [*range(stops), 0], places, wish, reporter)
    return write_gif(path, images)


def _place(out: Path | None, usual: Path) -> Path:
    """Where a picture goes; an older one of its kind is replaced, and nothing else is.

    Raises:
        UserError: the name is that of another kind of file, or what is there is one.
    """
    if out is None:
        return usual
    kind = usual.suffix
    try:
        path = out / usual.name if out.is_dir() else out
        path = path if path.suffix else path.with_suffix(kind)
        if path.suffix.lower() != kind:
            raise UserError(f"is written as {kind[1:].upper()}", where=path, do=f"end it in {kind}")
        if path.exists() and not _is_picture(path, kind):
            raise UserError("holds something else", where=path, do="choose another name")
    except OSError as error:
        what = f"cannot be written ({error.strerror})"
        raise UserError(what, where=out, do="choose another name or folder") from error
    return path


def _is_picture(path: Path, kind: str) -> bool:
    """Whether a file that is there is a picture of a kind, or empty: a name that was set aside."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        begin = file.read(8)
    return not begin or begin.startswith(_BEGIN[kind])


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
