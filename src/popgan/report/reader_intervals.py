"""Values with their intervals, one a row: the forest plots of a reader study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from popgan.report.reader_tones import (
    MARKERS,
    SMALL,
    TONES,
    WIDTH,
    Tone,
    at_left,
    at_right,
    rows_frame,
)
from popgan.report.svg import BAND, GRID, INK, MUTED, PAPER, canvas, to_svg
from popgan.report.words import PERCENT, plain


@dataclass(frozen=True)
class IntervalRow:
    """A value with its interval in a row of its own; no value = a heading.

    Attributes:
        name: at the left.
        value, low, high: what is drawn; None where it could not be computed.
        note: at the right, such as the numbers in words.
        tone: colour and shape of the mark.
        heading: whether it is one: a name in bold, and nothing else.
        named: whether the name has the colour of the mark.
        beside: an interval that this one is compared with, drawn as a wide bar behind it.
    """

    name: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""
    tone: Tone = "ink"
    heading: bool = False
    named: bool = True
    beside: tuple[float, float] | None = None


@dataclass(frozen=True)
class Scale:
    """The axis of a figure of intervals.

    Attributes:
        title: below the axis.
        low, high: ends of the axis; None = from the data.
        reference: where a dotted line stands, and its name.
        band: shaded from .. to.
        limit: where a solid line stands, and what is written above it.
        ticks: the most intervals between figures on the axis.
        share: whether values are shares, shown in percent.
    """

    title: str
    low: float | None = None
    high: float | None = None
    reference: float | None = None
    band: tuple[float, float] | None = None
    share: bool = False
    limit: tuple[float, str] | None = None
    ticks: int = 5


def intervals(rows: Sequence[IntervalRow], scale: Scale, name: str, alt: str) -> Markup:
    """Values with their intervals, one a row, from the top."""
    headings = sum(row.heading for row in rows)
    # A heading of its own for the limit: a line without its name says nothing.
    figure, axes = canvas(WIDTH, 52 + 20 * (len(rows) + (scale.limit is not None)))
    place = -1.0 if scale.limit else 0.0
    low, high = _ends(rows, scale)
    axes.set_xlim(low, high)
    for row in rows:
        place -= 1.0
        if row.heading:
            at_left(axes, place, row.name, INK, "bold")
            continue
        indent = 8 if headings else 0
        at_left(
            axes, place, row.name, TONES[row.tone if row.named else "ink"], "normal", indent=indent
        )
        at_right(axes, place, row.note)
        _interval(axes, row, place, (low, high))
    axes.set_ylim(place - 0.7, -0.3)
    if scale.band:
        axes.axvspan(*scale.band, color=BAND, zorder=0, lw=0)
    if scale.limit:
        _limit(axes, scale.limit, (low, high))
    if scale.reference is not None:
        axes.axvline(scale.reference, color=MUTED, lw=1, linestyle=(0, (2, 3)), zorder=1)
    shown = [row for row in rows if not row.heading]
    rows_frame(figure, axes, [row.name for row in shown], [row.note for row in shown], below=44)
    axes.set_xlabel(scale.title)
    axes.xaxis.set_major_locator(MaxNLocator(scale.ticks, steps=[1, 2, 5, 10]))
    if scale.share:
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=PERCENT))
    else:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(round(value, 6))))
    axes.grid(True, axis="x", color=GRID, lw=0.8)
    return to_svg(figure, name, alt)


def _interval(axes: Axes, row: IntervalRow, place: float, ends: tuple[float, float]) -> None:
    """Mark and whiskers; an arrow where the interval goes beyond the axis."""
    colour = TONES[row.tone]
    if row.beside is not None:
        left, right = max(row.beside[0], ends[0]), min(row.beside[1], ends[1])
        axes.plot(
            [left, right], [place, place], color=MUTED, alpha=0.32, lw=10, zorder=1,
            solid_capstyle="butt",
        )  # fmt: skip
    if row.value is None:
        return
    if row.low is not None and row.high is not None:
        start, end = max(row.low, ends[0]), min(row.high, ends[1])
        axes.plot([start, end], [place, place], color=colour, lw=2, zorder=3, solid_capstyle="butt")
        for edge, shown, mark in ((row.low, start, 8), (row.high, end, 9)):
            marker: int | str = "|" if edge == shown else (4 if mark == 8 else 5)
            axes.plot([shown], [place], marker=marker, color=colour, ms=7, mew=1.6, zorder=3)
    axes.plot(
        [row.value],
        [place],
        marker=MARKERS[row.tone],
        color=colour,
        markersize=7,
        mec=PAPER,
        mew=0.9,
        zorder=4,
        linestyle="none",
    )


def _limit(axes: Axes, limit: tuple[float, str], ends: tuple[float, float]) -> None:
    """A line at the limit, named in the row above all others."""
    axes.axvline(limit[0], ymax=1.0, color=INK, lw=1.3, zorder=2)
    right = limit[0] > (ends[0] + ends[1]) / 2
    axes.annotate(
        limit[1], (limit[0], -1.0), xytext=(-4 if right else 4, 0), textcoords="offset points",
        ha="right" if right else "left", va="center", fontsize=SMALL, color=INK,
        annotation_clip=False, zorder=5,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.0},
    )  # fmt: skip


def _ends(rows: Sequence[IntervalRow], scale: Scale) -> tuple[float, float]:
    numbers = [n for row in rows for n in (row.value, row.low, row.high) if n is not None]
    if scale.reference is not None:
        numbers.append(scale.reference)
    if scale.limit is not None:
        numbers.append(scale.limit[0])
    numbers += [end for row in rows for end in row.beside or ()]
    numbers += list(scale.band or ())
    low, high = min(numbers, default=0.0), max(numbers, default=1.0)
    margin = 0.06 * (high - low) or 0.1
    return (
        low - margin if scale.low is None else scale.low,
        high + margin if scale.high is None else scale.high,
    )
