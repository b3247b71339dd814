"""`popgan study analyse`: what the answers of a locked study show, as a table and in files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from popgan.cli import shared
from popgan.cli.shared import settings_of
from popgan.stations.folder import locked, require_run

if TYPE_CHECKING:
    from popgan.evidence.readers.record import StudyAnalysis
    from popgan.evidence.readers.results import Measure, ReaderStudyResult

HELP = "What the answers show, once the study is locked: numbers, files, checklists."


def analyse(
    context: typer.Context,
    folder: shared.RunFolder,
    rehearsal: Annotated[
        bool, typer.Option("--rehearsal", help="Analyse simulated answers instead; no evidence.")
    ] = False,
    interim: Annotated[
        bool, typer.Option("--interim", help="Before the lock; marked as such everywhere.")
    ] = False,
    replicates: Annotated[
        int,
        typer.Option("--replicates", metavar="N", min=100, max=100_000, help="Of the bootstrap."),
    ] = 2000,
) -> None:
    """See HELP."""
    shown = settings_of(context)
    reporter = shown.reporter()
    require_run(folder)
    shared.start(reporter)
    from popgan.study.analyse import analyse_study

    with locked(folder):
        made = analyse_study(
            folder, rehearsal=rehearsal, interim=interim, replicates=replicates, reporter=reporter
        )
    lines = [
        *told(made.analysis),
        "",
        f"analysis:  {made.path}",
        f"answers:   {made.answers[0]}, {made.answers[1].name}",
        f"checklist: {made.checklist}  (items for a human are blank)",
    ]
    if made.analysis.status != "rehearsal":
        lines.append(f"next: popgan report {folder}")
    shown.show(lines, made.analysis.model_dump(mode="json"))


def told(analysis: StudyAnalysis) -> list[str]:
    """The results for a terminal: the sentences first, then a table a question."""
    from popgan.evidence.readers.sentences import sentences

    result = analysis.result
    lines = [f"*** {analysis.marking}. ***", ""] if analysis.marking else []
    lines += sentences(result)
    for table in (_detection(result), _scores(result), _agreement(result)):
        lines += ["", *table] if table else []
    lines += [f"note: {text}" for text in (*analysis.facts.notes, *result.warnings)]
    return lines


def _detection(result: ReaderStudyResult) -> list[str]:
    head = ("reader", "sensitivity", "specificity", "accuracy", "d'", "c", "AUC")
    rows: list[tuple[str, ...]] = [head]
    if result.authenticity:
        first = result.authenticity[0]
        for reader in (*first.readers, first.pooled):
            shares = (reader.sensitivity, reader.specificity, reader.accuracy)
            values = (reader.d_prime, reader.criterion, reader.auc)
            rows.append(
                (reader.reader or "pooled", *map(_share, shares), *map(_value, values)),
            )
    elif result.forced_choice:
        forced = result.forced_choice[0]
        rows = [("reader", "right choices", "d'", "left chosen", "", "", "")]
        for one in forced.readers:
            cells = (_share(one.correct), _value(one.d_prime), _share(one.left))
            rows.append((one.reader, *cells, "", "", ""))
    return _aligned(rows) if len(rows) > 1 else []


def _scores(result: ReaderStudyResult) -> list[str]:
    means = {(s.criterion, s.source): s.mean for s in result.scores}
    head = ("criterion", "model", "real", "synthetic", "real minus synthetic (other readers)")
    rows: list[tuple[str, ...]] = [head]
    for gap in result.differences:
        real = means.get((gap.criterion, "real"))
        made = means.get((gap.criterion, gap.model))
        cells = (_plain(real), _plain(made), _span(gap.difference), _span(gap.any_readers))
        rows.append((gap.criterion, gap.model, *cells[:2], f"{cells[2]} ({cells[3]})"))
    return _aligned(rows) if len(rows) > 1 else []


def _agreement(result: ReaderStudyResult) -> list[str]:
    head = ("agreement on", "ICC(2,1)", "ICC(3,k)", "weighted kappa", "alpha", "Fleiss")
    rows: list[tuple[str, ...]] = [head]
    for found in result.agreement:
        measures = (found.icc_single, found.icc_mean, found.weighted_kappa)
        cells = [_span(m) if m else "-" for m in measures]
        rows.append(
            (found.criterion, *cells, _span(found.krippendorff), _span(found.fleiss)),
        )
    return _aligned(rows) if len(rows) > 1 else []


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _share(measure: Measure) -> str:
    if measure.value is None:
        return "-"
    text = f"{100 * measure.value:.0f}%"
    if measure.low is None or measure.high is None:
        return text
    return f"{text} ({100 * measure.low:.0f}-{100 * measure.high:.0f})"


def _value(measure: Measure) -> str:
    return "-" if measure.value is None else f"{measure.value:.2f}"


def _plain(measure: Measure | None) -> str:
    return "-" if measure is None else _value(measure)


def _span(measure: Measure) -> str:
    if measure.value is None:
        return "-"
    if measure.low is None or measure.high is None:
        return f"{measure.value:.2f}"
    return f"{measure.value:.2f} [{measure.low:.2f}, {measure.high:.2f}]"
