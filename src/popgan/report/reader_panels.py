"""Which figures the section on readers has, and how each of them is to be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from popgan.evidence.readers.answers import CRITERIA
from popgan.evidence.readers.results import (
    Across,
    Agreement,
    Equivalence,
    Measure,
    ReaderStudyResult,
    Repeatability,
    ScoreSummary,
)
from popgan.evidence.readers.sentences import headline, primary
from popgan.report.reader_bars import ScoreBar, score_bars
from popgan.report.reader_intervals import IntervalRow, Scale, intervals
from popgan.report.reader_roc import Roc, roc_curves
from popgan.report.reader_words import (
    TITLES,
    counted_of,
    counted_range,
    label,
    measure_row,
    methods,
    share_row,
    share_row_of,
    span,
    tone,
    with_interval,
)
from popgan.report.words import PERCENT, number


@dataclass(frozen=True)
class ReaderPanel:
    """A figure with the line that says what it rests on and the line that says how to read it."""

    title: str
    basis: str
    svg: Markup
    how: str
    method: str


def accuracy_panel(result: ReaderStudyResult) -> ReaderPanel | None:
    """Each reader's share of right answers, their mean, and the band of equivalence."""
    asked = primary(result)
    equivalence = asked[1] if asked else None
    if result.authenticity and equivalence:
        first = result.authenticity[0]
        each = [(reader.reader or "", reader.accuracy) for reader in first.readers]
        return _accuracy(
            each, first.balanced, equivalence, "right answers", "mean balanced accuracy"
        )
    if result.forced_choice and equivalence:
        forced = result.forced_choice[0]
        each = [(reader.reader, reader.correct) for reader in forced.readers]
        return _accuracy(
            each, forced.correct, equivalence, "right choices", "mean share of right choices"
        )
    return None


def _accuracy(
    each: Sequence[tuple[str, Measure]],
    across: Across,
    equivalence: Equivalence,
    axis: str,
    mean: str,
) -> ReaderPanel:
    margin = equivalence.margin
    rows = [IntervalRow(f"each reader, 95{PERCENT} interval", heading=True)]
    rows += [share_row(name, measure, "muted") for name, measure in each]
    rows += [
        IntervalRow(mean, heading=True),
        share_row(f"95{PERCENT} interval", headline(across), "synthetic"),
        share_row_of(f"90{PERCENT} interval", equivalence.value, equivalence.low, equivalence.high),
    ]
    scale = Scale(
        axis,
        low=0.0 if _lowest(rows) < 0.2 else 0.2,
        high=1.0,
        reference=0.5,
        band=(0.5 - margin, 0.5 + margin),
        share=True,
    )
    shown = "; ".join(f"{row.name} {row.note}" for row in rows if not row.heading)
    how = (
        f"Dotted: guessing. Equivalence to guessing would be shown if the whole 90{PERCENT} "
        f"interval lay within the shaded band, {number(100 * (0.5 - margin))} to "
        f"{number(100 * (0.5 + margin))}{PERCENT}. An interval that merely touches the dotted line "
        "shows nothing."
    )
    readers = [measure for _, measure in each]
    return ReaderPanel(
        "Telling synthetic from real",
        f"{counted_of(headline(across))}; each reader: {counted_range(readers)}",
        intervals(rows, scale, "readers-accuracy", f"Share of right answers: {shown}."),
        how,
        methods([*readers[:1], headline(across)], equivalence.method),
    )


def roc_panel(result: ReaderStudyResult) -> ReaderPanel | None:
    """ROC from confidence."""
    if not result.authenticity:
        return None
    first = result.authenticity[0]
    curves = [
        Roc(
            reader.reader or "",
            [0.0, *(point.false_alarms for point in reader.roc), 1.0],
            [0.0, *(point.hits for point in reader.roc), 1.0],
            pooled=reader.reader is None,
        )
        for reader in (*first.readers, first.pooled)
        if reader.roc
    ]
    if not curves:
        return None
    auc = headline(first.auc)
    areas = "; ".join(f"{r.reader} {number(r.auc.value)}" for r in first.readers)
    return ReaderPanel(
        "ROC curves from confidence",
        f"mean area of all readers {with_interval(auc)}; {counted_of(first.pooled.auc)}",
        roc_curves(curves, "readers-roc", f"ROC curves. Areas by reader: {areas}."),
        "Each dot is one threshold of confidence, from certainly synthetic (lower left) to "
        "certainly real. On the dotted line a reader is guessing; the further up and to the left, "
        "the better synthetic images are recognised.",
        methods([first.readers[0].auc, auc]),
    )


def scores_panel(result: ReaderStudyResult) -> ReaderPanel | None:
    """How often each score was given, by criterion, for real images and each model's."""
    groups = [(TITLES[name], _bars(result, name)) for name in CRITERIA]
    groups = [(title, bars) for title, bars in groups if bars]
    if not groups:
        return None
    said = "; ".join(f"{title}: {', '.join(f'{b.name} mean {b.note}' for b in bars)}"
                     for title, bars in groups)  # fmt: skip
    answers = [sum(summary.counts) for summary in result.scores]
    return ReaderPanel(
        "Scores",
        f"n = {span(answers)} scores a bar; at the right: mean",
        score_bars(groups, "readers-scores", f"Distribution of scores. {said}."),
        "Numbers in the bars are percent of the answers. Bars are centred on the middle of score "
        "3: the further a bar reaches to the right, the better the images were found. Compare a "
        "model with the real images above it, never with the top of the scale.",
        "counts of first answers of all readers; repeats not counted",
    )


def _bars(result: ReaderStudyResult, criterion: str) -> list[ScoreBar]:
    found = [s for s in result.scores if s.criterion == criterion and any(s.counts)]
    return [
        ScoreBar(
            label(summary.source),
            [count / sum(summary.counts) for count in summary.counts],
            f"{_mean(summary):.2f}",
            tone(summary.source, result.models),
        )
        for summary in found
    ]


def _mean(summary: ScoreSummary) -> float:
    if summary.mean.value is not None:
        return summary.mean.value
    weighted = sum(count * score for score, count in enumerate(summary.counts, start=1))
    return weighted / sum(summary.counts)


def differences_panel(result: ReaderStudyResult) -> ReaderPanel | None:
    """Real minus model, by criterion."""
    if not result.differences:
        return None
    several = len(result.models) > 1
    rows: list[IntervalRow] = []
    for criterion in CRITERIA:
        found = [d for d in result.differences if d.criterion == criterion]
        if several and found:
            rows.append(IntervalRow(TITLES[criterion], heading=True))
        rows += [
            measure_row(
                label(d.model) if several else TITLES[criterion],
                d.any_readers if d.any_readers.value is not None else d.difference,
                tone(d.model, result.models),
                named=several,
            )
            for d in found
        ]
    scale = Scale("points of the scale, real minus synthetic", reference=0.0)
    shown = "; ".join(f"{row.name} {row.note}" for row in rows if not row.heading)
    first = result.differences[0]
    return ReaderPanel(
        "Real minus synthetic",
        counted_of(first.any_readers),
        intervals(rows, scale, "readers-differences", f"Real minus synthetic: {shown}."),
        "To the right of the dotted line real images were scored higher. An interval that contains "
        "0 does not show that both are alike: see how far it reaches.",
        methods([first.any_readers]),
    )


def agreement_panel(result: ReaderStudyResult) -> ReaderPanel | None:
    """Agreement between readers, by measure and criterion."""
    measures = (
        ("ICC(2,1): one reader's scores", "icc_single"),
        ("ICC(3,k): the mean of all readers", "icc_mean"),
        ("Weighted kappa, mean over pairs", "weighted_kappa"),
        ("Krippendorff's alpha", "krippendorff"),
        ("Fleiss' kappa", "fleiss"),
    )
    rows: list[IntervalRow] = []
    for title, name in measures:
        found = [(a.criterion, measure) for a in result.agreement if (measure := _of(a, name))]
        if found:
            rows.append(IntervalRow(title, heading=True))
            rows += [measure_row(TITLES[criterion], m, "muted") for criterion, m in found]
    if not rows:
        return None
    first = result.agreement[0]
    basis = f"{number(first.cases)} cases judged by all of {len(first.readers)} readers"
    shown = "; ".join(f"{row.name} {row.note}".strip() for row in rows)
    scale = Scale("agreement", low=_floor(rows), high=1.0, reference=0.0)
    used = [m for a in result.agreement[:1] for _, n in measures if (m := _of(a, n))]
    return ReaderPanel(
        "Agreement between readers",
        basis,
        intervals(rows, scale, "readers-agreement", f"Agreement between readers. {shown}."),
        "1: readers always agree. 0: no more than by chance (dotted). Images that are all alike "
        "give low values even where scores hardly differ. Fleiss' kappa takes neighbouring scores "
        "for as different as any two.",
        methods(used),
    )


def repeats_panel(result: ReaderStudyResult) -> ReaderPanel | None:
    """Agreement of readers with themselves on the repeats."""
    rows: list[IntervalRow] = []
    for title, name in (("Same answer again", "exact"), ("Kappa", "kappa")):
        found = [r for r in result.repeats if r.reader is None and _again(r, name)]
        if found:
            rows.append(IntervalRow(title, heading=True))
            rows += [measure_row(TITLES[r.criterion], _again(r, name), "muted") for r in found]
    if not rows:
        return None
    pooled = [r for r in result.repeats if r.reader is None]
    shown = "; ".join(f"{row.name} {row.note}".strip() for row in rows)
    scale = Scale("agreement with oneself", low=_floor(rows), high=1.0, reference=0.0)
    return ReaderPanel(
        "Agreement of readers with themselves",
        f"{counted_range([r.exact for r in pooled])}, all readers together",
        intervals(rows, scale, "readers-repeats", f"Agreement on repeated images. {shown}."),
        "The same images shown a second time. Readers who do not agree with themselves can hardly "
        "agree with each other.",
        methods([pooled[0].exact, pooled[0].kappa]),
    )


def _of(agreement: Agreement, name: str) -> Measure | None:
    found: Measure | None = getattr(agreement, name)
    return found if found is not None and found.value is not None else None


def _again(repeat: Repeatability, name: str) -> Measure:
    found: Measure = getattr(repeat, name)
    return found


def _lowest(rows: Iterable[IntervalRow]) -> float:
    return min((n for row in rows for n in (row.low, row.value) if n is not None), default=0.0)


def _floor(rows: Iterable[IntervalRow]) -> float:
    """Lower end of an axis of agreement: 0, or below what is shown."""
    lowest = _lowest(rows)
    return -0.05 if lowest >= -0.04 else max(-1.0, lowest - 0.05)
