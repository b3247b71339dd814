"""Real or synthetic: detection with its intervals, by reader and in the mean over readers."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.readers.answers import REAL
from popgan.evidence.readers.bootstrap import Clusters, Crossed, Spread, crossed
from popgan.evidence.readers.equivalence import equivalence
from popgan.evidence.readers.results import Across, Authenticity, Detection, Measure
from popgan.evidence.readers.shares import Share, mean_of_two, share
from popgan.evidence.readers.signal import (
    accuracy,
    auc,
    balanced,
    criterion,
    d_prime,
    roc,
    sensitivity,
    specificity,
)
from popgan.evidence.readers.tables import LEVELS, Table

Floats = NDArray[np.float64]

ANY = (
    "mean over readers; readers and images are samples: Obuchowski-Rockette with covariances from "
    "a cluster bootstrap of images; Student's t with Cochran's quantile, since few readers make "
    "percentile intervals too narrow"
)
THESE = (
    "mean over these readers; images are a sample: cluster bootstrap (rescaled), Student's t with "
    "Welch's degrees of freedom"
)
PERCENTILE = "plain bootstrap of readers x clusters of images, percentile; shown for comparison"


def authenticity(
    table: Table, model: str | None, *, margin: float, seed: int, replicates: int
) -> Authenticity | None:
    """Everything about telling one model's images, or all models', from real ones.

    Args:
        table: levels of authenticity of all cases.
        model: whose images; None: of all models.
        margin: of equivalence, as a share.
        seed: of the bootstrap.
        replicates: of the bootstrap.

    Returns:
        None where nobody judged such images.
    """
    steady = table.steady()
    wanted = set(table.sources) if model is None else {REAL, model}
    table = table.only(wanted).answered()
    if not table.rows:
        return None

    def counted(some: Table) -> tuple[Clusters, Floats]:
        """Clusters, and their answers: clusters x readers x 2 x levels."""
        purpose = f"authenticity {model}"
        clusters = some.resampler(replicates=replicates, seed=seed, purpose=purpose)
        is_real = np.array(clusters.strata == REAL)
        counts = some.counts(LEVELS)
        sums = np.zeros((*counts.shape[:2], 2, LEVELS))
        sums[is_real, :, 0], sums[~is_real, :, 1] = counts[is_real], counts[~is_real]
        return clusters, sums

    clusters, sums = counted(table)
    readers = [
        _one(name, model, clusters, sums[:, i], margin=margin)
        for i, name in enumerate(table.readers)
    ]
    kept = table.by(steady)
    if len(kept.readers) < len(readers):
        clusters, sums = counted(kept)
    mean_balanced = crossed(clusters, sums, balanced)
    # With one reader, the mean is that reader: the same numbers, and no second method for them.
    alone = mean_balanced.only(kept.readers)
    one = next((row for row in readers if row.reader == alone), None)
    n = int(sums.sum())
    what = "mean balanced accuracy"
    return Authenticity(
        model=model,
        readers=readers,
        pooled=one.model_copy(update={"reader": None})
        if one
        else _pooled(model, clusters, sums, mean_balanced, margin=margin),
        balanced=across("balanced accuracy", mean_balanced, n, one=one.balanced if one else None),
        auc=across("AUC", crossed(clusters, sums, auc), n, one=one.auc if one else None),
        equivalence=equivalence(
            what, mean_balanced.any_readers, margin=margin, n=n, of="answers", words=ANY
        ),
        equivalence_these=one.equivalence
        if one
        else equivalence(
            what, mean_balanced.these_readers, margin=margin, n=n, of="answers", words=THESE
        ),
    )


def across(
    name: str, found: Crossed, n: int, *, of: str = "answers", one: Measure | None = None
) -> Across:
    """A mean over readers of a number between 0 and 1, for three questions.

    Args:
        name: of the number.
        found: the mean.
        n: how many `of` it rests on.
        of: what n counts.
        one: the number of the only reader, where there is only one.
    """
    value = found.these_readers.value
    ends = found.resampled
    why = found.any_readers.reason or "too few replicates"
    return Across(
        name=name,
        any_readers=found.any_readers.measure(n, of, ANY, bounds=(0, 1)),
        these_readers=one or found.these_readers.measure(n, of, THESE, bounds=(0, 1)),
        resampled=Measure(
            value=value,
            low=ends[0] if ends else None,
            high=ends[1] if ends else None,
            n=n,
            of=of,
            method=PERCENTILE,
            reason=None if ends else why,
        ),
        readers=found.readers,
    )


def headline(
    found: Crossed, n: int, *, of: str = "answers", bounds: tuple[float, float]
) -> Measure:
    """A mean over readers for readers in general; of a single reader for that one."""
    if found.readers < 2:
        return found.these_readers.measure(n, of, THESE, bounds=bounds)
    return found.any_readers.measure(n, of, ANY, bounds=bounds)


def _pooled(
    model: str | None, clusters: Clusters, sums: Floats, mean_balanced: Crossed, *, margin: float
) -> Detection:
    real, synthetic = (int(sums[:, :, i].sum()) for i in (0, 1))

    def measure(
        statistic: Callable[[Floats], Floats], n: int, bounds: tuple[float, float] = (0, 1)
    ) -> Measure:
        return headline(crossed(clusters, sums, statistic), n, bounds=bounds)

    def half(statistic: Callable[[Floats], Floats], members: NDArray[np.bool_], n: int) -> Measure:
        """A statistic of one side, whatever the other side's images allow."""
        found = crossed(clusters.only(members), sums[members], statistic)
        return headline(found, n, bounds=(0, 1))

    is_real = np.array(clusters.strata == REAL)
    free = (-math.inf, math.inf)
    several = mean_balanced.readers > 1
    return Detection(
        reader=None,
        model=model,
        n_real=real,
        n_synthetic=synthetic,
        sensitivity=half(sensitivity, ~is_real, synthetic),
        specificity=half(specificity, is_real, real),
        accuracy=measure(accuracy, real + synthetic),
        balanced=headline(mean_balanced, real + synthetic, bounds=(0, 1)),
        d_prime=measure(d_prime, real + synthetic, free),
        criterion=measure(criterion, real + synthetic, free),
        auc=measure(auc, real + synthetic),
        roc=roc(sums.sum(axis=(0, 1))),
        equivalence=equivalence(
            "mean balanced accuracy",
            mean_balanced.any_readers if several else mean_balanced.these_readers,
            margin=margin,
            n=real + synthetic,
            of="answers",
            words=ANY if several else THESE,
        ),
    )


def _one(
    name: str, model: str | None, clusters: Clusters, sums: Floats, *, margin: float
) -> Detection:
    """One reader; sums are clusters x 2 x levels."""
    totals = sums.sum(axis=-1)
    right = sums[:, 0, : LEVELS // 2].sum(-1), sums[:, 1, LEVELS // 2 :].sum(-1)
    real, synthetic = share(right[0], totals[:, 0]), share(right[1], totals[:, 1])
    n = real.n + synthetic.n
    reason = real.reason or synthetic.reason
    if not real.n or not synthetic.n:
        reason = f"no answers about {'synthetic' if real.n else 'real'} images"
    ends = mean_of_two(real, synthetic)
    both = Measure(
        value=None if ends is None else (float(real.value or 0) + float(synthetic.value or 0)) / 2,
        low=ends[0] if ends else None,
        high=ends[1] if ends else None,
        n=n,
        of="answers",
        method=f"square-and-add of the two shares' intervals (MOVER): {real.words}",
        reason=reason,
    )
    error = math.sqrt(real.variance + synthetic.variance) / 2
    spread = (
        Spread(None, None, 0.0, reason)
        if both.value is None
        else Spread(both.value, error, _welch(real, synthetic))
    )
    area = clusters.spread(sums, auc)
    if area.value in {0.0, 1.0}:
        area = Spread(area.value, None, 0.0, "real and synthetic images are perfectly separated")
    detecting, leaning = _signal(real, synthetic, reason)
    return Detection(
        reader=name,
        model=model,
        n_real=real.n,
        n_synthetic=synthetic.n,
        sensitivity=synthetic.measure("synthetic images"),
        specificity=real.measure("real images"),
        accuracy=_accuracy(right, totals, reason),
        balanced=both,
        d_prime=detecting,
        criterion=leaning,
        auc=area.measure(
            n, "answers", "cluster bootstrap (rescaled), Student's t on the logit", scale="logit"
        ),
        roc=roc(sums.sum(axis=0)),
        equivalence=equivalence(
            "balanced accuracy",
            spread,
            margin=margin,
            n=n,
            of="answers",
            words="variance of the shares with log-linear correction and design effect",
        ),
    )


def _accuracy(right: tuple[Floats, Floats], totals: Floats, reason: str | None) -> Measure:
    """Plain accuracy with Wilson's interval."""
    one = share(right[0] + right[1], totals.sum(axis=-1))
    if reason:
        return Measure(value=one.value, n=one.n, of="answers", method=one.words, reason=reason)
    return one.measure("answers")


def _signal(real: Share, synthetic: Share, reason: str | None) -> tuple[Measure, Measure]:
    """d' and c of one reader with their intervals; variance of Gourevitch & Galanter 1967."""
    from scipy.special import ndtri

    method = "log-linear correction; variance after Gourevitch & Galanter, Student's t"
    n = real.n + synthetic.n
    if not real.n or not synthetic.n:
        nothing = Measure(value=None, n=n, of="answers", method=method, reason=reason)
        return nothing, nothing
    hits, alarms = float(ndtri(synthetic.corrected)), float(ndtri(1 - real.corrected))
    variance = 0.0
    for z, one in ((hits, synthetic), (alarms, real)):
        slope = math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
        variance += one.variance / slope**2
    error = None if reason else math.sqrt(variance)
    freedom = _welch(real, synthetic)
    measures = [
        Spread(value, None if error is None else error * factor, freedom, reason).measure(
            n, "answers", method
        )
        for value, factor in ((hits - alarms, 1.0), (-(hits + alarms) / 2, 0.5))
    ]
    return measures[0], measures[1]


def _welch(one: Share, other: Share) -> float:
    """Degrees of freedom of a sum or difference of two shares."""
    squares = one.variance**2 / one.freedom + other.variance**2 / other.freedom
    return (one.variance + other.variance) ** 2 / squares if squares > 0 else math.inf
