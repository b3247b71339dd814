"""Synthetic images as PNG: 16-bit grey files as data, 8-bit contact sheets for the eye.

A data PNG holds 0..65535 for [-1, 1] (0 = background), one file an image and contrast. Its text
chunks say that it is synthetic, which model, seed and index it is, and what it was drawn for;
participants.tsv says the same of all. PNG has no geometry: spacing and orientation stand in the
BIDS data set.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from popgan._version import __version__
from popgan.config.masks import MaskLabel
from popgan.files import atomic_path
from popgan.folders import atomic_folder
from popgan.progress import Reporter
from popgan.synthesis.bids_metadata import bids_name, check_codes
from popgan.synthesis.drawn_for import DrawnFor
from popgan.synthesis.participants import cell, digits_of, subject_id, write_participants

_PROGRESS_STEP = 64
_MARK = "SYNTHETIC.txt"
_OWN_FILES = re.compile(
    r"SYNTHETIC\.txt|participants\.(tsv|json)|dseg\.tsv|sub-syn\d+_[^/]*desc-synthetic_[^/]+\.png"
)
_NOTE = """\
Synthetic images made by a generative model; they show no person. 16-bit grey PNG, 0 = background,
65535 = the intensity the training images were normalised to. Files called dseg are label maps that
the model drew with their images; dseg.tsv says what their pixels mean. For research, not for
diagnosis.
"""


def _is_ours(folder: Path) -> bool:
    """Whether popgan has written a folder of PNGs."""
    return (folder / _MARK).is_file()


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
    codes: NDArray[np.uint8] | None = None,
    reporter: Reporter | None = None,
    **about: Any,
) -> Path:
    """Write images that are in memory as 16-bit PNGs and return their folder.

    Args:
        folder: folder of the files; an older folder of synthetic PNGs is replaced.
        images: N x C x H x W, in [-1, 1].
        contrasts: the C contrasts.
        codes: N x H x W of their labels, with `masks` among what `about` holds.
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
            add(block, None if codes is None else codes[start : start + _PROGRESS_STEP])
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
    whole: int = 0,
    labels: Sequence[str] | None = None,
    drawn: DrawnFor | None = None,
    masks: Sequence[MaskLabel] = (),
) -> Iterator[Callable[..., None]]:
    """Write images batch by batch, each contrast as a 16-bit PNG, a label map as one of 8 bits.

    The folder appears when it is complete. Names are those of the BIDS data set:
    `sub-syn0001_desc-synthetic_T1w.png`, and `.._dseg.png` for its label map.

    Args:
        folder: folder of the files; an older folder of synthetic PNGs is replaced.
        count: images that will come in all.
        contrasts: the C contrasts.
        model: name of the model.
        seed: seed the images were drawn with.
        first_index: index of the first image in the seed's stream of samples.
        whole: images of the whole set that these belong to and are named after, if it is larger.
        labels: class label of each image, where the model knows classes.
        drawn: what else the images were drawn for.
        masks: labels that the model draws; what their pixels are is in dseg.tsv.

    Yields:
        A function that writes the next batch: n x C x H x W in [-1, 1], and with masks the codes
        n x H x W of their labels.

    Raises:
        UserError: the disk is full or the folder holds other files.
        ValueError: shapes do not fit each other.
    """
    drawn = drawn or DrawnFor()
    drawn.check(count)
    digits = digits_of(first_index + count - 1, whole)
    names = ["{}desc-synthetic_{}".format(*bids_name(contrast)) for contrast in contrasts]
    with atomic_folder(folder, replace=_is_ours, own=_OWN_FILES) as part:
        note = f"{_NOTE}\nWhat the images were drawn for\n{drawn.lines(model, seed)}"
        (part / _MARK).write_text(note, encoding="utf-8")
        places = range(first_index, first_index + count)
        write_participants(part, model, seed, places, digits, labels, drawn)
        done = 0
        grey = mask_greys(masks)
        if masks:
            lines = [
                f"{g}\t{m.value}\t{cell(m.name)}" for g, m in zip(grey[1:], masks, strict=True)
            ]
            text = "\n".join(["pixel\tindex\tname", *lines]) + "\n"
            (part / "dseg.tsv").write_text(text, encoding="utf-8")

        def add(images: NDArray[np.float32], codes: NDArray[np.uint8] | None = None) -> None:
            nonlocal done
            _check(images, contrasts)
            maps = check_codes(images, codes, masks)
            for place, image in enumerate(to_uint16(images)):
                index = first_index + done
                label = labels[done] if labels is not None else None
                pictures = dict(zip(names, image, strict=True))
                if maps is not None:
                    pictures["desc-synthetic_dseg"] = grey[maps[place]]
                for name, picture in pictures.items():
                    Image.fromarray(picture).save(
                        part / f"{subject_id(index, digits)}_{name}.png",
                        pnginfo=synthetic_chunks(model, seed, index, label, drawn, done),
                        compress_level=4,
                    )
                done += 1

        yield add
        if done != count:
            raise ValueError(f"{done} images came where {count} were announced")


def mask_greys(masks: Sequence[MaskLabel]) -> NDArray[np.unsignedinteger[Any]]:
    """Pixel of each code in a PNG: the label's value where all fit, else its place in the list."""
    values = [0, *(mask.value for mask in masks)]
    if not 0 <= min(values) <= max(values) <= 65535:
        values = list(range(len(values)))
    return np.array(values, "uint8" if max(values) < 256 else "uint16")


def _check(images: NDArray[np.float32], contrasts: Sequence[str]) -> None:
    if images.ndim != 4 or images.shape[1] != len(contrasts):
        raise ValueError(f"images {images.shape} are not N x {len(contrasts)} x H x W")


def synthetic_chunks(
    model: str | None = None,
    seed: int | None = None,
    index: int | None = None,
    label: str | None = None,
    drawn: DrawnFor | None = None,
    place: int = 0,
) -> PngInfo:
    """Text chunks of a file: the mark first, then which image it is and what it was drawn for."""
    info = PngInfo()
    info.add_text("synthetic", "true")
    info.add_text("Software", f"popgan {__version__}")
    for key, value in (("model", model), ("seed", seed), ("index", index), ("label", label)):
        if value is not None:
            info.add_text(key, str(value))
    if drawn is not None:
        # Names of conditions may be in any script, which keys of chunks may not: JSON escapes them.
        if own := drawn.of(place):
            info.add_text("conditions", json.dumps(own))
        if drawn.asked:
            info.add_text("asked", json.dumps(dict(drawn.asked)))
        if drawn.truncation is not None:
            info.add_text("truncation", str(drawn.truncation))
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
    return arrange(tiles, columns, gutter=gutter)


def arrange(tiles: NDArray[np.uint8], columns: int, *, gutter: int) -> NDArray[np.uint8]:
    """Pictures N x H x W, or N x H x W x 3, row by row on one sheet of mid-grey."""
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    height, width = tiles.shape[1] + gutter, tiles.shape[2] + gutter
    shape = (rows * height - gutter, columns * width - gutter, *tiles.shape[3:])
    sheet = np.full(shape, 96, np.uint8)
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
        Image.fromarray(sheet).save(
            temporary, format="PNG", pnginfo=synthetic_chunks(), optimize=True
        )
    return path
