"""Krippendorff's alpha, which forgives missing answers.

Krippendorff 2011, "Computing Krippendorff's alpha-reliability": coincidences of values within
images, and their differences weighted by the kind of scale.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def coincidences(counts: Floats) -> Floats:
    """Pairs of values within each image.

    Args:
        counts: N x L, how many readers gave each level; images with one answer pair nothing.

    Returns:
        N x L x L.
    """
    readers = counts.sum(axis=-1)
    pairs = counts[:, :, None] * counts[:, None, :]
    levels = np.arange(counts.shape[-1])
    pairs[:, levels, levels] -= counts
    scale = np.divide(1.0, readers - 1, out=np.zeros_like(readers), where=readers > 1)
    return pairs * scale[:, None, None]


def alpha(table: Floats, scale: Literal["ordinal", "nominal"]) -> Floats:
    """Krippendorff's alpha of coincidences.

    Args:
        table: (..., L, L), summed over images.
        scale: "ordinal" weighs differences by the answers between them.

    Returns:
        (...), NaN where only one level was given.
    """
    counts = table.sum(-1)
    total = counts.sum(-1)
    if scale == "nominal":
        size = table.shape[-1]
        distance = np.broadcast_to(1 - np.eye(size), table.shape)
    else:
        up = np.cumsum(counts, axis=-1)
        # Sum of the counts from one level to the other, minus half of both ends.
        middle = up - counts / 2
        distance = (middle[..., :, None] - middle[..., None, :]) ** 2
    seen = (table * distance).sum((-1, -2))
    expected = (counts[..., :, None] * counts[..., None, :] * distance).sum((-1, -2))
    ratio = np.divide(
        seen * (total - 1),
        expected,
        out=np.full(np.shape(expected), np.nan),
        where=expected > 1e-12,
    )
    return 1 - ratio
