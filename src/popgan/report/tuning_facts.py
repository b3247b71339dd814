"""What a search comes to: which trials count, which tie with the best, what a final is worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from popgan.evidence.experiments.finalists import DEFAULT, default_kids
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
from popgan.evidence.experiments.spread import tie_bound
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
    """Complete trials, the lowest `score` first; the default once."""
    found = [t for t in settings(result) if t.state == "complete" and t.kid is not None]
    return sorted(found, key=lambda trial: (score(trial, result), trial.number))


def score(trial: Trial, result: TuneResult) -> float:
    """KID of a complete trial; of the default the mean over its seeds.

    A trial is trained anew if it is below that mean, so by one lucky seed the default would stand
    before settings that came to the final.
    """
    kids = default_kids(searched(result)) if trial.purpose == "default" else []
    return sum(kids) / len(kids) if kids else trial.kid or 0.0


def trainings(trial: Trial, result: TuneResult) -> int:
    """Of how many trainings its `score` is."""
    return max(1, len(default_kids(searched(result)))) if trial.purpose == "default" else 1


def gap(trial: Trial, best: Trial, result: TuneResult) -> float:
    """How much higher its score is than that of the best."""
    return score(trial, result) - score(best, result)


def ties(result: TuneResult) -> set[int]:
    """Numbers of complete trials that are as good as the best, as far as their trainings can tell;
    the best is not among them. Empty where the spread over seeds is not known.
    """
    order = ranked(result)
    if not order or result.spread is None:
        return set()
    best, sd = order[0], result.spread.tie / 2
    known = {t.number: trainings(t, result) for t in order}
    return {
        t.number
        for t in order[1:]
        if gap(t, best, result) < tie_bound(sd, known[t.number], known[best.number])
    }


def default_trial(result: TuneResult) -> Trial | None:
    """The default as it was trained in the search; None unless it is complete."""
    return next((trial for trial in ranked(result) if trial.purpose == "default"), None)


def default_trials(result: TuneResult) -> list[Trial]:
    """The same with all its seeds."""
    return [t for t in searched(result) if t.purpose in DEFAULT and t.state == "complete"]


def states(trials: Sequence[Trial]) -> list[tuple[State, int]]:
    """How many trials ended in each state; states that none has are left out."""
    counts = Counter(trial.state for trial in trials)
    return [(state, counts[state]) for state in STATES if counts[state]]


def places(result: TuneResult) -> int:
    """Decimals of KID that this search can speak of."""
    return decimals(result.spread.sd if result.spread is not None else None)


def difference(candidate: Candidate, finals: Finals) -> float | None:
    """Its mean less that of the default, over whichever seeds each has; negative is better.

    This is the middle of the interval of two groups. None where one of them has no training.
    """
    default = finals.candidates[0]
    if candidate.mean is None or default.mean is None:
        return None
    return candidate.mean - default.mean


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
