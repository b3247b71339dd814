"""ROC curves of readers, from their confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.ticker import MultipleLocator, PercentFormatter

from popgan.report.reader_tones import SMALL, WIDTH
from popgan.report.svg import GRID, INK, MUTED, PAPER, SYNTHETIC, canvas, to_svg
from popgan.report.words import PERCENT


@dataclass(frozen=True)
class Roc:
    """An ROC curve: points from (0, 0) to (1, 1)."""

    name: str
    false_positive: Sequence[float]
    true_positive: Sequence[float]
    pooled: bool = False


def roc_curves(curves: Sequence[Roc], name: str, alt: str) -> Markup:
    """ROC curves of readers, thin, and of all together, thick."""
    figure, axes = canvas(WIDTH, 370)
    axes.plot([0, 1], [0, 1], color=MUTED, lw=1, linestyle=(0, (2, 3)), zorder=1)
    for curve in curves:
        axes.plot(
            curve.false_positive,
            curve.true_positive,
            color=SYNTHETIC if curve.pooled else MUTED,
            lw=2.6 if curve.pooled else 1.1,
            marker="D" if curve.pooled else "o",
            ms=6 if curve.pooled else 3.2,
            mec=PAPER,
            mew=0.7,
            zorder=4 if curve.pooled else 2,
            clip_on=False,
        )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_xlabel("real images called synthetic")
    axes.set_ylabel("synthetic images called synthetic")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MultipleLocator(0.25))
        axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=PERCENT))
    axes.grid(True, axis="both", color=GRID, lw=0.8)
    handles = [
        axes.plot([], [], color=SYNTHETIC, lw=2.6, marker="D", ms=6, mec=PAPER)[0],
        axes.plot([], [], color=MUTED, lw=1.1, marker="o", ms=3.2, mec=PAPER)[0],
        axes.plot([], [], color=MUTED, lw=1, linestyle=(0, (2, 3)))[0],
    ]
    axes.legend(
        handles,
        ["all readers", "one reader each", "guessing"],
        loc="lower right",
        fontsize=SMALL,
        frameon=False,
        labelcolor=INK,
        handlelength=2.2,
    )
    return to_svg(figure, name, alt)
