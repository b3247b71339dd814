"""Masks as the pages show them: pictures, and a table of synthetic against real."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.masks import MaskMeasure, StepMeasure
from popgan.evidence.statistics import Estimate
from popgan.report.content import MaskContent
from popgan.report.pixels import data_uri
from popgan.report.words import PERCENT, number, typeset

_MOST = 24  # pictures


@dataclass(frozen=True)
class MaskRow:
    """One label in the table; each cell has a value and a line on where it comes from."""

    name: str
    colour: str
    share: tuple[str, str]
    share_real: tuple[str, str]
    area: tuple[str, str]
    area_real: tuple[str, str]
    steps: list[StepRow]


@dataclass(frozen=True)
class StepRow:
    """The step in brightness at the rim of a label in one contrast."""

    contrast: str
    synthetic: str
    real: str
    swapped: str
    follows: str


@dataclass(frozen=True)
class MaskView:
    """The section of a page about masks."""

    kind: str
    legend: list[tuple[str, str]]
    pictures: list[str]
    rows: list[MaskRow]
    basis: str
    warnings: list[str]
    unmapped: str


def mask_view(content: MaskContent | None) -> MaskView | None:
    """What the page shows; None for a model without masks."""
    if content is None:
        return None
    measured, rows, basis = content.measured, [], ""
    if measured is not None:
        colours = [colour for _, colour in content.legend]
        rows = [_row(m, colour) for m, colour in zip(measured.labels, colours, strict=True)]
        basis = (
            f"{number(measured.n_synthetic)} synthetic images; {number(measured.n_real)} held-out "
            f"real ones of {number(measured.n_subjects)} subjects"
        )
    return MaskView(
        kind=content.kind,
        legend=list(content.legend),
        pictures=pictures(content.overlays),
        rows=rows,
        basis=basis,
        warnings=[typeset(text) for text in measured.warnings] if measured else [],
        unmapped=number(content.unmapped) if content.unmapped else "",
    )


def pictures(overlays: NDArray[np.uint8] | None) -> list[str]:
    """Coloured pictures n x h x w x 3 as data URIs, no more than a page can hold."""
    return [data_uri(picture) for picture in overlays[:_MOST]] if overlays is not None else []


def _row(label: MaskMeasure, colour: str) -> MaskRow:
    return MaskRow(
        name=label.name,
        colour=colour,
        share=_cell(label.share_synthetic),
        share_real=_cell(label.share_real),
        area=_cell(label.area_synthetic),
        area_real=_cell(label.area_real),
        steps=[_step(step) for step in label.steps],
    )


def _step(step: StepMeasure) -> StepRow:
    return StepRow(
        contrast=step.contrast,
        synthetic=" ".join(_cell(step.synthetic)[:2]),
        real=" ".join(_cell(step.real)[:2]),
        swapped="–" if step.swapped is None else _percent(step.swapped),
        follows="" if step.follows is None else _percent(step.follows, digits=0),
    )


def _cell(found: Estimate | None) -> tuple[str, str]:
    """The value, and its interval and number of images."""
    if found is None:
        return "–", "no image shows it"
    count = f"n = {number(found.n_real or found.n_synthetic)}"
    if found.low is None or found.high is None:
        return _percent(found.value), f"(no interval; {count})"
    return _percent(found.value), f"({_percent(found.low)} to {_percent(found.high)}; {count})"


def _percent(share: float, digits: int = 1) -> str:
    """A share as a percentage; small ones with more digits, because lesions are small."""
    places = digits + 1 if digits and 0 < abs(share) < 0.01 else digits
    return f"{100 * share:.{places}f}{PERCENT}".replace("-", "\u2212", 1)
