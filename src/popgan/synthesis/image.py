"""Synthetic images as PNG: 16-bit grey files as data, 8-bit contact sheets for the eye.

A data PNG holds 0..65535 for [-1, 1] (0 = background), one file an image and contrast. Its text
chunks say that it is synthetic and which model, seed and index draw it again. PNG has no
geometry: spacing and orientation stand in the BIDS data set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from popgan._version import __version__
from popgan.files import atomic_path
from popgan.folders import atomic_folder
from popgan.progress import Reporter
from popgan.synthesis.bids_metadata import bids_name, subject_id

_PROGRESS_STEP = 64
_MARK = "SYNTHETIC.txt"
_NOTE = """\
Synthetic images made by a generative model; they show no person. 16-bit grey PNG, 0 = background,
65535 = the intensity the training images were normalised to. For research, not for diagnosis.
"""


def to_uint16(images: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Images in [-1, 1] as 0..65535, rounded, values outside clipped."""
    scaled = (np.asarray(images, np.float64) + 1) * (65535 / 2)
    return np.rint(np.clip(scaled, 0, 65535)).astype(np.uint16)


def to_uint8(images: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Images in [-1, 1] as 0..255 for display, rounded, values outside clipped; NaN is black."""
    scaled = (np.nan_to_num(np.asarray(images, np.float32), nan=-1.0) + 1) * (255 / 2)
    return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)


def write_pngs(
    folder: Path,
    images: NDArray[np.float32],
    *,
    contrasts: Sequence[str],
    reporter: Reporter | None = None,
    **about: Any,
) -> Path:
    """Write images that are in memory as 16-bit PNGs and return their folder.

    Args:
        folder: folder of the files; an older folder of synthetic PNGs is replaced.
        images: N x C x H x W, in [-1, 1].
        contrasts: the C contrasts.
        reporter: shows progress.
        about: see `png_writer`.

    Raises:
        UserError, ValueError: see `png_writer`.
    """
    _check(images, contrasts)
    count = len(images)
    with (
        png_writer(folder, count=count, contrasts=contrasts, **about) as add,
        (reporter or Reporter()).task("writing PNGs", total=count) as task,
    ):
        for start in range(0, count, _PROGRESS_STEP):
            block = images[start : start + _PROGRESS_STEP]
            add(block)
            task.advance(len(block))
    return folder


@contextmanager
def png_writer(
    folder: Path,
    *,
    count: int,
    contrasts: Sequence[str],
    model: str,
    seed: int,
    first_index: int = 0,
    labels: Sequence[str] | None = None,
) -> Iterator[Callable[[NDArray[np.float32]], None]]:
    """Write images batch by batch, each contrast as a 16-bit PNG.

    The folder appears when it is complete. Names are those of the BIDS data set:
    `sub-syn0001_desc-synthetic_T1w.png`.

    Args:
        folder: folder of the files; an older folder of synthetic PNGs is replaced.
        count: images that will come in all.
        contrasts: the C contrasts.
        model: name of the model.
        seed: seed the images were drawn with.
        first_index: index of the first image in the seed's stream of samples.
        labels: class label of each image, where the model knows classes.

    Yields:
        A function that writes the next batch: n x C x H x W, in [-1, 1].

    Raises:
        UserError: the disk is full or the folder holds other files.
        ValueError: shapes do not fit each other.
    """
    digits = max(4, len(str(first_index + count)))
    names = ["{}desc-synthetic_{}".format(*bids_name(contrast)) for contrast in contrasts]
    with atomic_folder(folder, replace=lambda old: (old / _MARK).is_file()) as part:
        (part / _MARK).write_text(_NOTE, encoding="utf-8")
        done = 0

        def add(images: NDArray[np.float32]) -> None:
            nonlocal done
            _check(images, contrasts)
            for image in to_uint16(images):
                index = first_index + done
                label = labels[done] if labels is not None else None
                for channel, name in zip(image, names, strict=True):
                    Image.fromarray(channel).save(
                        part / f"{subject_id(index, digits)}_{name}.png",
                        pnginfo=_chunks(model, seed, index, label),
                        compress_level=4,
                    )
                done += 1

        yield add
        if done != count:
            raise ValueError(f"{done} images came where {count} were announced")


def _check(images: NDArray[np.float32], contrasts: Sequence[str]) -> None:
    if images.ndim != 4 or images.shape[1] != len(contrasts):
        raise ValueError(f"images {images.shape} are not N x {len(contrasts)} x H x W")


def _chunks(
    model: str | None = None,
    seed: int | None = None,
    index: int | None = None,
    label: str | None = None,
) -> PngInfo:
    """Text chunks of a file: the mark first, then how to draw the image again."""
    info = PngInfo()
    info.add_text("synthetic", "true")
    info.add_text("Software", f"popgan {__version__}")
    for key, value in (("model", model), ("seed", seed), ("index", index), ("label", label)):
        if value is not None:
            info.add_text(key, str(value))
    return info


def contact_sheet(
    images: NDArray[np.float32], columns: int, *, scale: int = 1, gutter: int = 2
) -> NDArray[np.uint8]:
    """Images side by side, row by row, as one 8-bit picture (rows x columns, 0..255).

    The contrasts of an image stand next to each other without a gutter.

    Args:
        images: N x C x H x W, in [-1, 1].
        columns: images a row.
        scale: whole factor by which each pixel is enlarged.
        gutter: pixels of mid-grey between images.
    """
    if images.ndim != 4 or len(images) == 0 or columns < 1 or scale < 1 or gutter < 0:
        raise ValueError(f"no contact sheet of {images.shape} with {columns} columns x {scale}")
    pixels = to_uint8(images)
    tiles = np.concatenate([pixels[:, c] for c in range(pixels.shape[1])], axis=2)
    tiles = tiles.repeat(scale, axis=1).repeat(scale, axis=2)
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    height, width = tiles.shape[1] + gutter, tiles.shape[2] + gutter
    sheet = np.full((rows * height - gutter, columns * width - gutter), 96, np.uint8)
    for place, tile in enumerate(tiles):
        top, left = place // columns * height, place % columns * width
        sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return sheet


def grid_png(
    path: Path, images: NDArray[np.float32], columns: int, *, scale: int = 1, gutter: int = 2
) -> Path:
    """Write a `contact_sheet` of synthetic images as an 8-bit PNG, atomically.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    sheet = contact_sheet(images, columns, scale=scale, gutter=gutter)
    with atomic_path(path) as temporary:
        Image.fromarray(sheet).save(temporary, format="PNG", pnginfo=_chunks(), optimize=True)
    return path
