"""Likeness matching: synthetic images shall be as alike, pair by pair, as real ones are.

An adversary judges images one by one and notices only late that the generator draws the same head
twice. This term compares pairs directly: the correlations of all pairs of a synthetic batch,
sorted, against those of a real batch. Correlations enter as Fisher's z = atanh r, because 0.98
against 0.94 is the difference between the same slice and another head, while 0.64 against 0.60 is
none. The term is the one-dimensional Wasserstein distance between the two samples of z, so it
rises when synthetic images are too alike, but also when they differ more than real ones do.

Matching the diversity of a batch to that of a real batch is the idea of GDPP (Elfeky et al., ICML
2019), which matches spectra of kernels of the discriminator's features; here it is the pairs'
correlations, which need no decomposition and can be read.
"""

from __future__ import annotations

import torch
from torch import Tensor

SHRINK = 0.99  # of correlations, so that z and its gradient stay finite for equal images


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
    # bfloat16 has steps of 0.004 below 1: it could not tell near twins from neighbours.
    with torch.autocast(flat.device.type, enabled=False):
        return (flat @ flat.T)[first, second]


def likeness_gap(fake: Tensor, real: Tensor) -> Tensor:
    """Mean absolute difference between the sorted pair likenesses of two equally large batches.

    Args:
        fake: N x C x H x W, through which the gradient flows.
        real: N x C x H x W, constants.

    Returns:
        A scalar, float32: 0 for batches of equal likeness, at most 2 atanh(0.99) = 5.3.
    """
    target = fisher_z(pair_correlations(real.detach())).sort().values
    return (fisher_z(pair_correlations(fake)).sort().values - target).abs().mean()


def fisher_z(correlations: Tensor) -> Tensor:
    """Fisher's z of correlations r in [-1, 1], taken at 0.99 r."""
    # Shrunk and not cut: a cut would take the gradient from just those pairs that need it most.
    return torch.atanh(SHRINK * correlations)
