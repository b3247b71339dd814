"""Frechet distance between two samples, each summarised as a Gaussian in feature space.

|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), Dowson & Landau 1982; as an image score Heusel et al.
2017. It is biased upward by an amount that depends on the size of both samples AND on the model,
so a value means something only beside a real-against-real value of the same size. Never "FID":
that name belongs to one particular network.
"""

from __future__ import annotations

import numpy as np


def frechet_distance(x: np.ndarray, y: np.ndarray) -> float:
    """Frechet distance of Gaussians fitted to x (N x D) and y (M x D); N, M >= 2.

    tr (C1 C2)^(1/2) is the sum of the singular values of A B^T, where A^T A = C1 and B^T B = C2.
    With A and B the centred samples themselves this needs no square root of a product of two
    singular matrices, the step at which the usual formula fails for fewer images than features.
    """
    first, second = np.asarray(x, np.float64), np.asarray(y, np.float64)
    shift = first.mean(0) - second.mean(0)
    a, b = _root(first), _root(second)
    cross = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    distance = shift @ shift + (a * a).sum() + (b * b).sum() - 2 * cross
    return float(max(distance, 0.0))


def _root(sample: np.ndarray) -> np.ndarray:
    """A with A^T A = the unbiased covariance and no more rows than features."""
    centred = (sample - sample.mean(0)) / np.sqrt(len(sample) - 1)
    if len(centred) > centred.shape[1]:
        centred = np.linalg.qr(centred, mode="r")
    return centred
