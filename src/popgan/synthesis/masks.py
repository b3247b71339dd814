"""From drawn channels to images and label maps: which label, if any, a pixel belongs to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from popgan.config.masks import MaskLabel
from popgan.config.schema import Plan

Drawn = tuple[NDArray[np.float32], NDArray[np.uint8] | None]
"""Images n x C x H x W in [-1, 1], and codes n x H x W where the model draws masks."""


def to_codes(masks: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Channels of labels as one map: the label with the highest membership, if it is above zero.

    Args:
        masks: n x K x H x W; 1 is inside, -1 outside, K <= 255.

    Returns:
        n x H x W: 0 for no label, k for channel k - 1. Not a number belongs to none.
    """
    member = np.nan_to_num(masks, nan=-1.0)
    best = member.argmax(axis=1)
    inside = np.take_along_axis(member, best[:, None], axis=1)[:, 0] > 0
    return np.where(inside, best + 1, 0).astype(np.uint8)


def split_masks(drawn: NDArray[np.float32], plan: Plan) -> Drawn:
    """What a generator has drawn as images and codes of labels; no codes without masks."""
    contrasts = len(plan.data.contrasts)
    if not plan.data.masks:
        return drawn, None
    return drawn[:, :contrasts], to_codes(drawn[:, contrasts:])


def to_values(codes: NDArray[np.uint8], labels: Sequence[MaskLabel]) -> NDArray[np.int32]:
    """Codes as the values of the source's label map; 0 is no label."""
    return np.array([0, *(label.value for label in labels)], np.int32)[codes]


def with_map_shown(drawn: NDArray[np.float32], plan: Plan) -> NDArray[np.float32]:
    """Contrasts, and beside them one picture of the label map in steps of grey, for looking at.

    Returns:
        n x C x H x W without masks, n x (C + 1) x H x W with them, in [-1, 1].
    """
    images, codes = split_masks(drawn, plan)
    if codes is None:
        return images
    greys = np.linspace(-1, 1, len(plan.data.masks) + 1, dtype=np.float32)
    return np.concatenate([images, greys[codes][:, None]], axis=1)
