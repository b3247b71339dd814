"""How well a score tells members from others: AUC, true positives at 1 % false positives, epsilon.

One score a patient. The AUC's interval is DeLong, DeLong & Clarke-Pearson 1988; where all members
score higher than all others its variance is zero, and Newcombe's (2006) method 5 takes its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.privacy.bounds import (
    CONFIDENCE,
    FALSE_POSITIVES,
    least_for_rate,
    lower_bound,
    share,
    upper_bound,
)
from popgan.evidence.readers.results import Measure
from popgan.evidence.statistics import members
from popgan.seeds import numpy_rng

Floats = NDArray[np.float64]

LEAST = 3
"""Patients a class below which there is no interval."""
DELTA = 1e-5
_CUTS = (0.01, 0.05, 0.1, 0.25, 0.5)  # parts of all patients who are called members
_HALVES = 200


@dataclass(frozen=True)
class Scores:
    """A score of each patient; higher means rather a member."""

    members: Floats
    others: Floats


def auc(scores: Scores) -> Measure:
    """Chance that a member scores higher than another patient, with DeLong's interval."""
    m, n = len(scores.members), len(scores.others)
    method = "DeLong over patients, two-sided 95 %"
    if not m or not n:
        reason = "there are no members or no others"
        return Measure(value=None, n=m + n, of="patients", method=method, reason=reason)
    of_member, of_other = placements(scores)
    value = float(of_member.mean())
    if min(m, n) < LEAST:
        reason = "fewer than three patients a class have no interval"
        return Measure(value=value, n=m + n, of="patients", method=method, reason=reason)
    variance = float(of_member.var(ddof=1) / m + of_other.var(ddof=1) / n)
    if variance <= 0:
        low, high = newcombe(value, m, n)
        method = "Newcombe's method 5 over patients, two-sided 95 %"
    else:
        half = _normal(CONFIDENCE) * math.sqrt(variance)
        low, high = max(0.0, value - half), min(1.0, value + half)
    return Measure(value=value, low=low, high=high, n=m + n, of="patients", method=method)


def placements(scores: Scores) -> tuple[Floats, Floats]:
    """Of each member the share of others below it, of each other the share of members above it."""
    members, others = np.sort(scores.members), np.sort(scores.others)

    def below(values: Floats, bank: Floats) -> Floats:
        less = np.searchsorted(bank, values, "left") + np.searchsorted(bank, values, "right")
        return less / (2 * len(bank))

    return below(scores.members, others), 1 - below(scores.others, members)


def newcombe(value: float, m: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Interval of an AUC from its value and the sizes alone, valid at 0 and 1."""
    from scipy.optimize import brentq

    z = _normal(confidence)
    mean = (m + n) / 2 - 1

    def gap(theta: float, side: float) -> float:
        spread = 1 + mean * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return value - theta + side * z * math.sqrt(theta * (1 - theta) * spread / (m * n))

    tiny = 1e-12
    low = 0.0 if value <= tiny else float(brentq(gap, tiny, value - tiny, args=(-1.0,)))
    high = 1.0 if value >= 1 - tiny else float(brentq(gap, value + tiny, 1 - tiny, args=(1.0,)))
    return low, high


def p_auc(scores: Scores) -> float:
    """One-sided p-value of Mann and Whitney: members score higher. 1 where it cannot be done."""
    from scipy.stats import mannwhitneyu

    both = np.concatenate([scores.members, scores.others])
    if not len(scores.members) or not len(scores.others) or np.ptp(both) == 0:
        return 1.0
    return float(mannwhitneyu(scores.members, scores.others, alternative="greater").pvalue)


def tpr(scores: Scores) -> tuple[Measure, float | None]:
    """True positive rate at 1 % false positives, and the exact p-value that it is more.

    The threshold is a non-member's score such that a new one is above it with a chance of at most
    1 %, which needs 99 of them. It is an estimate itself, and with 100 patients a class
    Clopper-Pearson's interval of the hits excludes 1 % far too often without any leak. So the
    p-value is of the number of members above it among all patients: hypergeometric, exact, with
    the threshold's own chance in it.
    """
    n, m = len(scores.others), len(scores.members)
    if n < least_for_rate() or not m:
        reason = f"a rate of 1 % needs {least_for_rate()} patients who were not trained with"
        empty = Measure(value=None, n=m, of="members", method="Clopper-Pearson", reason=reason)
        return empty, None
    from scipy.stats import hypergeom

    allowed = math.floor(FALSE_POSITIVES * (n + 1) + 1e-9) - 1
    threshold = np.sort(scores.others)[::-1][allowed]
    hits = int((scores.members > threshold).sum())
    p = float(hypergeom.sf(hits - 1, m + n, m, hits + allowed)) if hits else 1.0
    return share(hits, m, "members"), min(1.0, p)


def epsilon(scores: Scores, delta: float = DELTA) -> Measure:
    """Lower bound of the epsilon of differential privacy that the attack's success implies.

    A mechanism that is (epsilon, delta) private allows TPR <= exp(epsilon) FPR + delta, and the
    same for the complements. The cuts are quantiles of all patients' scores. Both rates are bounded
    by Clopper and Pearson at five cuts and on both sides, with Bonferroni's correction for all of
    them: 95 % in all. `value` is the bound, like `low`; `high` is what the cuts could show with so
    many patients if every answer were right.
    """
    m, n = len(scores.members), len(scores.others)
    method = f"Clopper-Pearson at {len(_CUTS)} cuts, one-sided 95 %, delta {delta:g}"
    if not m or not n:
        reason = "there are no members or no others"
        return Measure(value=None, n=m + n, of="patients", method=method, reason=reason)
    level = 1 - (1 - CONFIDENCE) / (4 * len(_CUTS))
    pooled = np.concatenate([scores.members, scores.others])
    low = 0.0
    for part in _CUTS:
        cut = np.quantile(pooled, 1 - part)
        hits, alarms = int((scores.members > cut).sum()), int((scores.others > cut).sum())
        low = max(low, _implied(hits, m, alarms, n, delta, level))
        low = max(low, _implied(n - alarms, n, m - hits, m, delta, level))
    most = max(_implied(m, m, 0, n, delta, level), _implied(n, n, 0, m, delta, level), low)
    return Measure(value=low, low=low, high=most, n=m + n, of="patients", method=method)


def control(members: Floats, halves: int = _HALVES, seed: int = 0) -> Measure:
    """AUC of members against members: random halves of them, as if one had not been trained with.

    The interval holds 95 % of the halves; an attack within it shows nothing.
    """
    method = f"{halves} random halves of the members, central 95 %"
    count = len(members)
    if count < 2 * LEAST:
        reason = "fewer than six members cannot be halved"
        return Measure(value=None, n=count, of="members", method=method, reason=reason)
    from scipy.stats import rankdata

    rng = numpy_rng(seed, "members against members")
    ranks, half = rankdata(members), count // 2
    sums = np.array([ranks[rng.permutation(count)[:half]].sum() for _ in range(halves)])
    values = (sums - half * (half + 1) / 2) / (half * (count - half))
    low, high = np.quantile(values, [0.025, 0.975])
    mean = min(max(float(values.mean()), float(low)), float(high))
    return Measure(
        value=mean, low=float(low), high=float(high), n=count, of="members", method=method
    )


def per_patient(
    values: Floats, subjects: NDArray[np.str_], of: Callable[[Floats], np.floating]
) -> Floats:
    """One number a patient, in the order of `popgan.evidence.statistics.members`."""
    names, member = members(subjects)
    return np.array([of(values[member == s]) for s in range(len(names))], np.float64)


def _implied(hits: int, m: int, alarms: int, n: int, delta: float, level: float) -> float:
    gain = lower_bound(hits, m, level) - delta
    return math.log(gain / upper_bound(alarms, n, level)) if gain > 0 else 0.0


def _normal(confidence: float) -> float:
    from scipy.special import ndtri

    return float(ndtri((1 + confidence) / 2))
