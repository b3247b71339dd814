"""Arrays as small PNGs inside the page (data URIs). No metadata, no other encoder."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from popgan.report.content import Images


def grey(image: NDArray[np.floating], low: float = -1, high: float = 1) -> NDArray[np.uint8]:
    """Values as 0..255 for display: `low` and less is black, `high` and more white, NaN black."""
    values = np.nan_to_num(np.asarray(image, np.float32), nan=low)
    span = max(high - low, 1e-12)
    return np.rint(np.clip((values - low) / span, 0, 1) * 255).astype(np.uint8)


def data_uri(pixels: NDArray[np.uint8]) -> str:
    """An 8-bit picture, grey H x W or coloured H x W x 3, as a data URI holding a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG", optimize=True)
    return png_uri(buffer.getvalue())


def png_uri(png: bytes) -> str:
    """A finished PNG as a data URI."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def slice_uri(image: Images, low: float = -1, high: float = 1) -> str:
    """One slice H x W as a data URI."""
    return data_uri(grey(image, low, high))


def stack_uri(images: Images) -> str:
    """K slices (K x H x W) below each other."""
    return data_uri(grey(images).reshape(-1, images.shape[2]))


def difference_uri(one: Images, other: Images) -> str:
    """Absolute difference of two slices; black = equal, white = half the intensity range apart."""
    return slice_uri(np.abs(one - other), 0, 1)


def side_by_side(image: Images) -> Images:
    """C x H x W as H x CW."""
    return np.concatenate(list(image), axis=1)
