"""What counts can show: exact bounds of shares, and how many subjects an audit needs.

Clopper & Pearson 1934 throughout, because an audit must hold its level with small counts. A rate of
copies is bounded on one side at 95 %: 0 of 5000 gives at most 0.060 %, 0 of 10,000 at most 0.030 %
("rule of three").
"""

from __future__ import annotations

import math

from popgan.evidence.readers.results import Measure

CONFIDENCE = 0.95
AUC_LIMIT = 0.60
"""An attack passes only if the upper end of its AUC's interval lies below this."""
FALSE_POSITIVES = 0.01
"""The false positive rate at which true positives are counted."""


def lower_bound(hits: int, n: int, confidence: float = CONFIDENCE) -> float:
    """One-sided exact lower bound of a share."""
    from scipy.special import betaincinv

    return 0.0 if hits == 0 else float(betaincinv(hits, n - hits + 1, 1 - confidence))


def upper_bound(hits: int, n: int, confidence: float = CONFIDENCE) -> float:
    """One-sided exact upper bound of a share; 1 where nothing was counted."""
    from scipy.special import betaincinv

    return 1.0 if hits == n else float(betaincinv(hits + 1, n - hits, confidence))


def share(hits: int, n: int, of: str) -> Measure:
    """A share with its two-sided 95 % interval of Clopper and Pearson."""
    if not n:
        return Measure(value=None, n=0, of=of, method="none", reason=f"there are no {of}")
    side = (1 + CONFIDENCE) / 2
    return Measure(
        value=hits / n,
        low=lower_bound(hits, n, side),
        high=upper_bound(hits, n, side),
        n=n,
        of=of,
        method="Clopper-Pearson, two-sided 95 %",
    )


def rate_at_most(hits: int, n: int, of: str) -> Measure:
    """A rate with its one-sided 95 % upper bound; `low` is 0 because none is claimed."""
    if not n:
        return Measure(value=None, n=0, of=of, method="none", reason=f"there are no {of}")
    return Measure(
        value=hits / n,
        low=0.0,
        high=upper_bound(hits, n),
        n=n,
        of=of,
        method="Clopper-Pearson, one-sided 95 % upper bound",
    )


def auc_error(members: int, others: int) -> float:
    """Standard error of an AUC of 0.5 without ties: that of the Mann-Whitney statistic."""
    return math.sqrt((members + others + 1) / (12 * members * others))


def subjects_needed(attacks: int = 1, power: float = 0.8) -> int:
    """Subjects a class with which an honest generator passes with some probability.

    Every one of the attacks must have the upper end of its 95 % interval below `AUC_LIMIT`, as if
    they were independent; and the true positives at 1 % false positives need 99 subjects who are
    not members, since fewer cannot show a rate of 1 %.

    Args:
        attacks: AUCs that must all pass.
        power: wanted probability to pass.
    """
    from scipy.special import ndtri

    reach = float(ndtri((1 + CONFIDENCE) / 2) + ndtri(power ** (1 / attacks)))
    count = 2
    while reach * auc_error(count, count) >= AUC_LIMIT - 0.5:
        count += 1
    return max(count, least_for_rate())


def least_for_rate() -> int:
    """Non-members needed for a threshold whose expected false positive rate is 1 %."""
    return round(1 / FALSE_POSITIVES) - 1
