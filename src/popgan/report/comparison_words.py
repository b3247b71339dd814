"""Numbers of a comparison as its tables print them: fixed decimals, intervals, their n."""

from __future__ import annotations

from popgan.evidence.compare.results import Budget, Comparison
from popgan.evidence.readers.results import Measure, Test
from popgan.report.audit_words import p_value
from popgan.report.measurements import identity_line
from popgan.report.words import duration, number, typeset

Cell = tuple[str, str]
"""A value, and the remark below it."""

TITLES = {"kid": "KID", "clipped_coverage": "Clipped coverage"}
HOW_PAIRS = {
    "kid": "KID of the first less that of the second. Left of the dotted line the first is nearer "
    "to real images.",
    "clipped_coverage": "Clipped coverage of the first less that of the second. Right of the "
    "dotted line the first covers more kinds of real image.",
}


def frechet_title(result: Comparison) -> str:
    """What the comparison itself calls its Frechet distances: FID with one network alone."""
    return typeset(result.frechet_title)


def frechet_basis(result: Comparison) -> str:
    """The network behind that name, and how many images: without either it says nothing."""
    network = result.basis or identity_line(result.backbone)
    return f"{frechet_title(result)}: {network}; {number(result.matched)} images a side."


def valued(measure: Measure | None, decimals: int = 3, *, sign: bool = False) -> Cell:
    """("0.371", "0.322 to 0.419"); a dash with the reason where there is no number."""
    if measure is None:
        return "–", ""
    if measure.value is None:
        return "–", measure.reason or ""
    mark = "+" if sign else ""

    def shown(value: float) -> str:
        return f"{value:{mark}.{decimals}f}".replace("-", "\u2212")

    if measure.low is None or measure.high is None:
        return shown(measure.value), "no interval"
    return shown(measure.value), f"{shown(measure.low)} to {shown(measure.high)}"


def tested(test: Test | None) -> str:
    """A p-value, or a dash."""
    return "–" if test is None or test.p is None else p_value(test.p)


def corrected(test: Test) -> str:
    """A p-value after Holm, or a dash."""
    return "–" if test.p_holm is None else p_value(test.p_holm)


def budget_cells(budget: Budget) -> list[Cell]:
    """Images shown, time and parameters."""
    time = "–" if budget.seconds is None else duration(budget.seconds)
    asked = f"asked for {budget.asked}" if budget.asked else ""
    threads = f"{budget.threads} threads" if budget.threads != 1 else "1 thread"
    return [
        (number(budget.images), asked),
        (time, threads),
        (number(budget.parameters), ""),
    ]
