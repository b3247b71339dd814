"""The scale of one metric: where the synthetic set stands between real images and junk."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from popgan.evidence.fidelity.results import Metric
from popgan.report.svg import (
    GRID,
    INK,
    MUTED,
    PAPER,
    REAL,
    SYNTHETIC,
    Drawing,
    canvas,
    to_svg,
)
from popgan.report.words import plain, score, typeset

_WIDTH, _HEIGHT, _UNIT_HEIGHT = 390, 112, 16
_LETTER, _GAP = 7.2, 8  # width of a letter and least gap between two labels, CSS pixels
_REACH = 0.6  # a ceiling this share of the core's length beyond it is still drawn to scale


def metric_scale(metric: Metric) -> Drawing:
    """Where a metric's value stands between real against real (floor) and useless generators."""
    figure, axes = canvas(_WIDTH, _HEIGHT + (_UNIT_HEIGHT if metric.unit else 0))
    axes.set_ylim(-2.1, 1.5)
    axes.grid(False)
    axes.yaxis.set_visible(False)
    axes.spines["left"].set_visible(False)
    value, low, high = metric.value.value, metric.value.low, metric.value.high
    axes.set_xlim(*_range(metric))
    axes.axhline(0, color=GRID, linewidth=5, solid_capstyle="round", zorder=1)
    _interval(axes, metric.floor_low, metric.floor_high, REAL)
    _interval(axes, low, high, SYNTHETIC)
    marks = _references(axes, metric)
    axes.plot([value], [0], "D", color=SYNTHETIC, markersize=8.5, mec=PAPER, zorder=4)
    _say(axes, value, 1.1, f"synthetic {score(value)}", INK, "bold")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(float(value))))
    if metric.unit:
        axes.set_xlabel(metric.unit)
    title = typeset(metric.title)
    alt = f"{title}: synthetic {score(value)}; {'; '.join(marks) or 'no reference'}"
    return Drawing(to_svg(figure, f"scale-{_slug(metric.name)}", alt), title, "")


def _interval(axes: Axes, low: float | None, high: float | None, colour: str) -> None:
    if low is not None and high is not None:
        axes.plot([low, high], [0, 0], color=colour, linewidth=5, zorder=2, solid_capstyle="butt")


def _range(metric: Metric) -> tuple[float, float]:
    """Ends of the scale: all that is measured and the mean image; a farther ceiling only if near.

    Noise is often so far off that it would squeeze everything else into a corner.
    """
    value = metric.value
    ends = (value.low, value.high, metric.floor, metric.floor_low, metric.floor_high)
    core = [value.value, *(end for end in ends if end is not None)]
    ceilings = sorted(metric.ceilings.values(), key=lambda ceiling: abs(ceiling - value.value))
    core.append(metric.ceilings.get("mean image", ceilings[0] if ceilings else value.value))
    low, high = min(core), max(core)
    reach = _REACH * (high - low)
    points = core + [point for point in ceilings if low - reach <= point <= high + reach]
    low, high = min(points), max(points)
    margin = 0.06 * (high - low) or 0.5 * abs(high) or 1.0
    return low - margin, high + margin


def _references(axes: Axes, metric: Metric) -> list[str]:
    """Floor and ceilings on the scale, named below it where there is room; all in words."""
    # The mean image is what the words beside the scale refer to: it is named before the others.
    references = sorted(metric.ceilings.items(), key=lambda item: item[0] != "mean image")
    if metric.floor is not None:
        axes.plot([metric.floor], [0], "o", color=REAL, markersize=9, mec=PAPER, zorder=3)
        references.insert(0, ("real", metric.floor))
    start, end = axes.get_xlim()
    taken: list[tuple[float, float]] = []
    for name, value in references:
        if not start <= value <= end:
            _off_scale(axes, name, value, metric.value.value)
            continue
        if name != "real":
            axes.plot([value], [0], "|", color=MUTED, markersize=12, mew=2.4, zorder=3)
        width = (_LETTER * len(name) + _GAP) / _WIDTH * (end - start)
        left = min(max(value - width / 2, start), end - width)
        if all(left > stop or left + width < first for first, stop in taken):
            taken.append((left, left + width))
            _say(axes, value, -1.05, name, REAL if name == "real" else MUTED, "normal")
    return [f"{name} {score(value)}" for name, value in references]


def _off_scale(axes: Axes, name: str, value: float, shown: float) -> None:
    """An arrow to a ceiling beyond the scale, unless the name of the value itself is there."""
    start, end = axes.get_xlim()
    right = value > end
    if abs(shown - (end if right else start)) > 0.5 * (end - start):
        text = f"{name} {score(value)} →" if right else f"← {name} {score(value)}"
        _say(axes, end if right else start, 1.1, text, MUTED, "normal")


def _say(axes: Axes, value: float, height: float, text: str, colour: str, weight: str) -> None:
    """A label at a value, kept within the axes."""
    start, end = axes.get_xlim()
    half = 3.5 * len(text) / _WIDTH * (end - start)
    side, place = "center", value
    if value - half < start:
        side, place = "left", start
    elif value + half > end:
        side, place = "right", end
    axes.text(
        place, height, text, ha=side, va="center", color=colour, fontweight=weight, fontsize=12
    )


def _slug(text: str) -> str:
    return "".join(character if character.isalnum() else "-" for character in text.lower())
