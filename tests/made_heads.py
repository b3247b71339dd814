"""Heads of a few thousand voxels, made for tests."""

from __future__ import annotations

import numpy as np


def head_volume(seed: int, *, spacing: float = 5.0, bright: float = 900.0) -> np.ndarray:
    """A head of skin, bone and brain with noise; sizes and textures vary with the seed."""
    rng = np.random.default_rng(seed)
    shape = tuple(round(n / spacing) for n in (200, 240, 230))
    grids = np.meshgrid(*(np.arange(n) * spacing for n in shape), indexing="ij")
    size = rng.uniform(0.92, 1.05)
    middle = (100, 120, 130)
    axes = (77 * size, 96 * size, 72 * size)
    radius = np.sqrt(sum(((g - c) / a) ** 2 for g, c, a in zip(grids, middle, axes, strict=True)))
    data = np.select([radius < 0.85, radius < 0.93, radius < 1], [0.7, 0.15, 0.9], 0.0)
    data += 0.1 * np.sin(grids[0] / 9 + seed) * (radius < 0.85)
    noisy = np.hypot(data + 0.02 * rng.standard_normal(shape), 0.02 * rng.standard_normal(shape))
    return (noisy * bright).astype(np.int16)
