"""Seconds a case: medians by block and reader, real images against synthetic ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from popgan.evidence.readers.answers import Answers, Judgement, Rating
from popgan.evidence.readers.results import Measure, Timing
from popgan.evidence.readers.tables import known

METHOD = "interval between order statistics (binomial), first answers, clusters ignored"
Time = tuple[str, bool, float]


def timings(answers: Answers) -> list[Timing]:
    """Median times of every block with answers: all readers, then each."""
    cases = answers.cases
    of_cases: dict[str, Sequence[Rating | Judgement]] = {
        "likert": answers.ratings,
        "authenticity": answers.judgements,
    }
    found: list[Timing] = []
    for block, given in of_cases.items():
        times = [
            (one.reader, cases[one.case].is_real, one.seconds)
            for one in given
            if one.repeat == 0 and one.case in cases and one.reader in answers.readers
        ]
        found += _block(block, times, answers.readers, split=True)
    pairs = [
        (one.reader, True, one.seconds)
        for one in answers.choices
        if one.repeat == 0 and known(answers, one)
    ]
    return found + _block("2afc", pairs, answers.readers, split=False)


def _block(
    block: str, times: Sequence[Time], readers: Iterable[str], *, split: bool
) -> list[Timing]:
    # Nought seconds means that no time was measured.
    times = [time for time in times if time[2] > 0]
    if not times:
        return []
    found = []
    for reader in (None, *readers):
        own = [time for time in times if reader in (None, time[0])]
        if own:
            found.append(
                Timing(
                    block=block,
                    reader=reader,
                    every=median_time([time[2] for time in own]),
                    real=median_time([t[2] for t in own if t[1]]) if split else None,
                    synthetic=median_time([t[2] for t in own if not t[1]]) if split else None,
                )
            )
    return found


def median_time(seconds: Sequence[float]) -> Measure:
    """A median with the interval between two order statistics, of at least 95 %.

    Conover 1999, section 3.2: the ranks between which a binomial count of n at 1/2 lies.
    """
    from scipy.stats import binom

    ordered, n = sorted(seconds), len(seconds)
    if not n:
        return Measure(value=None, n=0, of="answers", method=METHOD, reason="no time was measured")
    value = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
    # The lower end is the largest order statistic below which at most 2.5 % would lie.
    rank = int(binom.ppf(0.025, n, 0.5))
    if rank < 1 or binom.cdf(rank - 1, n, 0.5) > 0.025:
        reason = f"{n} times are too few for a 95 % interval of their median"
        return Measure(value=value, n=n, of="answers", method=METHOD, reason=reason)
    low, high = ordered[rank - 1], ordered[n - rank]
    return Measure(value=value, low=low, high=high, n=n, of="answers", method=METHOD)
