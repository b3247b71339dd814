"""The section on a search: what was tried, what came out, and how far that can be relied upon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from popgan.config.schema import Plan, leaves
from popgan.evidence.experiments.finalists import finalists
from popgan.evidence.experiments.results import Finals, Setting, TuneResult, Value
from popgan.report.svg import Drawing
from popgan.report.tuning_facts import (
    candidate_name,
    difference,
    places,
    ranked,
    score,
    searched,
    states,
    ties,
    trained,
    trainings,
)
from popgan.report.tuning_figures import finals_drawing, learning_curves
from popgan.report.tuning_slices import SmallDrawing, search_slices
from popgan.report.tuning_table import ResultTable
from popgan.report.tuning_tables import best_table, ended_table, finals_table, space_table
from popgan.report.tuning_words import between, granted, listed, sentence, shown, value_words
from popgan.report.words import PERCENT, number
from popgan.wording import counted


@dataclass(frozen=True)
class TuneView:
    """What the template prints.

    Attributes:
        tone: CSS class of the finding.
        headline: what was chosen.
        sentence: how it compares with the default.
        searched: what was tried, and how the trials ended.
        spread: how much the seed alone changes, and what ties with the best.
        lead: data, score and its limits.
        warnings: why the section may not speak for the model of this page.
        finals: seed by seed; None before them.
        tables: the finals first.
        curves: learning curves; None without.
        slices: KID over each value.
        others: other searches of the run, by name.
    """

    tone: str
    headline: str
    sentence: str
    searched: str
    spread: str
    lead: str
    warnings: Sequence[str]
    finals: Drawing | None
    tables: Sequence[ResultTable]
    curves: Drawing | None
    slices: Sequence[SmallDrawing]
    others: str


def tune_view(result: TuneResult | None, plan: Plan, others: Sequence[str] = ()) -> TuneView | None:
    """What the page shows; None without a search."""
    if result is None:
        return None
    tone, headline, found = _finding(result)
    tables = [finals_table(result), best_table(result), ended_table(result), space_table(result)]
    return TuneView(
        tone=tone,
        headline=headline,
        sentence=found,
        searched=_tried(result),
        spread=_spread(result),
        lead=_lead(result),
        warnings=_warnings(result, plan),
        finals=finals_drawing(result),
        tables=[table for table in tables if table is not None],
        curves=learning_curves(result),
        slices=search_slices(result),
        others=f"Other searches of this run: {listed(list(others))}." if others else "",
    )


def _lead(result: TuneResult) -> str:
    height, width = result.shape
    return (
        f"A search of recipe {result.recipe} from preset {result.preset} at {height} × {width} "
        f"pixels: trained on {counted(result.subjects, 'subject', 'subjects')} "
        f"({number(result.slices)} slices), scored by KID to the tuning split "
        f"({counted(result.tuning_subjects, 'subject', 'subjects')}, "
        f"{number(result.tuning_slices)} slices); lower is better. The KID that a search reports "
        "of its best trial is optimistic, because it was chosen by it: finals are trained anew "
        "with fresh seeds, and scored on the same tuning patients. The test split was not touched."
    )


def _finding(result: TuneResult) -> tuple[str, str, str]:
    """CSS class, headline and sentence."""
    finals = result.finals
    if finals is None or not finals.candidates:
        if not result.searching and not _waiting(result):
            return "unknown", "The default stays", _kept(result)
        return "unknown", "Nothing is chosen yet", f"{_unfinished(result)}{_so_far(result)}"
    if not finals.chosen:
        return "unknown", "The default stays", _stays(finals)
    chosen = finals.candidates[finals.chosen]
    better = chosen.high is not None and chosen.high < 0
    words = _compared(result, finals, finals.chosen)
    return "good" if better else "mixed", f"Chosen: {candidate_name(chosen)}", words


def _waiting(result: TuneResult) -> bool:
    """Whether a final is to come, by the rule that makes one: it need not have begun."""
    return bool(finalists(searched(result), 1))


def _unfinished(result: TuneResult) -> str:
    if result.searching:
        return "The search is not complete."
    return (
        "The trials of the search have ended, but its best are still to be trained anew with "
        "fresh seeds beside the default; the same command goes on."
    )


def _so_far(result: TuneResult) -> str:
    """The best of what has ended; empty before that."""
    if not (order := ranked(result)):
        return ""
    best, count = order[0], trainings(order[0], result)
    kid = shown(score(best, result), places(result))
    if best.purpose == "default":
        seeds = f", mean of {count} seeds" if count > 1 else ""
        return f" Best so far: trial {best.number}, the default, KID {kid}{seeds}."
    return f" Best so far: trial {best.number}, KID {kid}, optimistic."


def _kept(result: TuneResult) -> str:
    """Why a search without a final keeps the default."""
    if result.only_default:
        return "Nothing but the default was tried: the trials that were asked for are its seeds."
    return (
        "No trial had a lower KID than the default on average, so none was trained anew with fresh "
        "seeds."
    )


def _stays(finals: Finals) -> str:
    """Why, without what the headline says already."""
    return sentence(finals.reason.removeprefix("the default stays: "))


def _compared(result: TuneResult, finals: Finals, place: int) -> str:
    """A final beside the default, in one sentence."""
    digits, one = places(result), finals.candidates[place]
    gap = difference(one, finals)
    if gap is None:
        return sentence(finals.reason)
    span = between(one.low, one.high, digits, sign=True)
    seeds = counted(len(trained(one)), "fresh seed", "fresh seeds")
    certain = f"95{PERCENT} interval {span}" if span else "no interval"
    open_end = one.low is not None and one.high is not None and one.low <= 0 <= one.high
    tie = " The interval holds 0: no difference was shown." if open_end else ""
    return (
        f"Over {seeds} {candidate_name(one)} has a mean KID of {shown(one.mean, digits)}, the "
        f"default {shown(finals.candidates[0].mean, digits)}: difference "
        f"{shown(gap, digits, sign=True)} ({certain}).{tie}"
    )


def _tried(result: TuneResult) -> str:
    trials = searched(result)
    if not trials:
        return "No trial has begun."
    ended = ", ".join(f"{count} {state}" for state, count in states(trials))
    values = counted(len(result.space), "value", "values")
    seeds = sum(trial.purpose == "seed spread" for trial in trials)
    same = f" {counted(seeds, 'of them is', 'of them are')} the default with other seeds." \
           if seeds else ""  # fmt: skip
    last = len(result.trials) - len(trials)
    finals = f" {counted(last, 'more training was', 'more trainings were')} the finals." \
             if last else ""  # fmt: skip
    return (
        f"{counted(len(trials), 'trial', 'trials')} of {granted(result.seconds)} each searched "
        f"{values}: {ended}.{same}{finals}"
    )


def _spread(result: TuneResult) -> str:
    spread, digits = result.spread, places(result)
    if spread is None:
        return (
            "How much KID varies with the seed alone was not measured: no tie can be told from a "
            "difference."
        )
    sure = between(spread.low, spread.high, digits)
    sure = f"; 95{PERCENT} interval {sure}" if sure else ""
    words = (
        f"Seeds alone: KID of one setting varies by {shown(spread.sd, digits)} (standard deviation"
        f"{_trained_again(result)}{sure}), so trials less than "
        f"{shown(spread.tie, digits)} apart are ties."
    )
    equal = len(ties(result))
    if not ranked(result):
        return words
    best = f"trial {ranked(result)[0].number}"
    if not equal:
        return f"{words} No trial ties with the best, {best}."
    return f"{words} {counted(equal, 'trial ties', 'trials tie')} with the best, {best}."


def _trained_again(result: TuneResult) -> str:
    """Of which trainings a spread is; nothing where that was not kept."""
    spread = result.spread
    if spread is None or not spread.values:
        return ""
    digits, finals = places(result), spread.freedom > len(spread.values) - 1
    default = f" of {counted(len(spread.values), 'training', 'trainings')} of the default: "
    default += ", ".join(shown(value, digits) for value in spread.values)
    return f"{default}{'; and within the settings of the final' if finals else ''}"


def _warnings(result: TuneResult, plan: Plan) -> list[str]:
    found = []
    if result.cohort and result.cohort != plan.data.cohort:
        found.append(
            "This search was made on other data than those that the model of this page was "
            "trained on."
        )
    finals = result.finals
    if finals is not None and finals.chosen:
        other = _differing(plan, finals.candidates[finals.chosen].setting)
        if other:
            values = [f"{name} is {value_words(own)}, chosen was {value_words(asked)}"
                      for name, own, asked in other]  # fmt: skip
            found.append(
                "The model of this page was not trained with all of the chosen values: "
                f"{'; '.join(values)}."
            )
    return found


def _differing(plan: Plan, setting: Setting) -> list[tuple[str, Value, Value]]:
    """Values of the plan that are not those of a setting; a preset's parameters cannot be told."""
    known = dict(leaves(plan))
    return [
        (name, known[name], asked)
        for name, asked in setting.items()
        if isinstance(known.get(name), (bool, int, float, str)) and known[name] != asked
    ]
