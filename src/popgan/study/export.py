"""Every answer as CSV and JSON, for whoever wants to analyse the study again.

Readers are aliases, images have their opaque names. Patients are numbered anew for the export, in
an order that tells nothing: a pseudonym, or an id that `--keep-ids` kept, does not leave this way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from popgan.evidence.readers.answers import Answers, Case
from popgan.evidence.readers.record import StudyAnalysis
from popgan.files import write_json, write_text
from popgan.study.answers import as_csv, export_rows
from popgan.study.order import Secret
from popgan.study.schema import Study

Row = Mapping[str, object]


def study_rows(study: Study, *, truth: bool) -> list[dict[str, object]]:
    """Every version of every answer, with the truth or without.

    Args:
        study: whose answers.
        truth: whether the study is locked, so that it may be told what was real.
    """
    names = patient_names(study)
    rows = export_rows(study, truth)
    for row in rows:
        for column in ("cluster", "cluster_right"):
            if column in row and row[column] is not None:
                row[column] = names[str(row[column])]
    return rows


def simulated_rows(study: Study, answers: Answers) -> list[dict[str, object]]:
    """Simulated answers in the same spirit; each row says that it was simulated."""
    names = patient_names(study)

    def about(case: Case, side: str = "") -> dict[str, object]:
        cluster = names.get(case.cluster, case.cluster)
        return {f"case{side}": case.name, f"source{side}": case.source, f"cluster{side}": cluster}

    rows: list[dict[str, object]] = []
    for rating in answers.ratings:
        head = _head(rating.reader, "likert", rating.repeat, rating.seconds)
        rows.append({**head, **rating.scores, **about(answers.cases[rating.case])})
    for judged in answers.judgements:
        head = _head(judged.reader, "authenticity", judged.repeat, judged.seconds)
        values: dict[str, object] = {"real": judged.says_real, "confidence": judged.confidence}
        rows.append({**head, **values, **about(answers.cases[judged.case])})
    for choice in answers.choices:
        head = _head(choice.reader, "2afc", choice.repeat, choice.seconds)
        sides = (choice.real, choice.synthetic)
        left, right = sides if choice.left_chosen == choice.correct else sides[::-1]
        chosen: dict[str, object] = {
            "choice": "left" if choice.left_chosen else "right",
            "confidence": choice.confidence,
        }
        pair = about(answers.cases[left]) | about(answers.cases[right], "_right")
        rows.append({**head, **chosen, **pair})
    columns = dict.fromkeys(column for row in rows for column in row)
    return [dict.fromkeys(columns) | row for row in rows]


def _head(reader: str, block: str, repeat: int, seconds: float) -> dict[str, object]:
    head: dict[str, object] = {"simulated": True, "reader": reader, "block": block}
    return {**head, "repeat": repeat, "shown_ms": round(1000 * seconds)}


def patient_names(study: Study) -> dict[str, str]:
    """A name for each cluster: P1, P2 ... for patients, its own for a synthetic image."""
    clusters = {s.cluster for s in study.key.stimuli if s.source == "real"}
    # Shuffled by what nobody outside knows: the order of pseudonyms may follow that of patients.
    secret = Secret.of(study.places)
    judged = {stimulus.cluster for stimulus in study.key.stimuli if not stimulus.practice}
    ordered = sorted(clusters, key=lambda c: (c not in judged, secret.name(f"patient/{c}")))
    names = {cluster: f"P{number}" for number, cluster in enumerate(ordered, start=1)}
    return {s.cluster: s.cluster for s in study.key.stimuli if s.source != "real"} | names


def write_answers(folder: Path, rows: Sequence[Row], analysis: StudyAnalysis) -> list[Path]:
    """Write answers.csv and answers.json.

    Args:
        folder: RUN/study, or that of its rehearsal.
        rows: of equal columns.
        analysis: what was made of them.

    Returns:
        Both files.

    Raises:
        UserError: they cannot be written.
    """
    table, record = folder / "answers.csv", folder / "answers.json"
    write_text(table, as_csv(rows))
    about: dict[str, Any] = {
        "status": analysis.status,
        "marking": analysis.marking,
        "design": analysis.facts.design,
        "preregistration": analysis.facts.preregistration,
    }
    write_json(record, {**about, "answers": list(rows)})
    return [table, record]
