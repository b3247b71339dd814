"""What the figures of a reader study share: colours, and rows with names beside the axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from popgan.report.svg import INK, MUTED, PAPER, REAL, SYNTHETIC, THIRD

Tone = Literal["real", "synthetic", "third", "ink", "muted"]
TONES: dict[str, str] = {
    "real": REAL,
    "synthetic": SYNTHETIC,
    "third": THIRD,
    "ink": INK,
    "muted": MUTED,
}
MARKERS: dict[str, str] = {"real": "o", "synthetic": "D", "third": "s", "ink": "D", "muted": "o"}
WIDTH = 390
_LETTER = 6.0  # mean width of a letter at 11 points, CSS pixels
SMALL = 11


def at_left(
    axes: Axes, place: float, text: str, colour: str, weight: str, indent: float = 0
) -> None:
    """A name flush at the figure's left edge, at the height of its row."""
    axes.annotate(
        text, (0, place), xycoords=("figure fraction", "data"), xytext=(indent, 0),
        textcoords="offset points", ha="left", va="center", fontsize=SMALL, color=colour,
        fontweight=weight, annotation_clip=False, zorder=6,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.2} if weight == "bold" else None,
    )  # fmt: skip


def at_right(axes: Axes, place: float, text: str) -> None:
    """A note flush at the figure's right edge, at the height of its row."""
    axes.annotate(
        text, (1, place), xycoords=("figure fraction", "data"), xytext=(0, 0),
        textcoords="offset points", ha="right", va="center", fontsize=SMALL, color=INK,
        annotation_clip=False,
    )  # fmt: skip


def rows_frame(
    figure: Figure, axes: Axes, names: Sequence[str], notes: Sequence[str], below: float
) -> None:
    """Room for the names at the left, the notes at the right and `below` pixels at the foot."""
    height = float(figure.get_figheight()) * 72
    left = _LETTER * max(map(len, names), default=0) + 18
    right = _LETTER * max(map(len, notes), default=0) + 10
    start, end = min(left / WIDTH, 0.45), max(1 - right / WIDTH, 0.6)
    # Placed by hand: names stand flush at the figure's edge, whatever their length.
    axes.set_position((start, below / height, end - start, 1 - (below + 2) / height))
    axes.grid(False)
    axes.yaxis.set_visible(False)
    axes.spines["left"].set_visible(False)
