"""How often each score was given: stacked bars around the middle of the scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from popgan.report.reader_tones import SMALL, TONES, WIDTH, Tone, at_left, at_right, rows_frame
from popgan.report.svg import INK, MUTED, PAPER, canvas, to_svg

_SHADES = (0.10, 0.25, 0.42, 0.68, 1.0)  # of the scores 1 .. 5


@dataclass(frozen=True)
class ScoreBar:
    """How often each score was given.

    Attributes:
        name: whose images, such as "real".
        shares: of the scores 1 .. 5; they sum to 1.
        note: what stands at the right end, such as the mean.
        tone: colour of the bar.
    """

    name: str
    shares: Sequence[float]
    note: str
    tone: Tone


def score_bars(groups: Sequence[tuple[str, Sequence[ScoreBar]]], name: str, alt: str) -> Markup:
    """Stacked bars of scores, centred on the middle of score 3, in groups with a heading."""
    count = sum(len(bars) for _, bars in groups)
    figure, axes = canvas(WIDTH, 40 + 20 * count + 20 * len(groups))
    place, left = 0.0, 0.0
    names = [bar.name for _, bars in groups for bar in bars]
    for title, bars in groups:
        place -= 1.0
        at_left(axes, place, title, INK, "bold")
        for bar in bars:
            place -= 1.0
            left = min(left, _score_bar(axes, bar, place))
    axes.set_ylim(place - 0.7, -0.3)
    right = max(sum(b.shares[3:]) + b.shares[2] / 2 for _, bars in groups for b in bars)
    axes.set_xlim(left - 0.02, right + 0.02)
    axes.axvline(0, color=MUTED, linewidth=1, linestyle=(0, (2, 3)), zorder=0)
    notes = [bar.note for _, bars in groups for bar in bars]
    rows_frame(figure, axes, names, notes, below=30)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    handles = [Patch(facecolor=MUTED, alpha=shade) for shade in _SHADES]
    words = ["1 worst", "2", "3", "4", "5 best"]
    figure.legend(
        handles,
        words,
        loc="lower center",
        ncols=5,
        frameon=False,
        fontsize=SMALL,
        labelcolor=INK,
        handlelength=1.1,
        handletextpad=0.4,
        columnspacing=1.1,
    )
    return to_svg(figure, name, alt)


def _score_bar(axes: Axes, bar: ScoreBar, place: float) -> float:
    """Draw one bar; its left end."""
    start = -(bar.shares[0] + bar.shares[1] + bar.shares[2] / 2)
    at_left(axes, place, bar.name, TONES[bar.tone], "normal", indent=8)
    at_right(axes, place, bar.note)
    # Nothing shines through the lighter shades.
    axes.barh(place, sum(bar.shares), left=start, height=0.74, color=PAPER, zorder=1)
    left = start
    for share, shade in zip(bar.shares, _SHADES, strict=True):
        axes.barh(
            place,
            share,
            left=left,
            height=0.74,
            color=TONES[bar.tone],
            alpha=shade,
            edgecolor="none",
            zorder=2,
        )
        axes.plot([left + share] * 2, [place - 0.37, place + 0.37], color=PAPER, lw=1, zorder=3)
        if share >= 0.085:
            axes.text(
                left + share / 2,
                place - 0.02,
                f"{100 * share:.0f}",
                ha="center",
                va="center",
                fontsize=10,
                color=PAPER if shade > 0.6 else INK,
                zorder=4,
            )
        left += share
    return start
