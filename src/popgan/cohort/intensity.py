"""One normalisation of grey values for each contrast of a cohort, learnt on its training scans.

The first pass leaves every scan within its own robust range, with its landmarks. What is left to
decide is whether the scans differ so much from one another that they are brought to a common
scale; a split must not leak, so only the training subjects are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from popgan.preparation.curve import Curve
from popgan.preparation.landmarks import PERCENTILES, Landmarks
from popgan.preparation.normalise import (
    WHITE_MATTER,
    WINDOW,
    Method,
    nyul_curve,
    peak_curve,
    standard_scale,
    zscore_curve,
)
from popgan.preparation.steps import Step
from popgan.preparation.visit import Prepared, ScanFacts

SPREAD = 4.0
"""Percent of the landmarks' range: up to this, scans are left within their own robust ranges.
Measured (docs/intensity.md): brains of one scanner 2.9, where a standard scale takes from grey
matter what it gives to white matter; all others 4.1 to 17, where both become more alike."""
FEWEST = 8
"""Training scans of a contrast from which their spread can be measured."""
_DIGITS = 6


@dataclass(frozen=True)
class Normalisation:
    """What was decided for one contrast.

    Attributes:
        contrast: of the scans.
        method: see `popgan.preparation.normalise`.
        source: "fixed" by the user or by "rule".
        reason: why, with its numbers.
        training_scans: how many landmarks were looked at.
        spread: between those scans, percent of their range; None with fewer than two.
        scale: Nyul's standard scale; empty with other methods.
    """

    contrast: str
    method: Method
    source: Literal["fixed", "rule"]
    reason: str
    training_scans: int
    spread: float | None
    scale: tuple[float, ...] = ()

    def curve(self, landmarks: Landmarks | None) -> Curve:
        """The map of one scan; nothing changes where it has no landmarks."""
        if landmarks is None or self.method == "percentile":
            return Curve()
        if self.method == "zscore":
            return zscore_curve(landmarks)
        if self.method == "wm-peak":
            return peak_curve(landmarks, self.contrast)
        return nyul_curve(landmarks, self.scale)

    def step(self, fact: ScanFacts) -> Step:
        """The record of one scan."""
        curve = self.curve(fact.landmarks)
        figures = {"offset": fact.intensity.offset, "scale": fact.intensity.scale}
        if fact.landmarks is not None:
            before = np.array(
                [fact.landmarks.white_matter, fact.landmarks.percentiles[5]], np.float32
            )
            after = curve.apply(before)
            figures |= {
                "white_matter_peak_before": float(before[0]),
                "white_matter_peak": float(after[0]),
                "tissue_median_before": float(before[1]),
                "tissue_median": float(after[1]),
            }
        rounded = {name: round(value, _DIGITS) for name, value in figures.items()}
        if curve.points or self.method == "percentile":
            return Step("intensity", self.method, self.source, self.reason, rounded)
        reason = f"the grey values of this scan are too few for {self.method}"
        return Step("intensity", "percentile", "rule", reason, rounded)

    def record(self) -> dict[str, Any]:
        """For dataset/preparation.json: what the method needs to be applied to another scan."""
        settings: dict[str, Any] = {}
        if self.method == "nyul":
            settings["percentiles"] = list(PERCENTILES)
            settings["standard_scale"] = [round(value, _DIGITS) for value in self.scale]
        elif self.method == "zscore":
            settings["window_sd"] = list(WINDOW)
        elif self.method == "wm-peak":
            settings["white_matter"] = WHITE_MATTER.get(self.contrast)
        return {
            "contrast": self.contrast,
            "choice": self.method,
            "source": self.source,
            "reason": self.reason,
            "training_scans": self.training_scans,
            "spread_percent": self.spread,
            **settings,
        }


def decide(
    contrast: str, asked: Literal["auto"] | Method, training: Sequence[Landmarks | None]
) -> Normalisation:
    """Choose the normalisation of one contrast.

    Args:
        contrast: of the scans.
        asked: a method, or "auto" for the rule.
        training: landmarks of the training subjects' scans of that contrast.
    """
    known = [one for one in training if one is not None]
    differ = landmark_spread(known)
    method, reason = (
        (asked, "asked for") if asked != "auto" else _rule(contrast, len(known), differ)
    )
    return Normalisation(
        contrast=contrast,
        method=method,
        source="rule" if asked == "auto" else "fixed",
        reason=reason,
        training_scans=len(known),
        spread=None if differ is None else round(differ, 2),
        scale=standard_scale(known) if method == "nyul" else (),
    )


def decide_all(
    contrasts: Sequence[str], asked: Literal["auto"] | Method, training: Sequence[Prepared]
) -> list[Normalisation]:
    """One normalisation a contrast.

    Args:
        contrasts: of the cohort, in the order of its channels.
        asked: see `decide`.
        training: visits of the training subjects.
    """
    return [
        decide(contrast, asked, [visit.facts[channel].landmarks for visit in training])
        for channel, contrast in enumerate(contrasts)
    ]


def normalise(
    planes: NDArray[np.float32], prepared: Prepared, normalisations: Sequence[Normalisation]
) -> NDArray[np.float32]:
    """A visit's slices (n x C x X x Y) with the normalisation of each contrast, in place."""
    for channel, (one, fact) in enumerate(zip(normalisations, prepared.facts, strict=True)):
        planes[:, channel] = one.curve(fact.landmarks).apply(planes[:, channel])
    return planes


def _rule(contrast: str, scans: int, differ: float | None) -> tuple[Method, str]:
    if scans < FEWEST or differ is None:
        return "percentile", (
            f"fewer than {FEWEST} training scans of {contrast}: their spread is not known, so each "
            "keeps its own robust range"
        )
    measured = (
        f"after robust scaling the tissue of {scans} training scans of {contrast} differs by "
        f"{differ:.1f} % of its range"
    )
    if differ > SPREAD:
        return "nyul", f"{measured}, more than {SPREAD:g} %: brought to their standard scale"
    return "percentile", f"{measured}, not more than {SPREAD:g} %: scans of one kind"


def landmark_spread(found: Sequence[Landmarks]) -> float | None:
    """How much the landmarks differ between scans, percent of their mean range.

    The root mean square over the landmarks of their standard deviation between scans; None with
    fewer than two scans or where none has a range.
    """
    if len(found) < 2:
        return None
    values = np.array([one.percentiles for one in found], dtype=np.float64)
    width = float((values[:, -1] - values[:, 0]).mean())
    if not width > 1e-6:
        return None
    return 100 * float(np.sqrt(values.var(axis=0, ddof=1).mean())) / width
