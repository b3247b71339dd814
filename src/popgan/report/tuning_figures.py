"""The figures of a search: learning curves by rung, and the finals seed by seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from popgan.evidence.experiments.results import Finals, Trial, TuneResult
from popgan.report.reader_tones import SMALL, WIDTH, at_left, at_right, rows_frame
from popgan.report.svg import GRID, INK, MUTED, PAPER, REAL, SYNTHETIC, Drawing, canvas, to_svg
from popgan.report.tuning_axes import kid_axis
from popgan.report.tuning_facts import (
    ENDED,
    candidate_name,
    default_trial,
    difference,
    places,
    ranked,
    searched,
    standing,
    states,
    trained,
)
from popgan.report.tuning_words import between, listed, shown, value_words
from popgan.report.words import PERCENT, percent
from popgan.wording import counted

_DASHES = (0, (5, 2))


def learning_curves(result: TuneResult) -> Drawing | None:
    """KID of every trial over the share of its images; None where nothing was measured twice."""
    shown_trials = [trial for trial in searched(result) if trial.points]
    if not any(len(trial.points) > 1 for trial in shown_trials):
        return None
    figure, axes = canvas(WIDTH, 320)
    for rung in result.rungs:
        axes.axvline(rung, color=MUTED, lw=1, linestyle=(0, (1, 3)), zorder=0)
    best = next((trial for trial in ranked(result) if trial.points), None)
    default = [trial for trial in shown_trials if trial.purpose in ("default", "seed spread")]
    others = [trial for trial in shown_trials if trial is not best and trial not in default]
    for trial in others:
        _curve(axes, trial)
    for trial in default:
        _marked(axes, trial, REAL, "s", 4.0, 1.4)
    if best is not None and best not in default:
        _marked(axes, best, SYNTHETIC, "D", 5.5, 2.4)
    kid_axis(axes, [point.kid for trial in shown_trials for point in trial.points])
    first = min(point.share for trial in shown_trials for point in trial.points)
    axes.set_xlim(max(0.0, first - 0.06), 1.03)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=PERCENT))
    axes.set_xlabel("share of a trial's images")
    axes.set_ylabel("KID to the tuning split")
    _curve_legend(figure, others, None if best in default else best, len(default))
    return Drawing(
        to_svg(figure, "tuning-curves", _curves_alt(result, shown_trials, best)),
        "Learning curves",
        f"A line is a trial; lower is better.{_rungs(result.rungs)} All points are in points.csv.",
    )


def _curve(axes: Axes, trial: Trial) -> None:
    shares, kids = _steps(trial)
    axes.plot(shares, kids, color=MUTED, alpha=0.55, lw=1, zorder=1)
    if trial.state == "complete":
        return
    marker = {"infeasible": "^", "running": ">"}.get(trial.state, "x")
    face = MUTED if marker == "x" else PAPER
    axes.plot(
        shares[-1:],
        kids[-1:],
        marker,
        color=MUTED,
        mfc=face,
        ms=6,
        mew=1.4,
        zorder=2,
        clip_on=False,
    )


def _marked(axes: Axes, trial: Trial, colour: str, marker: str, size: float, width: float) -> None:
    shares, kids = _steps(trial)
    dashes = _DASHES if marker == "s" else "-"
    axes.plot(shares, kids, color=colour, lw=width, linestyle=dashes, zorder=3)
    axes.plot(
        shares, kids, marker, color=colour, ms=size, mec=PAPER, mew=0.8, zorder=4, clip_on=False
    )


def _steps(trial: Trial) -> tuple[list[float], list[float]]:
    return [point.share for point in trial.points], [point.kid for point in trial.points]


def _rungs(rungs: Sequence[float]) -> str:
    if not rungs:
        return ""
    places = listed([percent(rung) for rung in rungs])
    return f" Dotted: at {places} a trial is stopped that is behind the others; its line ends in ×."


def _curve_legend(
    figure: Figure, others: Sequence[Trial], best: Trial | None, defaults: int
) -> None:
    """Only what is drawn is named."""
    handles: list[tuple[Line2D, str]] = []

    def add(words: str, **style: object) -> None:
        handles.append((Line2D([], [], **style), words))  # type: ignore[arg-type]

    marked = {"mec": PAPER, "lw": 2.2}
    if best is not None:
        add(f"best: trial {best.number}", color=SYNTHETIC, marker="D", ms=5.5, **marked)
    if defaults:
        words = "default" if defaults == 1 else f"default, {defaults} seeds"
        add(words, color=REAL, marker="s", ms=4.5, linestyle=_DASHES, mec=PAPER, lw=1.6)
    ends = {trial.state for trial in others}
    if "complete" in ends:
        add("other trials", color=MUTED, alpha=0.55, lw=1)
    grey = {"color": MUTED, "linestyle": "none", "ms": 6, "mew": 1.4}
    if ends & set(ENDED):
        add("stopped or failed", marker="x", **grey)
    if "infeasible" in ends:
        add("breaks a limit", marker="^", mfc=PAPER, **grey)
    if "running" in ends:
        add("still running", marker=">", mfc=PAPER, **grey)
    figure.legend(
        [handle for handle, _ in handles], [words for _, words in handles],
        loc="outside upper left", ncols=2, fontsize=SMALL, labelcolor=INK, handlelength=2.2,
        frameon=False, columnspacing=1.4, borderaxespad=0.1, borderpad=0.1,
    )  # fmt: skip


def _curves_alt(result: TuneResult, trials: Sequence[Trial], best: Trial | None) -> str:
    digits = places(result)
    counts = ", ".join(f"{count} {state}" for state, count in states(trials))
    parts = [f"KID over the share of images of {counted(len(trials), 'trial', 'trials')}: {counts}"]
    for name, trial in (("best", best), ("default", default_trial(result))):
        if trial is not None:
            parts.append(f"{name}: trial {trial.number}, ending at {shown(trial.kid, digits)}")
    return "; ".join(parts) + "."


def finals_drawing(result: TuneResult) -> Drawing | None:
    """Every final seed by seed, with its mean; None where there are none."""
    finals = result.finals
    if finals is None or not finals.candidates:
        return None
    digits = places(result)
    rows = finals.candidates
    values = [value for row in rows for value in trained(row)]
    if not values:
        return None
    figure, axes = canvas(WIDTH, 50 + 30 * len(rows))
    names = [
        f"{candidate_name(row)} ({standing(row)})"
        if place == finals.chosen
        else candidate_name(row)
        for place, row in enumerate(rows)
    ]
    notes = [shown(row.mean, digits) for row in rows]
    for place, row in enumerate(rows):
        chosen = place == finals.chosen
        colour = SYNTHETIC if chosen else INK
        at_left(axes, -place, names[place], colour, "bold" if chosen else "normal")
        at_right(axes, -place, notes[place])
        # Spread over the height of the row in the order of the seeds: equal values stay apart.
        known = trained(row)
        heights = -place + np.linspace(0.2, -0.2, len(known))
        axes.plot(known, heights, "o", color=colour, alpha=0.5, ms=5.5, mec="none", zorder=3)
        if row.mean is not None:
            axes.plot([row.mean], [-place], "D", color=colour, ms=8, mec=PAPER, mew=1, zorder=5)
    if rows[0].mean is not None:
        axes.axvline(rows[0].mean, color=MUTED, lw=1, linestyle=(0, (2, 3)), zorder=1)
    margin = 0.06 * (max(values) - min(values)) or 0.05
    axes.set_xlim(min(values) - margin, max(values) + margin)
    axes.set_ylim(-len(rows) + 0.45, 0.55)
    rows_frame(figure, axes, names, notes, below=44)
    axes.set_xlabel("KID to the tuning split, fresh seeds")
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: value_words(float(value))))
    axes.grid(True, axis="x", color=GRID, lw=0.8)
    return Drawing(
        to_svg(figure, "tuning-finals", _finals_alt(finals, digits)),
        "Finals, seed by seed",
        f"Dots: {counted(len(finals.seeds), 'training', 'trainings')} of each setting, from the "
        "top in the order of the seeds; diamond: their mean. Dotted: mean of the default. Left is "
        "better.",
    )


def _finals_alt(finals: Finals, digits: int) -> str:
    parts = []
    for place, row in enumerate(finals.candidates):
        words = f"{candidate_name(row)}: mean {shown(row.mean, digits)}"
        if place:
            words += f", {shown(difference(row, finals), digits, sign=True)} to the default"
            span = between(row.low, row.high, digits, sign=True)
            words += f" ({span})" if span else ""
        parts.append(words)
    return f"KID of the finals over {counted(len(finals.seeds), 'seed', 'seeds')}. " + "; ".join(
        parts
    )
