"""Intervals by resampling clusters of images, for these readers and for readers in general.

Everything that is resampled here is a sum over clusters (counts of answers, products of scores),
and a statistic is a function of such sums. A replicate is then one row of weights times a matrix,
and thousands of them cost milliseconds.

Plain percentile intervals are too narrow with few readers or few patients. Here clusters are drawn
by the rescaling bootstrap of Rao & Wu 1988 (G - 1 of G in each source, weighted G / (G - 1)),
whose variance is unbiased, and widths are Student's with the degrees of freedom that clusters and
readers leave.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.readers.results import Measure
from popgan.seeds import numpy_rng

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""Sums (..., K) in, values (...) out; NaN where there is no value."""
Scale = Literal["plain", "fisher", "logit"]

LEVEL = 0.95
LOST = 0.1  # share of replicates without a value above which there is no interval
SAME = "there is no variation: no image changes the number"
UNDEFINED = "it is not defined for these answers"


@dataclass(frozen=True)
class Spread:
    """A value with its standard error.

    Attributes:
        value: None where it is not defined.
        error: standard error; None where there is none.
        freedom: Student's degrees of freedom.
        reason: why value or error is None.
    """

    value: float | None
    error: float | None
    freedom: float
    reason: str | None = None

    def interval(self, level: float = LEVEL, scale: Scale = "plain") -> tuple[float, float] | None:
        """Student's interval, on a scale that keeps it within the statistic's bounds."""
        if self.value is None or self.error is None:
            return None
        half = quantile(0.5 + level / 2, self.freedom) * self.error
        value = self.value
        # The standard error goes to the other scale by the slope at the value.
        if scale == "fisher" and abs(value) < 1:
            centre, half = math.atanh(value), half / (1 - value**2)
            return math.tanh(centre - half), math.tanh(centre + half)
        if scale == "logit" and 0 < value < 1:
            centre, half = math.log(value / (1 - value)), half / (value * (1 - value))
            return _expit(centre - half), _expit(centre + half)
        return value - half, value + half

    def measure(
        self,
        n: int,
        of: str,
        words: str,
        *,
        scale: Scale = "plain",
        bounds: tuple[float, float] = (-math.inf, math.inf),
    ) -> Measure:
        """The value with its 95 % interval, cut at its bounds."""
        ends = self.interval(scale=scale)
        if ends is None:
            return Measure(value=self.value, n=n, of=of, method=words, reason=self.reason)
        low, high = max(ends[0], bounds[0]), min(ends[1], bounds[1])
        return Measure(value=self.value, low=low, high=high, n=n, of=of, method=words)


class Clusters:
    """Clusters of images in strata (sources), and the weights of their replicates.

    Args:
        strata: G names, the stratum of each cluster.
        replicates: how many.
        seed: of the draws; the purpose is added.
        purpose: what the draws are for.
    """

    def __init__(self, strata: Sequence[str], *, replicates: int, seed: int, purpose: str) -> None:
        self.strata = np.asarray(strata, dtype=str)
        self.names = sorted(set(strata))
        self.replicates = replicates
        self.rng = numpy_rng(seed, f"resampled readers: {purpose}")
        self.weights = np.ones((replicates, len(self.strata)))
        for name in self.names:
            members = np.flatnonzero(self.strata == name)
            count = len(members)
            if count > 1:
                self.weights[:, members] = self._drawn(count) * (count / (count - 1))

    def _drawn(self, count: int) -> NDArray[np.int64]:
        """How often each of some clusters is drawn, one fewer in all: replicates x count."""
        picks = self.rng.integers(count, size=(self.replicates, count - 1))
        picks += count * np.arange(self.replicates)[:, None]
        flat = np.bincount(picks.ravel(), minlength=self.replicates * count)
        return flat.reshape(self.replicates, count)

    def only(self, members: NDArray[np.bool_]) -> Clusters:
        """Some of the clusters, with the weights that they have."""
        found = copy(self)
        found.strata, found.weights = self.strata[members], self.weights[:, members]
        found.names = sorted(set(found.strata.tolist()))
        return found

    @property
    def single(self) -> list[str]:
        """Strata with one cluster: nothing can be said about other clusters."""
        return [name for name in self.names if int((self.strata == name).sum()) == 1]

    def why_not(self) -> str | None:
        """Why there is no interval at all, or None."""
        if not self.names:
            return "there are no images"
        if self.single:
            who = " and ".join(self.single)
            return f"all images of `{who}` are of one patient or one image, so it has no interval"
        return None

    def resampled(self, sums: Floats, statistic: Statistic) -> Floats:
        """The statistic of every replicate; sums are G x ... x K, the result B x ..."""
        flat = sums.reshape(len(self.strata), -1)
        return statistic((self.weights @ flat).reshape(-1, *sums.shape[1:]))

    def freedom(self, sums: Floats, statistic: Statistic) -> float:
        """Welch-Satterthwaite degrees of freedom of a statistic, by the jackknife of clusters.

        Args:
            sums: G x ... x K.
            statistic: with one value for each set of sums.
        """
        total = sums.sum(axis=0)
        without = np.asarray(statistic(total[None] - sums), float)
        variances, degrees = [], []
        for name in self.names:
            values = without[self.strata == name]
            values = values[np.isfinite(values)]
            if len(values) > 1:
                count = len(values)
                variances.append((count - 1) / count * float(((values - values.mean()) ** 2).sum()))
                degrees.append(count - 1)
        squares = sum(v * v / d for v, d in zip(variances, degrees, strict=True))
        return sum(variances) ** 2 / squares if squares > 0 else float(len(self.strata) - 1)

    def spread(self, sums: Floats, statistic: Statistic) -> Spread:
        """A statistic of the clusters' sums with its standard error.

        Args:
            sums: G x ... x K.
            statistic: with one value for each set of sums.
        """
        value = float(statistic(sums.sum(axis=0)[None])[0])
        if not math.isfinite(value):
            return Spread(None, None, 0.0, UNDEFINED)
        reason = self.why_not()
        if reason:
            return Spread(value, None, 0.0, reason)
        found = self.resampled(sums, statistic)
        reason = lost(found)
        if reason:
            return Spread(value, None, 0.0, reason)
        error = float(np.nanstd(found, ddof=1))
        if error < 1e-12:
            return Spread(value, None, 0.0, SAME)
        return Spread(value, error, self.freedom(sums, statistic))


@dataclass(frozen=True)
class Crossed:
    """A mean over readers who saw the same images.

    Attributes:
        values: of each reader, NaN where not defined.
        any_readers: its uncertainty where readers and images are samples.
        these_readers: where the images alone are.
        resampled: ends of the plain percentile interval over readers x clusters, or None.
    """

    values: Floats
    any_readers: Spread
    these_readers: Spread
    resampled: tuple[float, float] | None

    @property
    def readers(self) -> int:
        """Readers with a value."""
        return int(np.isfinite(self.values).sum())

    def only(self, names: Sequence[str]) -> str | None:
        """Name of the only reader with a value; None where there are several or none."""
        there = np.flatnonzero(np.isfinite(self.values))
        return names[int(there[0])] if len(there) == 1 else None


def crossed(clusters: Clusters, sums: Floats, statistic: Statistic) -> Crossed:
    """Mean of a statistic over readers, with readers and clusters of images as samples.

    The variance for readers in general is that of Obuchowski & Rockette 1995: the spread of the
    readers' values over R, plus the covariance between readers that seeing the same images causes,
    here by the cluster bootstrap. Degrees of freedom after Welch and Satterthwaite, as Hillis 2007
    has them, cover 93 % with 3 readers where 95 % are meant, since the few readers decide the
    variance and its freedom at once; Cochran's (1964) mean of both parts' quantiles does not. An
    interval of 90 or 95 % is never narrower than that for these readers alone.

    Args:
        clusters: G clusters.
        sums: G x R x K, by cluster and reader.
        statistic: (..., K) -> (...).
    """
    values = np.asarray(statistic(sums.sum(axis=0)), float)
    there = np.isfinite(values)
    if not there.any():
        nothing = Spread(None, None, 0.0, UNDEFINED)
        return Crossed(values, nothing, nothing, None)
    sums = sums[:, there]
    count = int(there.sum())

    def mean(total: Floats) -> Floats:
        return np.asarray(statistic(total).mean(axis=-1))

    these = clusters.spread(sums, mean)
    value = float(values[there].mean())
    reason = clusters.why_not()
    if count < 2 or reason:
        reason = reason or "one reader says nothing about other readers"
        return Crossed(values, Spread(value, None, 0.0, reason), these, None)
    found = clusters.resampled(sums, statistic)
    if reason := lost(found):
        return Crossed(values, Spread(value, None, 0.0, reason), these, None)
    found = found[np.isfinite(found).all(axis=1)]
    between = float(values[there].var(ddof=1)) / count
    matrix = np.cov(found, rowvar=False)
    shared = max(0.0, float((matrix.sum() - np.trace(matrix)) / (count * (count - 1))))
    if between + shared < 1e-24:
        return Crossed(values, Spread(value, None, 0.0, SAME), these, None)
    general = Spread(
        value,
        math.sqrt(between + shared),
        _cochran(between, count - 1, shared, clusters.freedom(sums, mean)),
    )
    general = _no_narrower(general, these)
    picked = clusters.rng.integers(count, size=(len(found), count))
    means = np.take_along_axis(found, picked, axis=1).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Crossed(values, general, these, (float(low), float(high)))


def lost(found: Floats) -> str | None:
    """Why replicates allow no interval: too many of them have no value."""
    whole = np.isfinite(found).reshape(len(found), -1).all(axis=1)
    share = 1 - float(whole.mean())
    return f"{share:.0%} of the replicates have no value" if share > LOST else None


def quantile(share: float, freedom: float) -> float:
    """Student's quantile; more than a million degrees of freedom are the normal distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(min(max(freedom, 1.0), 1e6), share))


def _no_narrower(general: Spread, these: Spread) -> Spread:
    """What is said of other readers, at least as wide as for these: for 90 % (TOST) and 95 %."""
    errors = (these.error or 0.0) / (general.error or 1.0)
    tails = [(quantile(p, these.freedom), quantile(p, general.freedom)) for p in (0.95, 0.975)]
    ratios = [errors * one / other for one, other in tails]
    if min(ratios) > 1:
        return these
    return replace(general, error=(general.error or 0.0) * max(1.0, *ratios))


def _cochran(one: float, few: float, other: float, many: float) -> float:
    """Degrees of freedom whose quantile is the mean of two parts', weighted by their variances."""
    quantiles = quantile(0.975, few), quantile(0.975, many)
    wanted = (one * quantiles[0] + other * quantiles[1]) / (one + other)
    low, high = sorted((math.log(max(few, 1.0)), math.log(max(many, 1.0))))
    for _ in range(50):  # quantiles fall as freedom grows
        middle = (low + high) / 2
        low, high = (middle, high) if quantile(0.975, math.exp(middle)) > wanted else (low, middle)
    return math.exp(high)


def _expit(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -700 else 0.0
