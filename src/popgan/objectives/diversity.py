"""Likeness matching: synthetic images shall be as alike, pair by pair, as real ones are.

An adversary judges images one by one and notices only late that the generator draws the same head
twice. This term compares pairs directly: the correlations of all pairs of a synthetic batch,
sorted, against those of a real batch. It is the one-dimensional Wasserstein distance between the
two samples of likeness, so it rises when synthetic images are too alike, but also when they
differ more than real ones do. Matching the diversity of a batch to that of a real batch is the
idea of GDPP (Elfeky et al., ICML 2019), which matches spectra of kernels of the discriminator's
features; here it is the pairs' correlations, which need no decomposition and can be read.
"""

from __future__ import annotations

import torch
from torch import Tensor


def pair_correlations(images: Tensor) -> Tensor:
    """Pearson correlation of all pixels for each of the N (N - 1) / 2 pairs of images.

    Args:
        images: N x C x H x W, N >= 2.

    Returns:
        N (N - 1) / 2 values in [-1, 1], float32; an image without structure correlates with
        nothing (0).
    """
    flat = images.float().flatten(1)
    flat = flat - flat.mean(1, keepdim=True)
    # The small constant keeps the gradient finite for images without structure.
    flat = flat * torch.rsqrt(flat.square().sum(1, keepdim=True) + 1e-8)
    first, second = torch.triu_indices(len(flat), len(flat), 1, device=flat.device)
    return (flat @ flat.T)[first, second]


def likeness_gap(fake: Tensor, real: Tensor) -> Tensor:
    """Mean absolute difference between sorted pair correlations of two equally large batches.

    Args:
        fake: N x C x H x W, through which the gradient flows.
        real: N x C x H x W, constants.

    Returns:
        A scalar in [0, 2], float32.
    """
    target = pair_correlations(real.detach()).sort().values
    return (pair_correlations(fake).sort().values - target).abs().mean()
