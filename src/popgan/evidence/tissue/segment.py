"""Outline the tissues of images: network, resampling to its grid and back, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from popgan.errors import UserError
from popgan.evidence.tissue.network import SIDE, TissueNetwork, normalised
from popgan.evidence.tissue.weights import load_network

SUPPORTED = ("T1w", "T2w", "FLAIR", "PDw")
"""Contrasts that the network may be used for, the best one first; see docs/tissue.md."""
VENTRICLES = 4
"""Code of the ventricles' fluid in `Outlines`; 1 is the other fluid, 2 grey, 3 white."""
SMALLEST = 48
"""Pixels of the longer side below which tissues are not told; 64 and 128 were checked."""
_BATCH = 16

Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class Outlines:
    """Tissues of N images.

    Attributes:
        contrast: the one that was looked at.
        codes: N x H x W; 0 other, 1 CSF, 2 grey, 3 white, 4 ventricles.
        certainty: N, mean probability of the chosen class over the brain; 0 where there is none.
    """

    contrast: str
    codes: Codes
    certainty: NDArray[np.float32]


def usable(contrasts: Sequence[str]) -> str | None:
    """The contrast that is segmented: the best supported one; None if there is none."""
    return next((name for name in SUPPORTED if name in contrasts), None)


def segment(images: NDArray[np.float32], contrasts: Sequence[str]) -> Codes | None:
    """Tissues of images.

    Args:
        images: N x C x H x W in [-1, 1], axial and upright, background -1.
        contrasts: C names.

    Returns:
        N x H x W: 0 background, 1 CSF with ventricles, 2 grey matter, 3 white matter; None where
        none of the contrasts is supported.

    Raises:
        UserError: images of another shape, or values that are not finite.
    """
    found = outline(images, contrasts)
    if found is None:
        return None
    return np.where(found.codes == VENTRICLES, np.uint8(1), found.codes)


@torch.no_grad()
def outline(
    images: NDArray[np.float32],
    contrasts: Sequence[str],
    *,
    network: TissueNetwork | None = None,
    advance: Callable[[int], None] | None = None,
) -> Outlines | None:
    """Tissues of images, ventricles apart, and how certain the network is.

    Args:
        images: N x C x H x W in [-1, 1]. contrasts: C names.
        network: another one than the shipped, for benchmarks.
        advance: called with the number of images done after each batch.

    Returns:
        The outlines; None where none of the contrasts is supported.

    Raises:
        UserError: images of another shape, or values that are not finite.
    """
    if images.ndim != 4 or images.shape[1] != len(contrasts):
        raise UserError(
            f"images of shape {images.shape} with {len(contrasts)} names of contrasts",
            do="give N x C x H x W and C names",
        )
    contrast = usable(contrasts)
    if contrast is None:
        return None
    network = network or load_network()
    channel = images[:, list(contrasts).index(contrast)]
    codes = np.zeros(channel.shape, np.uint8)
    certainty = np.zeros(len(channel), np.float32)
    for start in range(0, len(channel), _BATCH):
        block = np.ascontiguousarray(channel[start : start + _BATCH], dtype=np.float32)
        if not np.isfinite(block).all():
            raise UserError("an image to segment contains NaN or infinity", do="repair or drop it")
        shares = _shares(network, torch.from_numpy(block).clamp(-1, 1))
        best, code = shares.max(1)
        inside = code > 0
        total = (best * inside).sum((1, 2)) / inside.sum((1, 2)).clamp(min=1)
        codes[start : start + _BATCH] = code.numpy()
        certainty[start : start + _BATCH] = total.numpy()
        if advance is not None:
            advance(len(block))
    return Outlines(contrast, codes, certainty)


def _shares(network: TissueNetwork, images: Tensor) -> Tensor:
    """Probabilities N x classes x H x W of images N x H x W in [-1, 1]."""
    height, width = images.shape[1:]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    square = F.pad(
        images[:, None], (left, side - width - left, top, side - height - top), value=-1.0
    )
    shares = network(normalised(_resized(square, SIDE))).softmax(1)
    return _resized(shares, side)[:, :, top : top + height, left : left + width]


def _resized(x: Tensor, side: int) -> Tensor:
    """Square images to another side; larger ones are averaged down, smaller ones interpolated."""
    if x.shape[-1] == side:
        return x
    return F.interpolate(x, size=(side, side), mode="bilinear", antialias=x.shape[-1] > side)
