"""Paired metrics in words: what each is called, how it is printed, what it means in one line."""

from __future__ import annotations

from dataclasses import dataclass

from popgan.evidence.paired.results import PatientMean, Region
from popgan.report.words import typeset

Cell = tuple[str, str]
"""A value, and its interval or remark."""


@dataclass(frozen=True)
class MetricWords:
    """How a metric is shown.

    Attributes:
        title: short, for the head of a column.
        unit: behind the number; "" for none.
        higher: whether more is better; None where neither end is.
        decimals: of a value.
        meaning: one line on what the number says.
    """

    title: str
    unit: str
    higher: bool | None
    decimals: int
    meaning: str


METRICS: dict[str, MetricWords] = {
    "psnr": MetricWords(
        "PSNR", "dB", True, 2,
        "the mean squared error on a logarithmic scale, against the full range of intensities: "
        "3 dB more are half the squared error.",
    ),
    "ssim": MetricWords(
        "SSIM", "", True, 3,
        "likeness of brightness, contrast and structure in small windows: 1 is identical.",
    ),
    "ms_ssim": MetricWords(
        "MS-SSIM", "", True, 3,
        "the same at five sizes of window, so that coarse structure counts as well as fine: 1 is "
        "identical.",
    ),
    "mae": MetricWords(
        "MAE", "", False, 3,
        "mean distance of an intensity from the true one; 0.01 is one hundredth of the range.",
    ),
    "nrmse": MetricWords(
        "NRMSE", "", False, 3,
        "root of the mean squared error, as a share of the root mean square of the true image.",
    ),
    "mse": MetricWords(
        "MSE", "", False, 4,
        "mean squared distance from the true intensity: a few large errors weigh more than many "
        "small ones.",
    ),
    "roughness": MetricWords(
        "Roughness", "", None, 3,
        "steps from slice to slice as a multiple of the truth's: above 1 slices jump, below 1 "
        "they are smoothed.",
    ),
    "sharpness": MetricWords(
        "Sharpness", "", None, 3,
        "steps from pixel to pixel within slices as a multiple of the truth's: below 1 is blurred, "
        "or has less noise.",
    ),
}  # fmt: skip
REGIONS: dict[Region, str] = {
    "brain": "in the brain",
    "field": "whole field",
    "lesion": "in lesions",
    "outside lesion": "outside lesions",
}


def signed(value: float, decimals: int) -> str:
    """A difference with its sign: "+1.92"."""
    return f"{value:+.{decimals}f}".replace("-", "\u2212")


def plain_number(value: float, decimals: int) -> str:
    """A value with so many decimals."""
    return f"{value:.{decimals}f}".replace("-", "\u2212")


def value_and_interval(value: PatientMean | None, decimals: int, *, sign: bool = False) -> Cell:
    """The mean and its interval, "–" where nothing was measured."""
    if value is None or not value.n:
        return "–", ""
    show = signed if sign else plain_number
    if value.low is None or value.high is None:
        return show(value.mean, decimals), ""
    return (
        show(value.mean, decimals),
        f"({show(value.low, decimals)} to {show(value.high, decimals)})",
    )


def p_words(p: float | None) -> str:
    """ "p < 0.001", "p = 0.03"; "" where there is none."""
    if p is None:
        return ""
    return "p < 0.001" if p < 0.001 else f"p = {p:.{3 if p < 0.1 else 2}f}"


def sentence(text: str) -> str:
    """A sentence of the evidence in the page's spelling, from its capital to its full stop."""
    text = typeset(text.strip())
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
