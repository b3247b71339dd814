"""What was done to a scan before its slices were taken, and why: the record of each step.

A step is decided for each scan, because a cohort is a mixture: one scan is stripped of its skull
already, another is a single picture. The record says what was decided, by whom and for which
reason, and what was measured; the picture shows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

StepName = Literal["orientation", "bias field", "brain", "registration", "space", "intensity"]


@dataclass(frozen=True)
class Step:
    """One step of preparation, done or left out.

    Attributes:
        name: which step.
        choice: what was chosen, in a word or two: "n4", "deepbet", "none".
        source: "fixed" by popgan or the user, or by a "rule" from what was measured.
        reason: why, in words, with its numbers; no path and no name in it.
        figures: what was measured, units in the name: {"rotation_deg": 1.2}.
    """

    name: StepName
    choice: str
    source: Literal["fixed", "rule"]
    reason: str
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class StepPicture:
    """A small picture of a scan after a step, for quality control.

    Attributes:
        contrast: of the scan.
        title: a few words: "as scanned", "bias field", "brain".
        pixels: uint8 H x W, upright (row 0 is the front of the head).
    """

    contrast: str
    title: str
    pixels: NDArray[np.uint8]
