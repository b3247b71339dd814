"""How noisy a scan is, from the scan alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def noise_level(planes: NDArray[np.float32], threshold: float) -> float:
    """Standard deviation of the noise within the foreground, in normalised units.

    Immerkaer's estimator (CVIU 64, 300-302, 1996): a difference of two Laplacians answers to
    noise and hardly to anatomy. Its mean absolute response is replaced by the median, which
    edges move less. Noise that was interpolated is underestimated.

    Args:
        planes: n x X x Y, values in [0, 1].
        threshold: value that parts foreground from background.
    """
    if min(planes.shape[1:]) < 3:
        return 0.0
    rows = planes[:, 2:] - 2 * planes[:, 1:-1] + planes[:, :-2]
    response = rows[:, :, 2:] - 2 * rows[:, :, 1:-1] + rows[:, :, :-2]
    inside = np.abs(response[planes[:, 1:-1, 1:-1] > threshold])
    if inside.size == 0:
        return 0.0
    # The mask's weights have a root sum of squares of 6; 0.6745 turns a median into a deviation.
    return float(np.median(inside) / 0.6745 / 6)
