"""The tables of the section on readers: rows of ready words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from popgan.evidence.readers.answers import CRITERIA, REAL
from popgan.evidence.readers.results import (
    Across,
    Detection,
    Equivalence,
    ForcedChoice,
    Measure,
    ReaderStudyResult,
    ScoreSummary,
    Test,
    Timing,
)
from popgan.report.reader_words import TITLES, with_interval
from popgan.report.words import PERCENT, number, typeset

_VERDICTS = {
    "equivalent": "shown",
    "different": "not shown; differs from guessing",
    "not shown": "not shown",
    "not measurable": "cannot be judged",
}
Cell = tuple[str, str]
"""A value, and its interval or remark."""


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes:
        caption: what it shows, n and method included.
        head: titles of the columns; the first is that of the rows.
        rows: for each row its name and its cells.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]


def reader_table(result: ReaderStudyResult) -> Table | None:
    """Sensitivity, specificity and so on of every reader, and of their mean."""
    if result.forced_choice:
        return _forced_table(result.forced_choice[0], result.timing)
    if not result.authenticity:
        return None
    first = result.authenticity[0]
    seconds = _seconds(result.timing, "authenticity")
    rows = [
        (reader.reader or "", _detection(reader, seconds.get(reader.reader)))
        for reader in first.readers
    ]
    rows.append(("all answers pooled", _detection(first.pooled, seconds.get(None))))
    return Table(
        "Each reader. Synthetic counts as positive: sensitivity is the share of synthetic images "
        "called synthetic, specificity the share of real images called real. Accuracy: Wilson "
        "interval. d\u2032: distance of both kinds in standard deviations, 0 is guessing; c: below "
        f"0 inclined to say synthetic. In brackets: 95{PERCENT} intervals. Time: median a case.",
        ("Reader", "Sensitivity", "Specificity", "Accuracy", "d\u2032", "c", "AUC", "Time"),
        rows,
    )


def _detection(found: Detection, seconds: Measure | None) -> list[Cell]:
    return [
        share_cell(found.sensitivity),
        share_cell(found.specificity),
        share_cell(found.accuracy),
        value_cell(found.d_prime),
        value_cell(found.criterion),
        value_cell(found.auc),
        (f"{seconds.value:.0f} s" if seconds and seconds.value is not None else "–", ""),
    ]


def _forced_table(forced: ForcedChoice, timing: Sequence[Timing]) -> Table:
    seconds = _seconds(timing, "2afc")
    rows = []
    for reader in forced.readers:
        found = seconds.get(reader.reader)
        time = f"{found.value:.0f} s" if found and found.value is not None else "–"
        cells = [
            share_cell(reader.correct),
            value_cell(reader.d_prime),
            share_cell(reader.left),
            (time, ""),
        ]
        rows.append((reader.reader, cells))
    return Table(
        "Each reader: share of trials in which the real image was chosen (Wilson interval), "
        "d\u2032, share of trials in which the left image was chosen. "
        f"In brackets: 95{PERCENT} intervals.",
        ("Reader", "Right choices", "d\u2032", "Left chosen", "Time"),
        rows,
    )


def model_table(result: ReaderStudyResult) -> Table | None:
    """Detection of each model's images, where there are several models."""
    found: list[tuple[str | None, Across, Across | None, Equivalence]] = [
        *((a.model, a.balanced, a.auc, a.equivalence) for a in result.authenticity),
        *((f.model, f.correct, None, f.equivalence) for f in result.forced_choice),
    ]
    if len(found) < 2:
        return None
    rows = [
        (
            model or "all models",
            [
                share_cell(across.any_readers),
                share_cell(across.these_readers),
                share_cell(across.resampled),
                value_cell(auc.any_readers) if auc else ("–", ""),
                (_VERDICTS[equivalence.verdict], ""),
            ],
        )
        for model, across, auc, equivalence in found
    ]
    return Table(
        "Detection by model (exploratory). The first interval speaks for other readers and images, "
        "the second for these readers and other images; the third is a plain bootstrap of readers "
        f"and cases. All 95{PERCENT}. Equivalence: to guessing, within the margin.",
        ("Images of", "Other readers", "These readers", "Bootstrap", "AUC", "Equivalence"),
        rows,
    )


def score_table(result: ReaderStudyResult) -> Table | None:
    """Mean and median of real images and of each model's, and their difference."""
    if not result.differences:
        return None
    found = {(s.criterion, s.source): s for s in result.scores}
    several = len(result.models) > 1
    rows = []
    for gap in result.differences:
        title = TITLES[gap.criterion]
        cells: list[Cell] = [
            _score(found.get((gap.criterion, REAL))),
            _score(found.get((gap.criterion, gap.model))),
            value_cell(gap.difference),
            value_cell(gap.any_readers),
            value_cell(gap.odds_ratio),
            (_p(gap.test), ""),
        ]
        rows.append((f"{title}, {gap.model}" if several else title, cells))
    method = typeset(result.differences[0].test.method)
    return Table(
        "Scores, 1 worst to 5 best: mean, interval and median. Real minus synthetic: for these "
        "readers, and for other readers as well. Odds ratio: of a real image to get a higher "
        f"score. In brackets: 95{PERCENT} intervals. p: {method}.",
        ("Criterion", "Real", "Synthetic", "These readers", "Other readers", "Odds ratio", "p"),
        rows,
    )


def _score(summary: ScoreSummary | None) -> Cell:
    if summary is None or summary.mean.value is None:
        return "–", ""
    value, span = value_cell(summary.mean)
    return value, f"{span}\nmedian {number(summary.median.value)}".strip()


def comparison_table(result: ReaderStudyResult) -> Table | None:
    """Friedman's test over models, with the post-hoc comparisons."""
    if not result.comparisons:
        return None
    rows = []
    for found in result.comparisons:
        pairs = "; ".join(
            f"{pair.first} minus {pair.second} {_signed(pair.difference)} ({_p(pair.test)})"
            for pair in found.pairs
        )
        cells: list[Cell] = [
            (number(found.test.statistic), ""),
            (_p(found.test), ""),
            (number(found.kendall_w), ""),
            (pairs, ""),
        ]
        rows.append((TITLES[found.criterion], cells))
    method = typeset(result.comparisons[0].test.method)
    return Table(
        f"Models against each other. {method}. Pairs: difference of mean scores, p after Holm.",
        ("Criterion", "Statistic", "p", "Kendall's W", "Pairs"),
        rows,
    )


def agreement_table(result: ReaderStudyResult) -> Table | None:
    """Agreement of each criterion."""
    if not result.agreement:
        return None
    rows = []
    for found in result.agreement:
        measures = (found.icc_single, found.icc_mean, found.weighted_kappa)
        cells = [value_cell(m) if m else ("–", "") for m in measures]
        cells += [value_cell(found.krippendorff), value_cell(found.fleiss)]
        cells.append((number(found.cases), f"{found.left_out} left out" if found.left_out else ""))
        rows.append((TITLES[found.criterion], cells))
    return Table(
        f"Agreement between readers. In brackets: 95{PERCENT} intervals. Cases: judged by all of "
        "the readers compared.",
        ("Criterion", "ICC(2,1)", "ICC(3,k)", "Weighted kappa", "Alpha", "Fleiss", "Cases"),
        rows,
    )


def repeat_table(result: ReaderStudyResult) -> Table | None:
    """Agreement of each reader with themselves."""
    if not result.repeats:
        return None
    readers: list[str | None] = [None, *result.readers]
    criteria = list(dict.fromkeys(repeat.criterion for repeat in result.repeats))
    found = {(r.reader, r.criterion): r for r in result.repeats}
    rows = []
    for reader in readers:
        mine = [found.get((reader, criterion)) for criterion in criteria]
        cells = [value_cell(r.kappa) if r else ("–", "") for r in mine]
        cells.append((number(max((r.exact.n for r in mine if r), default=0)), ""))
        rows.append((reader or "all readers", cells))
    return Table(
        "Agreement of readers with themselves on the repeats: kappa, with quadratic weights for "
        f"scores. In brackets: 95{PERCENT} intervals.",
        ("Reader", *(_SHORT.get(criterion, criterion) for criterion in criteria), "Pairs"),
        rows,
    )


_SHORT = {name: name.capitalize() for name in (*CRITERIA, "authenticity")} | {"2afc": "Choice"}


def timing_table(result: ReaderStudyResult) -> Table | None:
    """Median time a case, real and synthetic."""
    rows = [
        (
            f"{_BLOCKS.get(timing.block, timing.block)}: {timing.reader or 'all readers'}",
            [_time(timing.every), _time(timing.real), _time(timing.synthetic)],
        )
        for timing in result.timing
    ]
    if not rows:
        return None
    return Table(
        f"Median seconds that a case was in front of a reader. In brackets: 95{PERCENT} intervals.",
        ("Block and reader", "All", "Real", "Synthetic"),
        rows,
    )


_BLOCKS = {"likert": "scores", "authenticity": "real or synthetic", "2afc": "choice"}


def share_cell(measure: Measure) -> Cell:
    """A share in percent and its interval."""
    if measure.value is None:
        return "–", measure.reason or ""
    span = ""
    if measure.low is not None and measure.high is not None:
        span = f"({100 * measure.low:.0f} to {100 * measure.high:.0f})"
    return f"{100 * measure.value:.0f}{PERCENT}", span


def value_cell(measure: Measure) -> Cell:
    """A number with two decimals and its interval."""
    if measure.value is None:
        return "–", measure.reason or ""
    value, _, span = with_interval(measure).partition(" ")
    return value, span


def _time(measure: Measure | None) -> Cell:
    if measure is None or measure.value is None:
        return "–", ""
    span = ""
    if measure.low is not None and measure.high is not None:
        span = f"({measure.low:.1f} to {measure.high:.1f})"
    return f"{measure.value:.1f} s", span


def _seconds(timing: Sequence[Timing], block: str) -> dict[str | None, Measure]:
    return {t.reader: t.every for t in timing if t.block == block}


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}".replace("-", "\u2212")


def _p(test: Test) -> str:
    value = test.p_holm if test.p_holm is not None else test.p
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
