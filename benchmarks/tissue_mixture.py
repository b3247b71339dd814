"""The alternative that was not taken: grey and white matter by a Gaussian mixture of brightness.

The network says where the brain is and where its fluid; within the rest two Gaussians are fitted to
the grey values of the slice by expectation-maximisation, started from the network's own tissues.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GREY, WHITE = 2, 3
_ROUNDS, _FEWEST = 25, 50


def by_mixture(images: NDArray[np.float32], codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Codes with grey and white matter divided anew.

    Args:
        images: N x H x W in [-1, 1]; white matter is brighter (T1-weighted).
        codes: N x H x W, of the network.
    """
    found = codes.copy()
    for image, code, out in zip(images, codes, found, strict=True):
        inside = (code == GREY) | (code == WHITE)
        if inside.sum() >= _FEWEST:
            values = image[inside].astype(np.float64)
            out[inside] = np.where(_white(values, code[inside] == WHITE), WHITE, GREY)
    return found


def _white(values: NDArray[np.float64], white: NDArray[np.bool_]) -> NDArray[np.bool_]:
    share = np.where(white, 0.9, 0.1)
    for _ in range(_ROUNDS):
        densities = []
        for weight in (1 - share, share):
            total = weight.sum() + 1e-9
            mean = (weight * values).sum() / total
            spread = np.sqrt((weight * (values - mean) ** 2).sum() / total) + 1e-3
            densities.append(total / spread * np.exp(-(((values - mean) / spread) ** 2) / 2))
        share = densities[1] / (densities[0] + densities[1] + 1e-300)
    return np.asarray(share > 0.5)
