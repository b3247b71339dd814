"""What a search comes to: which trials count, which tie with the best, what a final is worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from popgan.evidence.experiments.results import (
    Candidate,
    Finals,
    SearchSpace,
    Setting,
    State,
    Trial,
    TuneResult,
    Value,
)
from popgan.report.tuning_words import STATES, decimals

ENDED: tuple[State, ...] = ("pruned", "failed", "out of memory")
"""States without a score."""


def searched(result: TuneResult) -> list[Trial]:
    """The trials of the search in order, the default's other seeds among them; no finals."""
    return [trial for trial in result.trials if trial.purpose != "final"]


def settings(result: TuneResult) -> list[Trial]:
    """One trial a setting: the default once, without its other seeds."""
    return [trial for trial in searched(result) if trial.purpose != "seed spread"]


def ranked(result: TuneResult) -> list[Trial]:
    """Complete trials, the lowest KID first; the default once."""
    found = [t for t in settings(result) if t.state == "complete" and t.kid is not None]
    return sorted(found, key=lambda trial: (trial.kid or 0.0, trial.number))


def gap(trial: Trial, best: Trial) -> float:
    """How much higher its KID is than that of the best."""
    return (trial.kid or 0.0) - (best.kid or 0.0)


def ties(result: TuneResult) -> set[int]:
    """Numbers of complete trials that are as good as the best, as far as one training can tell;
    the best is not among them. Empty where the spread over seeds is not known.
    """
    order = ranked(result)
    if not order or result.spread is None:
        return set()
    return {t.number for t in order[1:] if gap(t, order[0]) < result.spread.tie}


def default_trial(result: TuneResult) -> Trial | None:
    """The default as it was trained in the search; None unless it is complete."""
    return next((trial for trial in ranked(result) if trial.purpose == "default"), None)


def default_trials(result: TuneResult) -> list[Trial]:
    """The same with all its seeds."""
    own = ("default", "seed spread")
    return [t for t in searched(result) if t.purpose in own and t.state == "complete"]


def states(trials: Sequence[Trial]) -> list[tuple[State, int]]:
    """How many trials ended in each state; states that none has are left out."""
    counts = Counter(trial.state for trial in trials)
    return [(state, counts[state]) for state in STATES if counts[state]]


def places(result: TuneResult) -> int:
    """Decimals of KID that this search can speak of."""
    return decimals(result.spread.sd if result.spread is not None else None)


def difference(candidate: Candidate, finals: Finals) -> float | None:
    """Its KID less that of the default, mean over the seeds that both have; negative is better.

    This is the middle of the interval. None where no seed has both.
    """
    gaps = [
        own - other
        for own, other in zip(candidate.values, finals.candidates[0].values, strict=True)
        if own is not None and other is not None
    ]
    return sum(gaps) / len(gaps) if gaps else None


def trained(candidate: Candidate) -> list[float]:
    """KIDs of its trainings that did not fail."""
    return [value for value in candidate.values if value is not None]


def taken(one: SearchSpace, setting: Setting, space: Sequence[SearchSpace]) -> Value | None:
    """What a setting has in a dimension: its own value, else the default where it applies.

    None where the default is not known, or the dimension has no meaning under the setting.
    """
    if one.name in setting:
        return setting[one.name]
    known = {other.name: other.default for other in space if other.default is not None}
    known |= setting
    wrong = any(known.get(name, value) != value for name, value in one.when.items())
    ruled_out = any(known.get(name) == value for name, value in one.unless.items())
    return None if wrong or ruled_out else one.default


def candidate_name(candidate: Candidate) -> str:
    """ "default" or "trial 15"."""
    return "default" if candidate.trial is None else f"trial {candidate.trial}"


def standing(candidate: Candidate) -> str:
    """The word for the candidate that came out."""
    return "kept" if candidate.trial is None else "chosen"


def reached(trial: Trial) -> float:
    """The share of its planned images that a trial has seen, 0 .. 1."""
    return min(1.0, trial.images / trial.planned) if trial.planned else 0.0
