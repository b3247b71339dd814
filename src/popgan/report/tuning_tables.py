"""The tables of a search: what was searched, the finals, the best trials, and those that ended."""

from __future__ import annotations

from collections.abc import Mapping

from popgan.evidence.experiments.results import (
    Candidate,
    Finals,
    SearchSpace,
    Setting,
    Trial,
    TuneResult,
)
from popgan.evidence.experiments.spread import tie_bound
from popgan.report.tuning_facts import (
    candidate_name,
    default_trial,
    default_trials,
    difference,
    gap,
    places,
    ranked,
    reached,
    score,
    searched,
    standing,
    taken,
    ties,
    trained,
    trainings,
)
from popgan.report.tuning_table import Cell, ResultTable, Row
from popgan.report.tuning_words import (
    between,
    setting_words,
    short_names,
    shown,
    told,
    value_words,
)
from popgan.report.words import PERCENT, duration, number, percent
from popgan.wording import counted

BEST = 10
LIMITS = (
    "Intervals are of the spread between seeds alone. They are not corrected for the number of "
    "candidates, nor for one of them having been chosen because it came out well, so what a "
    "chosen setting gains is overstated as a rule. And patients and latent vectors are those of "
    "the search: fresh seeds do not take away what a setting owes to them. What it is worth on "
    "other patients is measured by popgan evaluate or popgan compare: train with both presets, and "
    "hold both models against the test patients."
)
"""What a final cannot tell; beside it on the page."""


def space_table(result: TuneResult) -> ResultTable | None:
    """Every value that was searched, with its range and what came out; None without any."""
    if not result.space:
        return None
    best, finals = ranked(result)[:1], result.finals
    chosen = finals.candidates[finals.chosen] if finals and finals.chosen else None
    columns: list[tuple[str, Setting]] = []
    if chosen is not None:
        columns.append(("Chosen", chosen.setting))
    elif best and best[0].setting:
        columns.append((f"Best trial ({best[0].number})", best[0].setting))
    head = ["Value", "Searched", "Default", *(title for title, _ in columns)]
    rows = [
        Row(
            "",
            [
                Cell(text=_range(one), remark=_when(one)),
                Cell(value_words(one.default)),
                *(Cell(value_words(taken(one, setting, result.space))) for _, setting in columns),
            ],
            about=told(one.about),
            codes=[one.name],
        )
        for one in result.space
    ]
    return ResultTable(
        "What was searched",
        f"What was searched: {counted(len(rows), 'value', 'values')}. A value that a setting does "
        "not name has its default; a dash: not known, or without meaning there.",
        head,
        rows,
        folded=len(rows) > 4,
        width="space",
    )


def _range(one: SearchSpace) -> str:
    if one.choices:
        return ", ".join(value_words(value) for value in one.choices)
    low, high = value_words(one.low), value_words(one.high)
    kind = [word for word, holds in (("log scale", one.log), ("whole", one.whole)) if holds]
    return f"{low} to {high} ({', '.join(kind)})" if kind else f"{low} to {high}"


def _when(one: SearchSpace) -> str:
    held = [f"only if {name} is {value_words(value)}" for name, value in one.when.items()]
    held += [f"not if {name} is {value_words(value)}" for name, value in one.unless.items()]
    return "; ".join(held)


def finals_table(result: TuneResult) -> ResultTable | None:
    """The finals: fresh seeds for the default and for the best of the search; None before them."""
    finals = result.finals
    if finals is None or not finals.candidates:
        return None
    names, digits = _names(result), places(result)
    rows = [
        Row(
            candidate_name(candidate),
            [
                Cell(shown(candidate.mean, digits), _seeds(candidate)),
                _against_default(finals, place, digits),
                Cell(parts=[shown(value, digits) for value in candidate.values]),
                Cell(shown(candidate.searched, digits)),
                Cell(parts=setting_words(candidate.setting, names) or ["as the preset"]),
            ],
            about=standing(candidate) if place == finals.chosen else _ruled_out(candidate),
            own=place == finals.chosen,
        )
        for place, candidate in enumerate(finals.candidates)
    ]  # fmt: skip
    seeds = ", ".join(map(str, finals.seeds))
    return ResultTable(
        "Finals",
        f"Finals: each trained anew with {'seeds' if len(finals.seeds) > 1 else 'seed'} {seeds}, "
        f"which the search had not used. KID to the tuning split. Difference: to the default, "
        f"95{PERCENT} interval (Student, two groups); negative is better. KID in the search is "
        f"optimistic, because the setting was chosen by it. {LIMITS}",
        ["Setting", "Mean KID", "Difference", "By seed", "In the search", "What differs"],
        rows,
        width="finals",
    )


def _ruled_out(candidate: Candidate) -> str:
    return f"not for choice: {candidate.reason}" if candidate.reason else ""


def _seeds(candidate: Candidate) -> str:
    known, asked = len(trained(candidate)), len(candidate.values)
    if known < asked:
        return f"{known} of {asked} seeds"
    return counted(known, "seed", "seeds")


def _against_default(finals: Finals, place: int, digits: int) -> Cell:
    if not place:
        return Cell("–", "the default itself")
    candidate = finals.candidates[place]
    gap_words = shown(difference(candidate, finals), digits, sign=True)
    remark = between(candidate.low, candidate.high, digits, sign=True)
    return Cell(gap_words, remark or "no interval")


def best_table(result: TuneResult) -> ResultTable | None:
    """The best trials of the search, and the default where it is not among them; None without a
    complete trial.
    """
    order = ranked(result)
    if not order:
        return None
    default = default_trial(result)
    chosen = order[:BEST]
    if default is not None and default not in chosen:
        chosen = [*chosen, default]
    names, digits, equal = _names(result), places(result), ties(result)
    rank = {trial.number: place for place, trial in enumerate(order, start=1)}
    rows = [
        Row(
            f"{rank[trial.number]}. trial {trial.number}",
            [
                _score(trial, result),
                _standing(trial, order[0], equal, digits, result),
                Cell(parts=setting_words(trial.setting, names) or ["as the preset"]),
                _covered(trial, result),
                Cell(duration(trial.seconds), f"{number(trial.images)} images"),
            ],
            about="" if trial.purpose == "sampled" else trial.purpose,
            own=trial.purpose == "default",
        )
        for trial in chosen
    ]
    more = len(order) - len(chosen)
    rest = f" The other {counted(more, 'one is', 'are')} in trials.csv." if more else ""
    return ResultTable(
        "Best trials",
        f"The best of {counted(len(order), 'complete trial', 'complete trials')}, one training "
        f"each{_but_default(result)}.{rest} {_tie_words(result)} Coverage: share of tuning images "
        "that synthetic ones come near to.",
        ["Trial", "KID", "Against the best", "What differs", "Coverage", "Training"],
        rows,
        folded=len(rows) > 4,
        width="trials",
    )  # fmt: skip


def _tie_words(result: TuneResult) -> str:
    if result.spread is None:
        return "The spread over seeds is not known, so no tie can be told from a difference."
    return (
        f"Less than {shown(result.spread.tie, places(result))} apart, which is twice the spread "
        f"over seeds: a tie{_tie_with_default(result)}."
    )


def _tie_with_default(result: TuneResult) -> str:
    """A mean is known better than a single training."""
    count = len(default_trials(result))
    if result.spread is None or count < 2:
        return ""
    bound = tie_bound(result.spread.tie / 2, 1, count)
    return f"; of the default and another, less than {shown(bound, places(result))}"


def _but_default(result: TuneResult) -> str:
    count = len(default_trials(result))
    if count < 2:
        return ""
    return f"; KID and coverage of the default are means over its {count} seeds"


def _score(trial: Trial, result: TuneResult) -> Cell:
    """KID with the error of its one training, or of how many trainings it is the mean."""
    digits, count = places(result), trainings(trial, result)
    kid = shown(score(trial, result), digits)
    if count > 1:
        return Cell(kid, f"mean of {count} seeds")
    return Cell(kid, "" if trial.error is None else f"± {shown(trial.error, digits)}")


def _standing(
    trial: Trial, best: Trial, equal: set[int], digits: int, result: TuneResult
) -> Cell:  # fmt: skip
    if trial.number == best.number:
        return Cell("best")
    behind = shown(gap(trial, best, result), digits, sign=True)
    if trial.number in equal:
        return Cell("tie", behind)
    return Cell("behind" if result.spread is not None else "–", behind)


def _covered(trial: Trial, result: TuneResult) -> Cell:
    alike = default_trials(result) if trial.purpose == "default" else [trial]
    known = [one.coverage for one in alike if one.coverage is not None]
    if not known:
        return Cell("–")
    floor = "" if trial.coverage_floor is None else f"real {percent(trial.coverage_floor)}"
    return Cell(percent(sum(known) / len(known)), floor)


def ended_table(result: TuneResult) -> ResultTable | None:
    """Trials of the search that cannot be chosen, with the reason; None where there is none."""
    found = [trial for trial in searched(result) if trial.state != "complete"]
    if not found:
        return None
    names, digits = _names(result), places(result)
    rows = [
        Row(
            f"trial {trial.number}",
            [
                Cell(trial.state, text=told(trial.reason)),
                Cell(percent(reached(trial)), f"{number(trial.images)} images"),
                _last(trial, digits),
                Cell(parts=setting_words(trial.setting, names) or ["as the preset"]),
                Cell(duration(trial.seconds)),
            ],
        )
        for trial in found
    ]
    return ResultTable(
        "Trials that cannot be chosen",
        "Trials that cannot be chosen. Pruned: stopped at a rung, because others were better "
        "there. Infeasible: complete, but a limit is broken. KIDs before the end of training "
        "cannot be compared with those at the end.",
        ["Trial", "How it ended", "Reached", "Last KID", "What differs", "Training"],
        rows,
        folded=True,
        width="ended",
    )


def _last(trial: Trial, digits: int) -> Cell:
    if trial.kid is not None:
        return Cell(shown(trial.kid, digits), "complete")
    if not trial.points:
        return Cell("–")
    last = trial.points[-1]
    return Cell(shown(last.kid, digits), f"at {percent(last.share)}")


def _names(result: TuneResult) -> Mapping[str, str]:
    """Short names of everything that a setting of this search may hold."""
    more = [name for trial in result.trials for name in trial.setting]
    return short_names([*(one.name for one in result.space), *more])
