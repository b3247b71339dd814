"""The answers of a study as they were stored: for the analysis, for tables, for the coordinator."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from popgan.evidence.readers.answers import (
    CRITERIA,
    Answers,
    Case,
    Choice,
    Judgement,
    Rating,
)
from popgan.study.database import existing
from popgan.study.schema import Block, Stimulus, Study, Trial

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_COLUMNS = (
    *("version", "reader", "block", "position", "trial", "latest", "complete"),
    *(*CRITERIA, "real", "choice", "confidence", "remark"),
    *("shown_ms", "client_time", "received", "clock_went_back"),
)
_TRUTH = ("repeat", "case", "source", "cluster", "case_right", "source_right", "cluster_right")


def read_answers(study: Study) -> Answers:
    """Complete answers, the latest version of each; practice is left out.

    Raises:
        UserError: the file of answers is damaged or held by another program.
    """
    truth = {stimulus.case: stimulus for stimulus in study.key.stimuli}
    ratings: list[Rating] = []
    judgements: list[Judgement] = []
    choices: list[Choice] = []
    for alias, block, trial, values, seconds in _complete(study):
        if block == "practice":
            continue
        repeat = trial.repeat
        case = trial.cases[0]
        if block == "likert":
            scores = {criterion: values[criterion] for criterion in CRITERIA}
            ratings.append(Rating(alias, case, scores, repeat, seconds))
        elif block == "authenticity":
            says, confidence = values["real"], values["confidence"]
            judgements.append(Judgement(alias, case, says, confidence, repeat, seconds))
        else:
            choices.append(_choice(alias, trial, truth, values, seconds))
    return Answers(
        cases={
            stimulus.case: Case(stimulus.case, stimulus.source, stimulus.cluster)
            for stimulus in study.key.stimuli
            if not stimulus.practice
        },
        readers=tuple(plan.alias for plan in study.key.readers),
        ratings=tuple(ratings),
        judgements=tuple(judgements),
        choices=tuple(choices),
        planned={
            block: max((len(plan.trials.get(block, [])) for plan in study.key.readers), default=0)
            for block in study.design.blocks
        },
    )


def _choice(
    alias: str,
    trial: Trial,
    truth: Mapping[str, Stimulus],
    values: Mapping[str, Any],
    seconds: float,
) -> Choice:
    left, right = trial.cases
    real_left = truth[left].source == "real"
    left_chosen = values["choice"] == "left"
    return Choice(
        reader=alias,
        real=left if real_left else right,
        synthetic=right if real_left else left,
        correct=left_chosen is real_left,
        confidence=values["confidence"],
        left_chosen=left_chosen,
        repeat=trial.repeat,
        seconds=seconds,
    )


def _complete(study: Study) -> Iterable[tuple[str, Block, Trial, dict[str, Any], float]]:
    """Complete answers in the order of reader, block and trial."""
    found: dict[tuple[str, str, str], tuple[dict[str, Any], float]] = {}
    with existing(study) as connection:
        if connection is not None:
            rows = connection.execute(
                "SELECT l.reader, l.block, l.trial, a.content, l.shown_ms FROM latest l"
                " JOIN answer a ON a.id = l.answer WHERE l.complete"
            )
            found = {tuple(row[:3]): (json.loads(row[3]), row[4] / 1000) for row in rows}
    for plan in study.key.readers:
        for block, trials in plan.trials.items():
            for trial in trials:
                if (plan.alias, block, trial.id) in found:
                    values, seconds = found[plan.alias, block, trial.id]
                    yield plan.alias, block, trial, values, seconds


def read_log(study: Study) -> list[dict[str, Any]]:
    """Every version of every answer in the order in which they came; pseudonymous, no truth.

    Each has `version` (its number), `id` (the browser's), `reader`, `block`, `trial`, `position`
    (from 1, as shown), `values`, `complete`, `latest`, `shown_ms`, `client_time`, `received` and
    `clock_went_back`.
    """
    places = {
        (plan.alias, trial.id): position
        for plan in study.key.readers
        for trials in plan.trials.values()
        for position, trial in enumerate(trials, 1)
    }
    with existing(study) as connection:
        if connection is None:
            return []
        last = {row[0] for row in connection.execute("SELECT answer FROM latest")}
        rows = connection.execute(
            "SELECT id, reader, block, trial, content, complete, shown_ms, client_time, received,"
            " clock_back, uuid FROM answer ORDER BY id"
        ).fetchall()
    return [
        {
            "version": row[0],
            "id": row[10],
            "reader": row[1],
            "block": row[2],
            "position": places.get((row[1], row[3])),
            "trial": row[3],
            "values": json.loads(row[4]),
            "complete": bool(row[5]),
            "latest": row[0] in last,
            "shown_ms": row[6],
            "client_time": row[7],
            "received": row[8],
            "clock_went_back": bool(row[9]),
        }
        for row in rows
    ]


def read_events(study: Study) -> list[dict[str, Any]]:
    """What happened besides answers, in order: consent, breaks, locks, exports."""
    with existing(study) as connection:
        if connection is None:
            return []
        rows = connection.execute(
            "SELECT person, kind, detail, received, clock_back FROM event ORDER BY id"
        ).fetchall()
    return [
        {
            "person": person,
            "kind": kind,
            "detail": json.loads(detail),
            "received": received,
            "clock_went_back": bool(back),
        }
        for person, kind, detail, received, back in rows
    ]


def export_rows(study: Study, truth: bool) -> list[dict[str, object]]:
    """Every version of every answer as one flat row; None where a column does not apply.

    Args:
        study: whose answers.
        truth: also which image it was, whether it was real, and whether it was shown again.
    """
    trials = {
        (plan.alias, trial.id): trial
        for plan in study.key.readers
        for shown in plan.trials.values()
        for trial in shown
    }
    stimuli = {stimulus.case: stimulus for stimulus in study.key.stimuli}
    columns = (*_COLUMNS, *(_TRUTH if truth else ()))
    found = []
    for version in read_log(study):
        row: dict[str, object] = dict.fromkeys(columns)
        row |= {key: version[key] for key in columns if key in version}
        row |= version["values"]
        trial = trials.get((version["reader"], version["trial"]))
        if truth and trial is not None:
            row["repeat"] = trial.repeat
            for case, side in zip(trial.cases, ("", "_right"), strict=False):
                row[f"case{side}"] = case
                row[f"source{side}"] = stimuli[case].source
                row[f"cluster{side}"] = stimuli[case].cluster
        found.append(row)
    return found


def as_csv(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows as CSV in which no cell is a formula when a spreadsheet opens it."""
    columns = list(rows[0]) if rows else list(_COLUMNS)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[column]) for column in columns])
    return out.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    # A leading space does not stop every spreadsheet from seeing a formula.
    harmful = isinstance(value, str) and text.lstrip(" ").startswith(_FORMULA)
    return f"'{text}" if harmful else text
