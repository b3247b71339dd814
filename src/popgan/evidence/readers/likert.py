"""Scores 1 to 5: medians, means and distributions, and what sets a model apart from real images."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.readers.answers import REAL, SCORES
from popgan.evidence.readers.bootstrap import Clusters, Spread, crossed, quantile
from popgan.evidence.readers.detection import ANY, THESE
from popgan.evidence.readers.ordinal import SeparatedError, fit
from popgan.evidence.readers.results import Measure, ScoreDifference, ScoreSummary, Test
from popgan.evidence.readers.tables import NONE, Table

Floats = NDArray[np.float64]
HIGHEST = len(SCORES)


def mean_score(counts: Floats) -> Floats:
    """Mean score of counted answers, (..., 5) -> (...)."""
    total = counts.sum(-1)
    points = (counts * np.arange(1, HIGHEST + 1)).sum(-1)
    return np.divide(points, total, out=np.full(np.shape(total), np.nan), where=total > 0)


def median_score(counts: Floats) -> Floats:
    """Median of counted answers, (..., 5) -> (...); between two scores where halves meet."""
    total = counts.sum(-1, keepdims=True)
    up = np.cumsum(counts, axis=-1)
    half = total / 2
    low = (up < half - 1e-9).sum(-1) + 1
    high = (up <= half + 1e-9).sum(-1) + 1
    middle = (np.minimum(low, HIGHEST) + np.minimum(high, HIGHEST)) / 2
    return np.where(total[..., 0] > 0, middle, np.nan)


def summary(
    table: Table, criterion: str, source: str, *, seed: int, replicates: int
) -> ScoreSummary:
    """The scores of one criterion and source.

    Args:
        table: scores of all cases.
        criterion: its name.
        source: `real` or a model.
        seed: of the bootstrap.
        replicates: of the bootstrap.
    """
    all_readers, steady = table.readers, table.steady()
    table = table.only({source}).answered()
    counts = table.counts(HIGHEST)
    totals = counts.sum(axis=(0, 1)) if table.rows else np.zeros(HIGHEST)
    n = int(totals.sum())
    if not n:
        nothing = Measure(
            value=None, n=0, of="scores", method=THESE, reason="nobody scored such an image"
        )
        return ScoreSummary(
            criterion=criterion,
            source=source,
            images=0,
            counts=[0] * HIGHEST,
            median=nothing,
            mean=nothing,
            by_reader=dict.fromkeys(all_readers),
        )
    clusters = table.resampler(replicates=replicates, seed=seed, purpose=f"scores {source}")
    kept = table.by(steady)
    mean = crossed(
        kept.resampler(replicates=replicates, seed=seed, purpose=f"scores {source}"),
        kept.counts(HIGHEST),
        mean_score,
    ).these_readers
    own = dict(zip(table.readers, map(float, mean_score(counts.sum(axis=0))), strict=True))
    return ScoreSummary(
        criterion=criterion,
        source=source,
        images=len(table.rows),
        counts=[int(count) for count in totals],
        median=_median(clusters, counts, n),
        mean=mean.measure(int((kept.values != NONE).sum()), "scores", THESE, bounds=(1, HIGHEST)),
        by_reader={reader: own.get(reader) for reader in all_readers},
    )


def _median(clusters: Clusters, counts: Floats, n: int) -> Measure:
    """The median of all scores; percentile interval, since a median moves in steps."""
    sums = counts.sum(axis=1)
    value = float(median_score(sums.sum(axis=0)))
    method = "all scores alike; cluster bootstrap of images, percentile (a median moves in steps)"
    reason = clusters.why_not()
    if reason:
        return Measure(value=value, n=n, of="scores", method=method, reason=reason)
    low, high = np.quantile(clusters.resampled(sums, median_score), [0.025, 0.975])
    # A percentile interval need not hold the value; one that does not would confuse.
    return Measure(
        value=value,
        low=min(float(low), value),
        high=max(float(high), value),
        n=n,
        of="scores",
        method=method,
    )


def difference(
    table: Table, criterion: str, model: str, *, seed: int, replicates: int
) -> ScoreDifference:
    """Real minus a model, as a difference of means and as an odds ratio.

    Args:
        table: scores of all cases.
        criterion: its name.
        model: which one.
        seed: of the bootstrap.
        replicates: of the bootstrap.
    """
    table = table.by(table.steady()).only({REAL, model}).answered()
    n = int((table.values != NONE).sum())
    if set(table.sources) != {REAL, model}:
        why = "real images and the model's were not both scored"
        nothing = Spread(None, None, 0.0, why)
        gap, general = nothing, nothing
    else:
        clusters = table.resampler(replicates=replicates, seed=seed, purpose=f"scores {model}")
        is_real = np.array(clusters.strata == REAL)
        counts = table.counts(HIGHEST)
        sums = np.zeros((*counts.shape[:2], 2, HIGHEST))
        sums[is_real, :, 0], sums[~is_real, :, 1] = counts[is_real], counts[~is_real]
        found = crossed(clusters, sums, _gap)
        gap, general = found.these_readers, found.any_readers
    ratio, test = _odds(table, model, gap, n)
    return ScoreDifference(
        criterion=criterion,
        model=model,
        difference=gap.measure(n, "scores", THESE, bounds=(1 - HIGHEST, HIGHEST - 1)),
        any_readers=general.measure(n, "scores", ANY, bounds=(1 - HIGHEST, HIGHEST - 1)),
        odds_ratio=ratio,
        test=test,
    )


def _gap(sums: Floats) -> Floats:
    return mean_score(sums[..., 0, :]) - mean_score(sums[..., 1, :])


def _odds(table: Table, model: str, gap: Spread, n: int) -> tuple[Measure, Test]:
    """Odds ratio of real against the model with readers as fixed effects, and its test."""
    method = (
        "cumulative logit by GEE, readers as fixed effects, so for these readers alone; clustered "
        "on patient or image, sandwich of Mancl & DeRouen"
    )
    reason, effect, error = gap.reason, 0.0, 0.0
    if gap.error is not None:
        row, column = np.nonzero(table.values != NONE)
        real = np.array([source == REAL for source in table.sources], dtype=float)[row]
        readers = [column == i for i in range(1, len(table.readers))]
        design = np.column_stack([real, *readers]).astype(float)
        try:
            found = fit(table.values[row, column], design, table.groups()[1][row])
            effect, error = float(found.effects[0]), found.error(0)
        except SeparatedError as problem:
            reason = str(problem)
    if reason or error <= 0:
        reason = reason or "there is no variation"
        return (
            Measure(value=None, n=n, of="scores", method=method, reason=reason),
            Test(statistic=None, p=None, n=n, of="scores", method=method, reason=reason),
        )
    # The effect compares the same clusters as the difference of means, so it has its freedom.
    words = f"{method}; Student's t with Welch's {gap.freedom:.0f} degrees of freedom"
    half = quantile(0.975, gap.freedom) * error
    t = effect / error
    p = min(1.0, 2 * _tail(abs(t), gap.freedom))
    return (
        Measure(
            value=math.exp(effect),
            low=math.exp(effect - half),
            high=math.exp(min(effect + half, 700.0)),
            n=n,
            of="scores",
            method=words,
        ),
        Test(
            statistic=t,
            p=p,
            n=n,
            of="scores",
            method=f"{words}; Holm over criteria x models",
        ),
    )


def _tail(t: float, freedom: float) -> float:
    from scipy.special import stdtr

    return float(stdtr(min(max(freedom, 1.0), 1e6), -t))
