"""Label maps over their images, in colour, for looking at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from popgan.files import atomic_path
from popgan.synthesis.image import arrange, synthetic_chunks, to_uint8

# Okabe and Ito's colours, which most colour-blind people tell apart; then lighter ones for the
# rare map of more labels.
_COLOURS = (
    *((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0)),
    *((204, 121, 167), (170, 170, 170), (255, 120, 120), (140, 255, 140), (150, 150, 255)),
    *((255, 180, 100), (100, 240, 230), (220, 100, 255), (190, 220, 60), (255, 200, 220)),
)
_INSIDE = 0.35  # opacity of a label; its rim is opaque


def colour(code: int) -> tuple[int, int, int]:
    """Red, green, blue of a label's code, 1 or more."""
    return _COLOURS[(code - 1) % len(_COLOURS)]


def hexadecimal(code: int) -> str:
    """The same as #rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*colour(code))


def overlay(
    images: NDArray[np.float32], codes: NDArray[np.uint8], *, scale: int = 2
) -> NDArray[np.uint8]:
    """Images with their labels: a tint inside, and a rim one enlarged pixel wide.

    Args:
        images: n x C x H x W in [-1, 1]; contrasts stand side by side.
        codes: n x H x W, 0 for no label.
        scale: whole factor by which each pixel is enlarged.

    Returns:
        n x scale H x scale C W x 3.
    """
    pixels = to_uint8(np.concatenate(list(images.swapaxes(0, 1)), axis=2))
    pixels = pixels.repeat(scale, 1).repeat(scale, 2)
    labels = np.tile(codes, (1, 1, images.shape[1])).repeat(scale, 1).repeat(scale, 2)
    # Contrasts that touch have no rim between them: each is looked at by itself.
    width = codes.shape[2] * scale
    rims = [_rim(labels[:, :, x : x + width]) for x in range(0, labels.shape[2], width)]
    opacity = np.where(np.concatenate(rims, axis=2), 1.0, _INSIDE) * (labels > 0)
    tints = np.array([(0, 0, 0), *(colour(k) for k in range(1, 256))], np.float64)
    mixed = pixels[..., None] * (1 - opacity[..., None]) + tints[labels] * opacity[..., None]
    return np.rint(mixed).astype(np.uint8)


def _rim(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels of a label with another one, or none, beside, above or below them."""
    rim = np.zeros(labels.shape, np.bool_)
    for axis in (1, 2):
        step = np.diff(labels.astype(np.int16), axis=axis) != 0
        one, other = [(0, 0)] * 3, [(0, 0)] * 3
        one[axis], other[axis] = (0, 1), (1, 0)
        rim |= np.pad(step, one) | np.pad(step, other)
    return rim


def overlay_png(
    path: Path, images: NDArray[np.float32], codes: NDArray[np.uint8], columns: int
) -> Path:
    """Write a contact sheet of synthetic images with their labels, atomically.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    sheet = arrange(overlay(images, codes), columns, gutter=2)
    with atomic_path(path) as temporary:
        Image.fromarray(sheet).save(
            temporary, format="PNG", pnginfo=synthetic_chunks(), optimize=True
        )
    return path
