"""Diversity as mean MS-SSIM between random pairs: a collapsed generator's images are all alike.

Multi-scale structural similarity: Wang, Simoncelli & Bovik 2003; as a measure of diversity
Odena et al. 2017. Neither high nor low is good in itself: the value belongs beside that of pairs
of real images of DIFFERENT subjects.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from popgan.evidence.statistics import Replicates
from popgan.seeds import numpy_rng

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_SIGMA, _WINDOW = 1.5, 11
_C1, _C2 = 0.01**2, 0.03**2  # for intensities in [0, 1]
_BATCH = 64


def default_scales(height: int, width: int) -> int:
    """Scales such that the coarsest is still 16 pixels: 3 at 64, 4 at 128, 5 (the most) at 256."""
    return max(1, min(len(WEIGHTS), min(height, width).bit_length() - 4))


def ms_ssim(x: torch.Tensor, y: torch.Tensor, *, scales: int | None = None) -> torch.Tensor:
    """MS-SSIM of each pair, mean over contrasts.

    The published weights of the first `scales` scales are renormalised to sum to one. The
    Gaussian window (11 x 11, sigma 1.5) shrinks at scales that are smaller than it; statistics
    are taken where it fits wholly ("valid"). A negative scale term counts as zero.

    Args:
        x, y: N x C x H x W in [-1, 1] (compared as intensities in [0, 1]).
        scales: 1 to 5, default `default_scales`.

    Returns:
        N values in [0, 1].
    """
    count, contrasts, height, width = x.shape
    levels = default_scales(height, width) if scales is None else scales
    weights = torch.tensor(WEIGHTS[:levels], dtype=torch.float64)
    weights = (weights / weights.sum()).to(x.dtype)
    a = (x.reshape(-1, 1, height, width) + 1) / 2
    b = (y.reshape(-1, 1, height, width) + 1) / 2
    product = torch.ones(len(a), dtype=x.dtype)
    for level in range(levels):
        luminance, contrast = _terms(a, b)
        term = contrast if level < levels - 1 else luminance
        product = product * term.clamp(min=0) ** weights[level]
        if level < levels - 1:
            a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return product.reshape(count, contrasts).mean(1)


def _terms(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean SSIM and mean contrast-structure term of each pair at one scale."""
    side = min(_WINDOW, *a.shape[-2:])
    side -= 1 - side % 2  # odd, so that the window has a centre
    rows, columns = (_smoothing(size, side, a.dtype) for size in a.shape[-2:])
    stack = torch.cat([a, b, a * a, b * b, a * b])
    smooth = rows @ stack @ columns.T
    mean_a, mean_b, aa, bb, ab = smooth.chunk(5)
    # Rounding can make a variance of a flat region slightly negative.
    variance_a, variance_b = (aa - mean_a**2).clamp(min=0), (bb - mean_b**2).clamp(min=0)
    structure = (2 * (ab - mean_a * mean_b) + _C2) / (variance_a + variance_b + _C2)
    light = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    return (light * structure).mean((1, 2, 3)), structure.mean((1, 2, 3))


def _smoothing(size: int, side: int, dtype: torch.dtype) -> torch.Tensor:
    """The Gaussian along one axis as a matrix (size - side + 1) x size.

    Two products with it do the separable filter several times faster than a convolution with one
    channel, for which the CPU library is not made.
    """
    offset = torch.arange(side, dtype=dtype) - (side - 1) / 2
    kernel = torch.exp(-(offset**2) / (2 * _SIGMA**2))
    matrix = torch.zeros(size - side + 1, size, dtype=dtype)
    for row in range(len(matrix)):
        matrix[row, row : row + side] = kernel / kernel.sum()
    return matrix


def random_pairs(
    count: int, pairs: int, *, seed: int, subjects: Sequence[str] | None = None
) -> np.ndarray:
    """Random pairs of different images; with `subjects`, of different subjects.

    Images are drawn in shuffled rounds, so that all are used about equally often.

    Returns:
        P x 2 indices, P <= pairs (fewer only if hardly any pair is allowed).
    """
    rng = numpy_rng(seed, "pairs for MS-SSIM")
    _, subject = np.unique(
        subjects if subjects is not None else np.arange(count), return_inverse=True
    )
    found: list[np.ndarray] = []
    total = 0
    for _ in range(1000):
        order = rng.permutation(count)
        drawn = np.stack([order, np.roll(order, 1)], 1)[: count if count > 2 else 1]
        drawn = drawn[subject[drawn[:, 0]] != subject[drawn[:, 1]]]
        found.append(drawn)
        total += len(drawn)
        if total >= pairs:
            break
    return np.concatenate(found)[:pairs]


def pair_similarity(
    images: np.ndarray, pairs: np.ndarray, *, scales: int | None = None
) -> np.ndarray:
    """MS-SSIM of pairs of images.

    Args:
        images: N x C x H x W in [-1, 1]. pairs: P x 2 indices.

    Returns:
        P values, float64.
    """
    values = []
    for start in range(0, len(pairs), _BATCH):
        left, right = (
            torch.from_numpy(np.asarray(images[pairs[start : start + _BATCH, side]], np.float32))
            for side in (0, 1)
        )
        with torch.no_grad():
            values.append(ms_ssim(left, right, scales=scales).double().numpy())
    return np.concatenate(values)


def mean_with_replicates(
    values: np.ndarray, pairs: np.ndarray, groups: np.ndarray
) -> tuple[float, Replicates]:
    """Mean over pairs, and over the pairs that do not touch each group of images.

    Args:
        values: P similarities. pairs: P x 2 image indices. groups: N group numbers of images.
    """
    sides = groups[pairs]
    sizes = np.bincount(groups)
    without = [values[(sides != g).all(1)] for g in range(len(sizes))]
    mean = float(values.mean())
    replicates = np.array([part.mean() if len(part) else mean for part in without])
    return mean, Replicates(replicates, sizes)
