"""Which setting to keep: the best with fresh seeds, unless that is a tie with the default.

The search's own best value is optimistic, because it was chosen for being low (the winner's curse).
So the best few and the default are trained again with seeds that the search has not seen, the same
for all, and a candidate takes the default's place only if two things hold: Student's interval of
the difference of the two means excludes 0, and the difference is above the bound of a tie from the
spread between these seeds. Where failures left one training a side there is no interval, and the
default stays. A final that was asked for with one seed never has one: there the bound alone
decides, with the spread of the search, and the reason says that a single seed each was compared.

Intervals are not corrected for the number of candidates: where all are equal, one of three takes
the default's place 5 % of the time with three seeds and 6 % with five, one of five 8 % and 9 %
(simulated, normal values). One that is better by 2 or 3 SD between seeds is found in 46 and 78 % of
searches with three seeds, in 79 and 98 % with five; pairs of a seed would find 29 and 51 % with
three. Nor are they corrected for the choice: with three candidates and three seeds the interval of
the chosen one holds its true gain in 95 % of searches if one is better by 3 SD, 92 % if one is by 2
SD, and 81 % if all three are by 1 SD; where none is better, whatever is chosen has a wrong one.

A candidate whose fresh trainings lose what the default keeps is out, however low its KID.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from popgan.evidence.experiments.groups import gap
from popgan.evidence.experiments.results import Candidate, Finals, Setting, Spread
from popgan.evidence.experiments.spread import pooled_sd, tie_bound
from popgan.evidence.experiments.words import ends, kid
from popgan.wording import counted

Values = Sequence[float | None]


@dataclass(frozen=True)
class Finalist:
    """A setting retrained with fresh seeds.

    Attributes:
        trial: number of the trial that brought it here; None: the default.
        setting: what differs from the starting preset.
        searched: KID of that trial; of the default the mean over its seeds.
        values: KID with each fresh seed; None where the training failed.
        lost: what its fresh trainings do not keep, such as "loses variety 0.10, at least 0.80";
            then it cannot be chosen. Empty: nothing.
    """

    trial: int | None
    setting: Setting
    searched: float | None
    values: Values
    lost: str = ""

    @property
    def known(self) -> list[float]:
        """Values of the trainings that did not fail."""
        return [value for value in self.values if value is not None]

    @property
    def mean(self) -> float | None:
        """Of what is known."""
        return float(np.mean(self.known)) if self.known else None

    @property
    def failed(self) -> int:
        """Trainings without a value."""
        return len(self.values) - len(self.known)

    @property
    def title(self) -> str:
        """What a sentence calls it."""
        return "the default" if self.trial is None else f"trial {self.trial}"


def choose_final(
    seeds: Sequence[int],
    default: Finalist,
    candidates: Sequence[Finalist],
    spread: Spread | None = None,
) -> Finals:
    """The candidate to keep, or the default.

    Of the candidates that are better than the default and no tie with it, the one with the lowest
    mean; where others are ties with that one, whichever changes the fewest values. A candidate that
    failed with more of the seeds than the default, or that is `lost`, cannot be chosen, nor one of
    which a single training is left beside a single one of the default, unless one seed was asked
    for. Where the default failed with all, the best of those that failed least is.

    Args:
        seeds: fresh ones, the same for all; each has a value, or None, in every finalist.
        default: the starting preset's.
        candidates: by KID in the search.
        spread: known before; used for the bound of a tie where the fresh seeds say nothing of it,
            because there is only one.
    """
    able = [one for one in candidates if not one.lost]
    sd = pooled_sd([one.known for one in (default, *able)])
    if sd is None and spread is not None:
        sd = spread.sd
    chosen, reason = default, "the default stays: no candidate keeps its coverage and variety"
    if able or not candidates:
        chosen, reason = _chosen(default, able, sd)
    reason = "; ".join([reason, *(f"{one.title} {one.lost}" for one in candidates if one.lost)])
    everyone = (default, *candidates)
    return Finals(
        seeds=list(seeds),
        candidates=[_candidate(one, default) for one in everyone],
        chosen=next(i for i, one in enumerate(everyone) if one is chosen),
        reason=reason,
    )


def _candidate(one: Finalist, default: Finalist) -> Candidate:
    found = None if one is default else gap(one.known, default.known)
    return Candidate(
        trial=one.trial,
        setting=one.setting,
        searched=one.searched,
        values=list(one.values),
        mean=one.mean,
        low=found.low if found else None,
        high=found.high if found else None,
        reason=one.lost,
    )


def _chosen(
    default: Finalist, candidates: Sequence[Finalist], sd: float | None
) -> tuple[Finalist, str]:
    scored = [one for one in candidates if one.known]
    if not scored:
        why = "every candidate failed" if candidates else "there is no candidate"
        return default, f"the default stays: {why}{_failures(default, *candidates)}"
    if not default.known:
        fewest = min(one.failed for one in scored)
        best = _nearest([one for one in scored if one.failed == fewest], sd)
        what = f"the default failed with {_all(len(default.values))}"
        return best, f"{what}; {best.title}: KID {kid(_mean(best))}{_failures(best)}"
    allowed = [one for one in scored if one.failed <= default.failed]
    if not allowed:
        why = "every candidate failed with more of the seeds"
        return default, f"the default stays: {why}{_failures(default, *candidates)}"
    better = [
        one for one in allowed if _mean(one) < _mean(default) and not _unsure(one, default, sd)
    ]
    if better:
        best = _nearest(better, sd)
        return best, f"{_compared(best, default)}{_failures(best, default)}"
    best = min(allowed, key=_mean)
    why = "no candidate is better" if _mean(best) >= _mean(default) else _unsure(best, default, sd)
    found = f"{_compared(best, default)}{_failures(best, default)}"
    return default, f"the default stays: {why}; the best of the others, {found}"


def _unsure(one: Finalist, default: Finalist, sd: float | None) -> str:
    """Why a candidate with a lower mean is not surely better, in words; empty where it is."""
    if len(one.values) > 1 and len(one.known) == len(default.known) == 1:
        return "failures left one training a side, which gives no interval"
    return _why_tied(one, default, sd)


def _tie(one: Finalist, other: Finalist, sd: float | None) -> bool:
    return _why_tied(one, other, sd) != ""


def _why_tied(one: Finalist, other: Finalist, sd: float | None) -> str:
    """Why two settings are a tie, in words; empty where they are none."""
    found = gap(one.known, other.known)
    if found is not None and found.low is not None and not found.excludes_zero:
        return "a tie, the interval includes 0"
    if sd is None:
        return "one seed, and how much seeds differ is not known"
    bound = tie_bound(sd, len(one.known), len(other.known))
    if abs(_mean(one) - _mean(other)) < bound or _mean(one) == _mean(other):
        return f"a tie, the difference is below {kid(bound)}, what seeds alone may bring"
    return ""


def _nearest(found: Sequence[Finalist], sd: float | None) -> Finalist:
    """Of those that are ties with the lowest mean, the one that changes the fewest values."""
    best = min(found, key=_mean)
    level = [one for one in found if one is best or _tie(one, best, sd)]
    return min(level, key=lambda one: (len(one.setting), _mean(one)))


def _compared(one: Finalist, default: Finalist) -> str:
    found = gap(one.known, default.known)
    many = counted(len(one.values), "fresh seed", "fresh seeds")
    text = f"{one.title} over {many}: KID {kid(_mean(one))}, the default {kid(_mean(default))}"
    assert found is not None, "both have values where they are compared"
    turned = (None, None) if found.low is None or found.high is None else (-found.high, -found.low)
    single = " (a single seed each, so no interval)" if len(one.values) == 1 else ""
    return f"{text}; difference {kid(-found.mean)}{ends(*turned)}{single}"


def _failures(*among: Finalist) -> str:
    parts = [
        f"{one.title} failed with {one.failed} of {counted(len(one.values), 'seed', 'seeds')}"
        for one in among
        if one.failed
    ]
    return f" ({'; '.join(parts)})" if parts else ""


def _all(count: int) -> str:
    return "its only seed" if count == 1 else f"all {count} seeds"


def _mean(one: Finalist) -> float:
    """Of a finalist that has values."""
    return float(np.mean(one.known))
