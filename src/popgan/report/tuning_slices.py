"""KID over each value, one small figure a value: of a search, and of a sensitivity study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes

from popgan.evidence.experiments.results import (
    SearchSpace,
    Sensitivity,
    Slice,
    Trial,
    TuneResult,
    Value,
)
from popgan.report.svg import GRID, INK, MUTED, PAPER, REAL, SYNTHETIC, THIRD, canvas, to_svg
from popgan.report.tuning_axes import is_kind, kid_axis, kind_axis, kinds_of, value_axis
from popgan.report.tuning_facts import (
    ENDED,
    default_trials,
    places,
    ranked,
    score,
    searched,
    settings,
    taken,
)
from popgan.report.tuning_words import short_names, shown, value_words
from popgan.wording import counted

_WIDTH, _HEIGHT = 184, 150  # two of them fit a phone
_LEFT = 34  # room for the figures of KID
_LETTERS = 10
Points = Sequence[tuple[Value, float]]


@dataclass(frozen=True)
class SmallDrawing:
    """A small figure under the name of its value."""

    name: str
    svg: Markup


@dataclass(frozen=True)
class _Plot:
    """What is drawn.

    Attributes:
        name: of the value.
        log: whether numbers are told apart by ratio.
        points: (value, KID) of trials.
        kinds: all choices in their order, where it is no number.
        limits: ends of the axis that must be seen.
        infeasible: points that break a limit.
        ended: values of trials without a score.
        best, default: to stand out; the default with every seed.
        level: mean KID of the default.
        line: (value, KID) of a model of them.
        kids: KIDs that every figure of the row must show, so that all have one axis.
    """

    name: str
    log: bool
    points: Points
    kids: Sequence[float]
    kinds: Sequence[Value] = ()
    limits: Sequence[float] = ()
    infeasible: Points = ()
    ended: Sequence[Value] = ()
    best: Points = ()
    default: Points = ()
    level: float | None = None
    line: Points = ()


def search_slices(result: TuneResult) -> list[SmallDrawing]:
    """A figure for each dimension of a search that at least two complete trials have."""
    kids = [trial.kid for trial in searched(result) if trial.kid is not None]
    names = short_names(one.name for one in result.space)
    found: list[SmallDrawing] = []
    for one in result.space:
        plot = _searched(one, result, kids)
        if len(plot.points) + len(plot.best) > 1:
            svg = _draw(plot, f"tuning-slice-{len(found)}", places(result))
            found.append(SmallDrawing(names[one.name], svg))
    return found


def _searched(one: SearchSpace, result: TuneResult, kids: Sequence[float]) -> _Plot:
    trials = settings(result)
    at = {trial.number: taken(one, trial.setting, result.space) for trial in trials}
    best = next(iter(ranked(result)), None)
    default = [] if best is not None and best.purpose == "default" else default_trials(result)

    def points(found: Sequence[Trial], state: str) -> list[tuple[Value, float]]:
        return [
            (value, trial.kid)
            for trial in found
            if trial.state == state
            and trial.kid is not None
            and (value := at[trial.number]) is not None
        ]

    own = [trial for trial in trials if trial is not best and trial.purpose != "default"]
    known = [trial.kid for trial in default if trial.kid is not None]
    start = taken(one, {}, result.space)
    return _Plot(
        name=one.name,
        log=one.log,
        points=points(own, "complete"),
        kids=kids,
        kinds=one.choices,
        limits=[] if one.low is None or one.high is None else [one.low, one.high],
        infeasible=points(own, "infeasible"),
        ended=[
            value
            for trial in trials
            if trial.state in ENDED and (value := at[trial.number]) is not None
        ],
        best=_diamond(best, at, result),
        default=[(start, kid) for kid in known] if start is not None else [],
        level=sum(known) / len(known) if known else None,
    )


def _diamond(best: Trial | None, at: Mapping[int, Value | None], result: TuneResult) -> Points:
    """Where the best stands; the default's mean, if that is the best."""
    value = None if best is None else at[best.number]
    return [] if best is None or value is None else [(value, score(best, result))]


def sensitivity_slices(found: Sensitivity, digits: int) -> list[SmallDrawing]:
    """A figure for each value of a sensitivity study, with the forest's mean prediction."""
    kids = [kid for one in found.slices for kid in [*one.kids, *one.marginal]]
    plots = [_studied(one, kids) for one in found.slices if one.values]
    names = short_names(plot.name for plot in plots)
    return [
        SmallDrawing(names[plot.name], _draw(plot, f"ablation-slice-{place}", digits))
        for place, plot in enumerate(plots)
    ]


def _studied(one: Slice, kids: Sequence[float]) -> _Plot:
    known = [*one.at, *one.values]
    kinds = kinds_of(known) if is_kind(one.at or one.values) else []
    return _Plot(
        name=one.name,
        log=one.log,
        points=list(zip(one.values, one.kids, strict=True)),
        kids=kids,
        kinds=kinds,
        limits=[] if kinds else [float(value) for value in one.at],
        line=list(zip(one.at, one.marginal, strict=True)),
    )


def _draw(plot: _Plot, name: str, digits: int) -> Markup:
    figure, axes = canvas(_WIDTH, _HEIGHT)
    figure.set_layout_engine("none")
    axes.grid(True, axis="both", color=GRID, lw=0.7)
    axes.tick_params(labelsize=_LETTERS, pad=2, length=2.5)
    seen = [value for value, _ in _everything(plot)]
    kinds, slanted = list(plot.kinds), 0
    if kinds:
        kinds += [kind for kind in kinds_of([*seen, *plot.ended]) if kind not in kinds]
        slanted = kind_axis(axes, kinds)
    else:
        limits: list[Value] = [*plot.limits, *seen, *plot.ended]
        value_axis(axes, limits, log=plot.log, ticks=3)
    place = {kind: float(number) for number, kind in enumerate(kinds)}
    kid_axis(axes, [*plot.kids, *(kid for _, kid in plot.line)], ticks=4)
    _marks(axes, plot, place)
    # Placed by hand, so that the axes of a row stand in line.
    below = 18 + 2.2 * slanted
    size = (_WIDTH - _LEFT - 6, _HEIGHT - below - 7)
    axes.set_position((_LEFT / _WIDTH, below / _HEIGHT, size[0] / _WIDTH, size[1] / _HEIGHT))
    return to_svg(figure, name, _alt(plot, digits))


def _marks(axes: Axes, plot: _Plot, place: Mapping[Value, float]) -> None:
    def at(values: Sequence[Value]) -> np.ndarray:
        """Places along the foot; kinds stand side by side, so that equal ones stay apart."""
        if not place:
            return np.array([float(value) for value in values])
        apart = 0.22 * np.sin(2.4 * np.arange(len(values)))
        return np.array([place[value] for value in values]) + (apart if len(values) > 1 else 0)

    if plot.level is not None:
        axes.axhline(plot.level, color=REAL, lw=1, linestyle=(0, (4, 3)), zorder=1)
    for points, marker, colour in ((plot.points, "o", INK), (plot.infeasible, "^", MUTED)):
        if points:
            values, kids = zip(*points, strict=True)
            hollow = {"mfc": PAPER} if marker == "^" else {"mec": "none", "alpha": 0.6}
            axes.plot(at(values), kids, marker, color=colour, ms=4.5, zorder=3, **hollow)
    if plot.line:
        values, kids = zip(*plot.line, strict=True)
        if place:
            steps = [place[value] for value in values]
            axes.plot(steps, kids, "_", color=THIRD, zorder=4, ms=17, mew=2.2)
        else:
            axes.plot(at(values), kids, "-", color=THIRD, zorder=4, lw=2.2)
    if plot.ended:
        top = axes.get_ylim()[1]
        axes.plot(at(plot.ended), [top] * len(plot.ended), "x", color=MUTED, ms=5, mew=1.2,
                  clip_on=False, zorder=3)  # fmt: skip
    for points, marker, colour, size in (
        (plot.default, "s", REAL, 4.5),
        (plot.best, "D", SYNTHETIC, 7),
    ):
        for value, kid in points:
            axes.plot(at([value]), [kid], marker, color=colour, ms=size, mec=PAPER, zorder=5)


def _everything(plot: _Plot) -> Points:
    return [*plot.points, *plot.infeasible, *plot.line, *plot.best, *plot.default]


def _alt(plot: _Plot, digits: int) -> str:
    kids = [kid for _, kid in [*plot.points, *plot.best]]
    parts = [
        f"KID over {plot.name}: {counted(len(kids), 'trial', 'trials')}, "
        f"{shown(min(kids), digits)} to {shown(max(kids), digits)}"
    ]
    parts += [f"best {shown(kid, digits)} at {value_words(value)}" for value, kid in plot.best]
    if plot.level is not None:
        where = f" at {value_words(plot.default[0][0])}" if plot.default else ""
        parts.append(f"default {shown(plot.level, digits)}{where}")
    if plot.line:
        low = min(plot.line, key=lambda pair: pair[1])
        parts.append(f"lowest prediction {shown(low[1], digits)} at {value_words(low[0])}")
    if plot.ended:
        parts.append(f"{counted(len(plot.ended), 'trial', 'trials')} without a score")
    return "; ".join(parts) + "."
