"""Grey values of many scans made comparable: z-score, white-matter peak, Nyul's standard scale.

Each method turns the landmarks of a scan into a curve; none needs the scan itself again. All
leave the background at exactly 0 and lead back to the scanner's values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from popgan.preparation.curve import Curve, through
from popgan.preparation.landmarks import Landmarks

Method = Literal["percentile", "zscore", "wm-peak", "nyul"]
METHODS: tuple[Method, ...] = ("percentile", "zscore", "wm-peak", "nyul")

WINDOW = (-4.0, 5.0)
"""Standard deviations that become 0 and 1. In 68 scans of four contrasts and three sources the
first percentile of the tissue lay at -4.1 or above and the last one at 5.0 or below."""
WHITE_MATTER = {"T1w": 0.75, "T1wCE": 0.65, "T2w": 0.35, "FLAIR": 0.5, "PDw": 0.6}
"""What white matter becomes by its peak, so that the brighter tissues of a contrast fit below 1."""
_OTHER_PEAK = 0.5


def zscore_curve(landmarks: Landmarks) -> Curve:
    """Mean and standard deviation of the tissue to 0 and 1, and `WINDOW` to [0, 1].

    Below the first percentile of the tissue the curve leads straight to 0, so that air stays
    black where the window begins below it.
    """
    low, high = WINDOW
    if not landmarks.sd > 1e-4:
        return Curve()
    slope = 1 / (landmarks.sd * (high - low))

    def value(x: float) -> float:
        return (x - landmarks.mean) * slope - low / (high - low)

    # The first percentile, or where the window begins if that is above it.
    begin = max(landmarks.percentiles[0], landmarks.mean + (low + 0.02) * landmarks.sd)
    return through([begin], [value(begin)], slope=slope)


def peak_curve(landmarks: Landmarks, contrast: str) -> Curve:
    """White matter to one value for all scans of a contrast, 0 to 0: a change of gain only."""
    if not landmarks.white_matter > 1e-3:
        return Curve()
    slope = WHITE_MATTER.get(contrast, _OTHER_PEAK) / landmarks.white_matter
    return through([], [], slope=slope)


def standard_scale(training: Sequence[Landmarks]) -> tuple[float, ...]:
    """Where the landmarks of the training scans lie on average: Nyul's standard scale.

    The ends of the scale are the medians of the scans' first and last landmark; each scan's
    landmarks are mapped there linearly and averaged (Nyul, Udupa and Zhang, IEEE TMI 19,
    143-150, 2000).

    Args:
        training: landmarks of training scans of one contrast; those without a range are left out.

    Returns:
        As many values as there are `PERCENTILES`, ascending; empty if no scan has a range.
    """
    found = np.array([one.percentiles for one in training], dtype=np.float64)
    found = found[found[:, -1] - found[:, 0] > 1e-3] if found.size else found
    if not found.size:
        return ()
    low, high = np.median(found[:, 0]), np.median(found[:, -1])
    shares = (found - found[:, :1]) / (found[:, -1:] - found[:, :1])
    return tuple(float(value) for value in low + shares.mean(axis=0) * (high - low))


def nyul_curve(landmarks: Landmarks, scale: Sequence[float]) -> Curve:
    """The landmarks of a scan onto the standard scale, straight between them.

    Below the first landmark the curve leads to 0; beyond the last one it goes on with the slope
    between the two ends.
    """
    own = landmarks.percentiles
    width = own[-1] - own[0]
    if not scale or width <= 1e-3:
        return Curve()
    return through(own, scale, slope=(scale[-1] - scale[0]) / width)
