"""Equivalence to chance: two one-sided tests (TOST), because p > 0.05 shows nothing."""

from __future__ import annotations

from popgan.evidence.readers.bootstrap import Spread
from popgan.evidence.readers.results import Equivalence, Verdict

ALPHA = 0.05
CHANCE = 0.5


def equivalence(
    what: str, spread: Spread, *, margin: float, n: int, of: str, words: str
) -> Equivalence:
    """Whether a number is equivalent to chance within a margin.

    Schuirmann 1987: equivalence is shown where it is significantly above 0.5 - margin and
    significantly below 0.5 + margin, each at 5 %, which is the same as its 90 % interval lying
    within. Where equivalence is not shown, a difference may be: a 95 % interval without 0.5.

    Args:
        what: name of the number.
        spread: the number, its standard error and degrees of freedom.
        margin: largest difference that does not matter, as a share.
        n: how many `of` the number rests on.
        of: what n counts.
        words: where the standard error comes from.
    """
    from scipy.special import stdtr

    method = f"two one-sided tests at 5 %, Student's t; {words}"
    within = f"+-{100 * margin:g} percentage points"
    ends = spread.interval(1 - 2 * ALPHA)
    if spread.value is None or spread.error is None or ends is None:
        return _unmeasured(what, spread, margin, n, of, method)

    def beyond(limit: float) -> float:
        """Probability of a t at least as far above the limit."""
        assert spread.value is not None and spread.error is not None
        t = (spread.value - limit) / spread.error
        return float(stdtr(min(max(spread.freedom, 1.0), 1e6), -t))

    above = beyond(CHANCE - margin)
    below = 1 - beyond(CHANCE + margin)
    upper = beyond(CHANCE)
    difference = min(1.0, 2 * min(upper, 1 - upper))
    verdict: Verdict = "not shown"
    sentence = f"equivalence to chance within {within} was not shown, nor was a difference"
    if max(above, below) < ALPHA:
        verdict, sentence = "equivalent", f"equivalent to chance within {within}"
        if difference < ALPHA:
            sentence += ", though not equal to it"
    elif difference < ALPHA:
        verdict, sentence = "different", "different from chance"
    return Equivalence(
        what=what,
        margin=margin,
        value=spread.value,
        low=ends[0],
        high=ends[1],
        p_above=above,
        p_below=below,
        p_equivalence=max(above, below),
        p_difference=difference,
        verdict=verdict,
        words=sentence,
        n=n,
        of=of,
        method=method,
    )


def _unmeasured(
    what: str, spread: Spread, margin: float, n: int, of: str, method: str
) -> Equivalence:
    """What there is to say without a standard error."""
    return Equivalence(
        what=what,
        margin=margin,
        value=spread.value,
        low=None,
        high=None,
        p_above=None,
        p_below=None,
        p_equivalence=None,
        p_difference=None,
        verdict="not measurable",
        words=f"not measurable: {spread.reason}",
        n=n,
        of=of,
        method=method,
        reason=spread.reason,
    )
