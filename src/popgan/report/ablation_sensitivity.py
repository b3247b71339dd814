"""Which values matter: importance bars, how pairs act together, slices, and what to doubt."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter

from popgan.evidence.experiments.results import Importance, Pair, Sensitivity, Value
from popgan.report.reader_tones import SMALL, WIDTH, at_left, at_right, rows_frame
from popgan.report.svg import GRID, INK, REAL, Drawing, canvas, to_svg
from popgan.report.tuning_slices import SmallDrawing, sensitivity_slices
from popgan.report.tuning_table import Cell, ResultTable, Row
from popgan.report.tuning_words import between, cut, sentence, short_names, shown, value_words
from popgan.report.words import PERCENT, percent
from popgan.wording import counted

POOR = 0.3  # R2 of the forest below which shares of variance mean little
_PRINTED = 8  # columns of a heat map up to which each cell has its number
_FOLDED = 8
_STEPS = 12  # of shade


@dataclass(frozen=True)
class SensitivityView:
    """What the template prints.

    Attributes:
        about: on what the shares rest, and how good the forest is.
        warnings: why they may mean little.
        bars: importance of each value; None without any.
        table: the same in figures; None without any.
        slices: KID over each value.
        pairs: heat maps.
    """

    about: str
    warnings: Sequence[str]
    bars: Drawing | None
    table: ResultTable | None
    slices: Sequence[SmallDrawing]
    pairs: Sequence[Drawing]


def sensitivity_view(found: Sensitivity | None, digits: int = 3) -> SensitivityView | None:
    """What the page shows; None where there was no study.

    Args:
        found: the study.
        digits: decimals of KID.
    """
    if found is None:
        return None
    return SensitivityView(
        about=_about(found),
        warnings=_warnings(found),
        bars=importance_drawing(found.importances),
        table=importance_table(found),
        slices=sensitivity_slices(found, digits),
        pairs=[pair_drawing(pair, place, digits) for place, pair in enumerate(found.pairs)],
    )


def _about(found: Sensitivity) -> str:
    gone = f"; {counted(found.failed, 'other', 'others')} without a score are not in it" \
           if found.failed else ""  # fmt: skip
    noise = (
        f" Seeds alone explain {percent(found.noise)} of the variance of KID."
        if found.noise is not None
        else " What seeds alone explain is not known."
    )
    trials = counted(found.n, "trial fills", "trials fill")
    if found.r2 is None:
        return f"{trials} the space{gone}: too few for a forest.{noise}"
    span = between(found.r2_low, found.r2_high, 2)
    return (
        f"{trials} the space{gone}. A forest was fitted to their KID; on trials it has not seen it "
        f"explains R² = {shown(found.r2, 2)} of the variance (95{PERCENT} bootstrap interval "
        f"{span or 'unknown'}).{noise}"
    )


def _warnings(found: Sensitivity) -> list[str]:
    poor = (
        f"The forest explains less than {shown(POOR, 1)} of the variance: shares of variance mean "
        "little here, and their order less."
    )
    if found.caution:
        return [sentence(found.caution)]
    return [poor] if found.r2 is not None and found.r2 < POOR else []


def importance_drawing(rows: Sequence[Importance]) -> Drawing | None:
    """Share of the forest's variance of each value, and its scatter; None without any."""
    if not rows:
        return None
    short = short_names(row.name for row in rows)
    names = [cut(short[row.name]) for row in rows]
    notes = [_share(row) for row in rows]
    figure, axes = canvas(WIDTH, 52 + 22 * len(rows))
    for place, (row, name, note) in enumerate(zip(rows, names, notes, strict=True)):
        at_left(axes, -place, name, INK, "normal")
        at_right(axes, -place, note)
        axes.barh(
            -place, row.share, height=0.62, color=REAL, alpha=0.45, edgecolor="none", zorder=2
        )
        axes.plot([row.low, row.high], [-place] * 2, color=INK, lw=1.6, zorder=3,
                  solid_capstyle="butt")  # fmt: skip
        axes.plot([row.low, row.high], [-place] * 2, "|", color=INK, ms=7, mew=1.6, zorder=3)
    axes.set_xlim(0, min(1.0, 1.06 * max(max(row.high, row.share) for row in rows)) or 1.0)
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    rows_frame(figure, axes, names, notes, below=44)
    axes.set_xlabel("share of the variance of the forest's prediction")
    axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=PERCENT))
    axes.grid(True, axis="x", color=GRID, lw=0.8)
    told = "; ".join(f"{row.name} {note}" for row, note in zip(rows, notes, strict=True))
    return Drawing(
        to_svg(
            figure,
            "ablation-importance",
            f"Share of the variance of the forest's prediction: {told}.",
        ),
        "Which values matter",
        "Bars: share of the variance of the forest's prediction that a value explains (fANOVA), "
        "which is not that of KID: a forest smooths, so weaker values come out too small. "
        f"Whiskers: scatter of the share, the middle 95{PERCENT} over resampled trials; no "
        "interval for the true share, which may lie outside. Values whose whiskers overlap have "
        "no certain order.",
    )


def _share(row: Importance) -> str:
    return f"{percent(row.share)} ({100 * row.low:.0f}, {100 * row.high:.0f})"


def importance_table(found: Sensitivity) -> ResultTable | None:
    """Shares, ranks and the second opinion in figures; None without any."""
    if not found.importances:
        return None
    rows = [
        Row(
            "",
            [
                Cell(percent(row.share), f"{100 * row.low:.0f} to {100 * row.high:.0f}{PERCENT}"),
                Cell(
                    str(row.rank_low)
                    if row.rank_low == row.rank_high
                    else f"{row.rank_low} to {row.rank_high}"
                ),
                Cell("–" if row.ped is None else percent(row.ped)),
            ],
            codes=[row.name],
        )
        for row in found.importances
    ]
    together = [
        Row(
            "",
            [Cell(percent(pair.share), "only together"), Cell("–"), Cell("–")],
            codes=[pair.first, pair.second],
        )
        for pair in found.pairs
    ]
    return ResultTable(
        "Importance of each value",
        "Share of the variance of the forest's prediction; weaker values come out too small. Below "
        f"it its scatter, the middle 95{PERCENT} over resampled trials, which does not show that "
        "bias; ranks likewise (1: most important). PED-ANOVA asks instead what tells the best "
        "quarter of the trials from all, as a share of the sum over all values. Pairs: what two "
        "values explain only together, of the same variance.",
        ["Value", "Share", "Rank", "PED-ANOVA"],
        [*rows, *together],
        folded=len(rows) + len(together) > _FOLDED,
        width="importance",
    )


def pair_drawing(pair: Pair, number: int, digits: int) -> Drawing:
    """How two values act together: predicted KID over a grid, the stronger the lower."""
    grid = np.asarray(pair.grid, dtype=np.float64)
    rows, columns = grid.shape
    figure, axes = canvas(WIDTH, min(400, 74 + 26 * rows))
    low, high, printed = float(grid.min()), float(grid.max()), columns <= _PRINTED
    best = np.unravel_index(int(grid.argmin()), grid.shape)
    nearness = 1 - (grid - low) / ((high - low) or 1.0)
    # In steps, so that cells of equal shade are drawn as one; never quite empty, and never too
    # strong for figures to stand out by day and by night.
    shades = 0.05 + (0.45 if printed else 0.9) * np.round(nearness * _STEPS) / _STEPS
    for row in range(rows):
        _shaded(axes, row, shades[row])
        for column in range(columns if printed else 0):
            axes.text(column, row, shown(float(grid[row, column]), digits), color=INK,
                      ha="center", va="center", fontsize=10)  # fmt: skip
    axes.add_patch(Rectangle((best[1] - 0.46, best[0] - 0.46), 0.92, 0.92, facecolor="none",
                             edgecolor=INK, linewidth=2.2))  # fmt: skip
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(-0.5, rows - 0.5)
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0, labelsize=SMALL)
    short = short_names([pair.first, pair.second])
    _grid_ticks(axes.xaxis, pair.second_at, 7)
    _grid_ticks(axes.yaxis, pair.first_at, 12)
    axes.set_xlabel(short[pair.second])
    axes.set_ylabel(short[pair.first])
    at = f"{pair.first} {value_words(pair.first_at[int(best[0])])} and {pair.second} " \
         f"{value_words(pair.second_at[int(best[1])])}"  # fmt: skip
    alt = (
        f"Predicted KID over {pair.first} and {pair.second}, {shown(low, digits)} to "
        f"{shown(high, digits)}; lowest at {at}."
    )
    return Drawing(
        to_svg(figure, f"ablation-pair-{number}", alt),
        f"{short[pair.first]} with {short[pair.second]}",
        f"Predicted KID, all other values averaged: {shown(low, digits)} (framed, the strongest: "
        f"{at}) to {shown(high, digits)}. The two explain {percent(pair.share)} of the variance "
        "of the forest's prediction only together.",
    )


def _shaded(axes: Axes, row: int, shades: np.ndarray) -> None:
    """A row of a heat map, neighbours of one shade in one piece."""
    starts = [0, *(np.flatnonzero(np.diff(shades)) + 1).tolist(), len(shades)]
    for start, end in itertools.pairwise(starts):
        axes.add_patch(Rectangle((start - 0.5, row - 0.5), end - start, 1, facecolor=REAL,
                                 alpha=float(shades[start]), edgecolor="none"))  # fmt: skip


def _grid_ticks(axis: Axis, values: Sequence[Value], most: int) -> None:
    """Every place has a name, or every second, third ... where they would touch."""
    step = -(-len(values) // most)
    places = range(0, len(values), step)
    axis.set_ticks(list(places), [value_words(values[place]) for place in places])
