"""One sentence and one level out of a result, by thresholds that are written here and nowhere else.

The kernel distance decides, because it alone is unbiased at the sizes of medical cohorts. Its
place on the way from real-against-real (0) to the mean image (1), a generator that collapsed to
one blurred head, is

    position = (KID - floor) / (KID of the mean image - floor)

    close to real    position <= 0.05, and the upper end of the interval <= 0.15
    in between       position <= 0.50
    poor             otherwise
    not measurable   the mean image is not clearly worse than the floor (its KID is inside the
                     floor's interval), or the interval reaches from "close" into "poor"

For orientation, measured on whole-head T1w slices at 64 x 64: real slices blurred by 0.8 pixels
stand at 0.07, blurred by 1.5 pixels at 0.37. The level speaks of likeness only: copies of the
training images are "close to real", hence the added caution where images keep to training subjects.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from popgan.evidence.fidelity.results import FidelityResult

Level = Literal["close to real", "in between", "poor", "not measurable"]

CLOSE, CLOSE_HIGH, POOR = 0.05, 0.15, 0.5


class Verdict(BaseModel):
    """A level and why, in one paragraph of plain words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: Level
    sentence: str


def verdict(result: FidelityResult) -> Verdict:
    """Judge a result by its kernel distance; see the top of this file for the thresholds."""
    metric = result.metric("kid")
    value, floor, mean_image = metric.value, metric.floor or 0.0, metric.ceilings["mean image"]
    low, high = _ends(value.value, value.low, value.high)
    way = mean_image - floor
    numbers = f"KID {_short(value.value)} (95 % CI {_short(low)} to {_short(high)})"
    scale = f"real against real {_short(floor)} and the mean image {_short(mean_image)}"
    level: Level
    if mean_image <= _ends(floor, metric.floor_low, metric.floor_high)[1]:
        level = "not measurable"
        text = (
            f"{numbers} cannot be judged: {scale} do not differ clearly, so this cohort is too "
            "small or too uniform to tell good images from bad ones."
        )
    elif low <= floor + CLOSE * way and high > floor + POOR * way:
        level = "not measurable"
        text = (
            f"{numbers} cannot be judged: the interval reaches from close to poor on the way "
            f"between {scale}; more held-out subjects are needed."
        )
    else:
        position = (value.value - floor) / way
        level = _level(position, (high - floor) / way)
        meaning = _MEANING[level] if position <= 1 else _BEYOND
        text = f"{numbers} {_place(position, scale)}: {meaning}"
        if level == "close to real" and low > _ends(floor, metric.floor_low, metric.floor_high)[1]:
            text += " The remaining difference is small but real, not chance."
    return Verdict(level=level, sentence=text + _caution(result))


_MEANING: dict[Level, str] = {
    "close to real": "by this measure the set is close to held-out real images.",
    "in between": "the images resemble real ones, but the set as a whole is told from them.",
    "poor": "by this measure the set is nearer to one average head, shown over and over, than to "
    "real images.",
}
_BEYOND = "the set is further from real images than one average head, shown over and over."


def _level(position: float, upper: float) -> Level:
    if position <= CLOSE and upper <= CLOSE_HIGH:
        return "close to real"
    return "in between" if position <= POOR else "poor"


def _place(position: float, scale: str) -> str:
    if position > 1:
        return f"lies beyond the far end of the way between {scale}"
    if position < 0:
        return f"lies at or before the near end of the way between {scale}"
    return f"lies {position:.0%} of the way between {scale}"


def _short(number: float) -> str:
    return f"{number:.3f}" if abs(number) < 0.1 else f"{number:.2f}"


def _ends(value: float, low: float | None, high: float | None) -> tuple[float, float]:
    return (value if low is None else low), (value if high is None else high)


def _caution(result: FidelityResult) -> str:
    """A warning where likeness may come from copying or hide a lack of variety."""
    ratio, pairs = result.metric("nearest_ratio").value, result.metric("ms_ssim")
    text = ""
    if ratio.high is not None and ratio.high < 1:
        text += (
            f" But the images keep nearer to training than to held-out subjects (ratio "
            f"{ratio.value:.2f}): look for copies before believing any of this."
        )
    low, real_high = pairs.value.low, pairs.floor_high
    if low is not None and real_high is not None and low > real_high:
        text += (
            f" They are more alike (MS-SSIM {pairs.value.value:.2f}) than real subjects are "
            f"({pairs.floor:.2f}): variety or fine detail is missing."
        )
    return text
