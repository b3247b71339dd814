"""What matters: how much of a forest's variance each value explains, and how that scatters.

A forest is fitted to trials that fill the space, and its variance over the whole space is split by
functional ANOVA. Shares say something only where the forest knows trials that it has not seen, so
its R2 stands first; and they rest on these trials, so everything is done again on bootstrap samples
of them. That shows scatter and no bias: a forest smooths, so a value that matters less comes out
too small, and its share of KID's own variance may lie outside. What a dimension explains that
counts only under a condition may be split between itself and the pair of it and what decides on it;
its slice is drawn where it counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.experiments.dimensions import allowed, completed, from_unit
from popgan.evidence.experiments.forest import Columns, Forest
from popgan.evidence.experiments.ped_anova import ped_anova
from popgan.evidence.experiments.results import (
    Importance,
    Pair,
    SearchSpace,
    Sensitivity,
    Setting,
    Slice,
    Spread,
    Value,
)
from popgan.seeds import numpy_rng
from popgan.wording import counted

Floats = NDArray[np.float64]
LEAST = 8
"""Trials below which there is no forest."""
TREES, BOOTSTRAP_TREES = 128, 24
RESAMPLES, R2_RESAMPLES = 100, 2000
ON_SLICE, ON_GRID, PAIRS = 25, 15, 6
WEAK_R2, NOISY, TRIALS_A_DIMENSION = 0.3, 0.5, 4
_ENDS = (2.5, 97.5)


@dataclass(frozen=True)
class _Trials:
    """What the forest is fitted to.

    Attributes:
        settings: completed. rows: the same as columns. kids: of them.
    """

    settings: list[Setting]
    rows: Floats
    kids: Floats


def sensitivity(
    settings: Sequence[Setting],
    kids: Sequence[float | None],
    space: Sequence[SearchSpace],
    spread: Spread | None = None,
    *,
    seed: int = 0,
) -> Sensitivity:
    """Importances, slices and pairs of all dimensions.

    Args:
        settings: of the trials; where one is silent, the dimension's `default` is meant. A trial
            that still lacks a value, or lies outside of the space, is left out, and `caution` says
            so.
        kids: of the trials; None where there is no score.
        space: what was searched; a dimension that no trial has a value of is left out.
        spread: between seeds, for the share of noise.
        seed: of forests and bootstrap samples.
    """
    scored = [
        (completed(space, s), kid) for s, kid in zip(settings, kids, strict=True) if kid is not None
    ]
    space = [one for one in space if any(one.name in setting for setting, _ in scored)]
    columns = Columns(space)
    placed = [(s, row, kid) for s, kid in scored if (row := columns.row(s)) is not None]
    values = np.array([kid for *_, kid in placed], np.float64)
    counts = {"n": len(placed), "failed": len(kids) - len(scored)}
    lost = len(scored) - len(placed)
    if len(placed) < LEAST or not space or np.ptp(values) == 0:
        why = f"{counted(len(placed), 'trial', 'trials')} with a score"
        why += " all have the same: nothing to explain" if len(placed) >= LEAST else ""
        why += f": too few for a forest, {LEAST} are needed" if len(placed) < LEAST else ""
        return Sensitivity(
            **counts,
            r2=None,
            r2_low=None,
            r2_high=None,
            noise=None,
            importances=[],
            slices=[],
            pairs=[],
            caution=_sentences([why, _left_out(lost)]),
        )
    trials = _Trials([s for s, *_ in placed], np.stack([row for _, row, _ in placed]), values)
    forest = Forest(trials.rows, values, columns.axes, TREES, numpy_rng(seed, "forest of trials"))
    r2, low, high = _r2(forest.unseen(), values, seed)
    noise = None if spread is None else min(1.0, spread.sd**2 / float(values.var(ddof=1)))
    importances, order = _importances(trials, forest, columns, seed)
    return Sensitivity(
        **counts,
        r2=r2,
        r2_low=low,
        r2_high=high,
        noise=noise,
        importances=importances,
        slices=[_slice(trials, forest, columns, i) for i in order],
        pairs=_pairs(forest, columns),
        caution=_sentences([*_doubts(r2, len(placed), len(space), noise), _left_out(lost)]),
    )


def _r2(unseen: Floats, kids: Floats, seed: int) -> tuple[float, float, float]:
    """R2 on trials not seen, and percentiles of it over bootstrap samples of the trials.

    The predictions stay as they are: a forest fitted to a bootstrap sample would have seen the
    doubles of the trials it is asked about.
    """
    known = np.isfinite(unseen)
    kids, unseen = kids[known], unseen[known]
    rng = numpy_rng(seed, "bootstrap of R2")
    drawn = rng.integers(0, len(kids), (R2_RESAMPLES, len(kids)))
    drawn = np.concatenate([np.arange(len(kids))[None], drawn])
    values = kids[drawn]
    rest = ((values - unseen[drawn]) ** 2).sum(axis=1)
    total = ((values - values.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    found = 1 - rest[total > 0] / total[total > 0]
    low, high = np.percentile(found[1:], _ENDS)
    return float(found[0]), float(low), float(high)


def _importances(
    trials: _Trials, forest: Forest, columns: Columns, seed: int
) -> tuple[list[Importance], list[int]]:
    """Most important first, and the places in the space in that order."""
    rng, n = numpy_rng(seed, "bootstrap of importances"), len(trials.kids)
    samples = [rng.integers(0, n, n) for _ in range(RESAMPLES)]
    shares = np.array(
        [
            Forest(trials.rows[i], trials.kids[i], columns.axes, BOOTSTRAP_TREES, rng).shares
            for i in samples
        ]
    )
    ranks = (-shares).argsort(axis=1, kind="stable").argsort(axis=1) + 1
    low, high = np.percentile(shares, _ENDS, axis=0)
    best = np.percentile(ranks, _ENDS[0], axis=0, method="lower")
    worst = np.percentile(ranks, _ENDS[1], axis=0, method="higher")
    space = columns.space
    ped = ped_anova(space, trials.settings, trials.kids.tolist())
    order = np.argsort(-forest.shares, kind="stable").tolist()
    found = [
        Importance(
            name=space[i].name,
            share=float(forest.shares[i]),
            low=float(low[i]),
            high=float(high[i]),
            rank_low=int(best[i]),
            rank_high=int(worst[i]),
            ped=ped[space[i].name],
        )
        for i in order
    ]
    return found, order


def _slice(trials: _Trials, forest: Forest, columns: Columns, place: int) -> Slice:
    one = columns.space[place]
    at = _places(one, ON_SLICE)
    given = _given(columns, [place])
    points = np.stack([columns.point(one, value) for value in at])
    own = [
        (s[one.name], kid)
        for s, kid in zip(trials.settings, trials.kids.tolist(), strict=True)
        if one.name in s
    ]
    return Slice(
        name=one.name,
        log=one.log,
        values=[value for value, _ in own],
        kids=[kid for _, kid in own],
        at=at,
        marginal=forest.mean_over([(place, points)], given).tolist(),
    )


def _pairs(forest: Forest, columns: Columns) -> list[Pair]:
    found = sorted(forest.pairs().items(), key=lambda pair: -pair[1])[:PAIRS]
    return [_pair(forest, columns, both, share) for both, share in found if share > 0]


def _pair(forest: Forest, columns: Columns, both: tuple[int, int], share: float) -> Pair:
    ones = [columns.space[i] for i in both]
    at = [_places(one, ON_GRID) for one in ones]
    points = [
        (i, np.stack([columns.point(one, value) for value in places]))
        for i, one, places in zip(both, ones, at, strict=True)
    ]
    grid = forest.mean_over(points, _given(columns, both))
    return Pair(
        first=ones[0].name,
        second=ones[1].name,
        share=share,
        first_at=at[0],
        second_at=at[1],
        grid=grid.tolist(),
    )


def _given(columns: Columns, places: Sequence[int]) -> dict[int, Floats]:
    """Where the dimensions count: points of others, but for themselves, to which means keep."""
    by_name = {one.name: i for i, one in enumerate(columns.space)}
    wanted: dict[str, list[Value]] = {}
    for place in places:
        for name, values in allowed(columns.space, columns.space[place]).items():
            wanted[name] = [value for value in wanted.get(name, values) if value in values]
    return {
        by_name[name]: np.stack([columns.point(columns.space[by_name[name]], v) for v in values])
        for name, values in wanted.items()
        if by_name[name] not in places and values
    }


def _places(one: SearchSpace, most: int) -> list[Value]:
    """All choices, or values from end to end, evenly on the scale."""
    if one.choices:
        return list(one.choices[:most])
    return list(dict.fromkeys(from_unit(one, share) for share in np.linspace(0, 1, most).tolist()))


def _doubts(r2: float, n: int, dimensions: int, noise: float | None) -> list[str]:
    found = []
    if r2 < WEAK_R2:
        found.append(f"the forest hardly knows trials it has not seen (R2 {r2:.2f})")
    if n < TRIALS_A_DIMENSION * dimensions:
        found.append(
            f"{n} trials are few for {counted(dimensions, 'dimension', 'dimensions')}; "
            f"{TRIALS_A_DIMENSION * dimensions} or more would be better"
        )
    if noise is not None and noise > NOISY:
        found.append(f"seeds alone explain {100 * noise:.0f} % of the variance")
    return [f"Shares mean little: {'; '.join(found)}"] if found else []


def _left_out(lost: int) -> str:
    what = counted(lost, "trial is", "trials are")
    return f"{what} left out, outside of the space or silent about a value" if lost else ""


def _sentences(parts: Sequence[str]) -> str:
    return " ".join(f"{part}." for part in parts if part)
