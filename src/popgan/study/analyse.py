"""From locked answers to what a study shows: checks first, then numbers, files and checklists."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from popgan import provenance
from popgan.errors import UserError
from popgan.evidence.readers.answers import Answers
from popgan.evidence.readers.record import StudyAnalysis, StudyFacts
from popgan.evidence.readers.suite import analyse as measure
from popgan.files import write_json, write_text
from popgan.progress import Reporter
from popgan.study.answers import read_answers, read_log
from popgan.study.background import background
from popgan.study.checklists import checklist_markdown
from popgan.study.clock import Clock
from popgan.study.database import COORDINATOR, changing, existing, setting
from popgan.study.export import simulated_rows, study_rows, write_answers
from popgan.study.frozen import check_unchanged
from popgan.study.leak_notes import leak_notes
from popgan.study.records import reveal
from popgan.study.registered import Registered, check_registered
from popgan.study.rehearsal import load_rehearsal
from popgan.study.schema import Study
from popgan.wording import counted

Status = Literal["final", "interim", "rehearsal"]
REPLICATES = 2000
_PACKAGES = ("numpy", "scipy")


@dataclass(frozen=True)
class Analysed:
    """What an analysis left.

    Attributes:
        analysis: all of it.
        path: analysis.json.
        checklist: checklist.md.
        answers: answers.csv and answers.json.
    """

    analysis: StudyAnalysis
    path: Path
    checklist: Path
    answers: list[Path]


def analyse_study(
    run: Path,
    *,
    rehearsal: bool = False,
    interim: bool = False,
    replicates: int = REPLICATES,
    reporter: Reporter | None = None,
) -> Analysed:
    """Analyse the reader study of a run and write what was found.

    Args:
        run: the run folder.
        rehearsal: analyse simulated answers instead, into RUN/study/rehearsal.
        interim: analyse although the study is not locked; marked as such everywhere.
        replicates: of the bootstrap.
        reporter: shows progress.

    Raises:
        UserError: the study is not locked, was changed, has no answers, or cannot be written to.
    """
    reporter = reporter or Reporter()
    study = Study.open(run)
    check_unchanged(study)
    registered = check_registered(study)
    locked = _setting(study, "locked")
    status = _status(study, locked, rehearsal=rehearsal, interim=interim)
    answers = load_rehearsal(study).answers if rehearsal else read_answers(study)
    if not (answers.ratings or answers.judgements or answers.choices):
        raise UserError("no reader has answered yet", where=run, do="wait for answers")
    design = study.design
    with reporter.task("analysing answers", None):
        result = measure(answers, margin=design.margin, seed=design.seed, replicates=replicates)
        analysis = StudyAnalysis(
            status=status,
            facts=_facts(study, registered, locked, status),
            result=result,
        )
        finishers = _completers(answers, analysis)
        if finishers is not None:
            alone = measure(
                finishers, margin=design.margin, seed=design.seed, replicates=replicates
            )
            analysis = analysis.model_copy(update={"completers": alone})
    if status != "rehearsal":
        with changing(study) as connection:
            reveal(connection, by=COORDINATOR, stamp=Clock.of(connection).stamp())
    return _write(study, analysis, answers)


def _setting(study: Study, name: str) -> str | None:
    with existing(study) as connection:
        return setting(connection, name) if connection is not None else None


def _status(study: Study, locked: str | None, *, rehearsal: bool, interim: bool) -> Status:
    """What the analysis is; refuses to open the truth of a study that still runs."""
    if rehearsal and interim:
        raise UserError("--rehearsal and --interim exclude each other")
    if rehearsal:
        return "rehearsal"
    if locked is not None:
        return "final"
    if not interim:
        raise UserError(
            "holds a study that is not locked, so its truth stays closed",
            where=study.places.run,
            do="run `popgan study lock` first, or look at it with --interim, which is marked as "
            "such everywhere and was not preregistered",
        )
    return "interim"


def _completers(answers: Answers, analysis: StudyAnalysis) -> Answers | None:
    """The answers of readers who finished; None if all did, or fewer than two."""
    finished = analysis.completed
    if len(finished) == len(answers.readers) or len(finished) < 2:
        return None
    return replace(
        answers,
        readers=tuple(finished),
        ratings=tuple(a for a in answers.ratings if a.reader in finished),
        judgements=tuple(a for a in answers.judgements if a.reader in finished),
        choices=tuple(a for a in answers.choices if a.reader in finished),
    )


def _facts(study: Study, registered: Registered, locked: str | None, status: Status) -> StudyFacts:
    design, leaks = study.design, leak_notes(study)
    log = [] if status == "rehearsal" else read_log(study)
    judged = [version for version in log if version["block"] != "practice"]
    return StudyFacts(
        title=design.title,
        kind=design.kind,
        design=design.hash(),
        preregistration=registered.sha256,
        registered=registered.created,
        first_answer=judged[0]["received"] if judged else None,
        last_answer=judged[-1]["received"] if judged else None,
        locked=locked if status == "final" else None,
        real=design.real,
        synthetic=dict(design.synthetic),
        patients=design.patients,
        per_patient=design.per_patient,
        design_effect=design.design_effect,
        repeats=design.repeats,
        practice=design.practice,
        contrast=design.contrast,
        size=design.size,
        spacing=design.spacing,
        masked=design.masked,
        back=design.back,
        margin=design.margin,
        seed=design.seed,
        generator_seeds=list(design.generator_seeds),
        models=dict(design.models),
        cohort=design.cohort,
        outcomes=dict(registered.outcomes),
        leak_test=leaks.outcome,
        notes=[*leaks.tells, *_notes(judged, _setting(study, "revealed"))],
        versions=_versions(),
    )


def _notes(log: Sequence[dict[str, object]], revealed: str | None) -> list[str]:
    """What whoever reads the results must be told about the answers."""
    found = []
    late = sum(revealed is not None and str(version["received"]) > revealed for version in log)
    if late:
        found.append(
            f"{counted(late, 'answer', 'answers')} came after the truth had been opened "
            f"({revealed}) and may not be blind."
        )
    back = sum(bool(version["clock_went_back"]) for version in log)
    if back:
        times = counted(back, "time", "times")
        found.append(f"The server's clock went back {times}; order is that of the log.")
    return found


def _versions() -> dict[str, str]:
    found = {name: v for name, v in provenance.versions().items() if name in ("popgan", "python")}
    return found | {name: importlib.metadata.version(name) for name in _PACKAGES}


def _write(study: Study, analysis: StudyAnalysis, answers: Answers) -> Analysed:
    """All files of an analysis; analysis.json last, because the report believes in it."""
    folder = study.places.shared
    if analysis.status == "rehearsal":
        folder = folder / "rehearsal"
        rows = simulated_rows(study, answers)
    else:
        rows = study_rows(study, truth=analysis.status == "final")
    tables = write_answers(folder, rows, analysis)
    checklist = folder / "checklist.md"
    about = background(study.places.run, study.design)
    write_text(checklist, checklist_markdown(analysis, about))
    path = folder / "analysis.json"
    write_json(path, analysis.model_dump(mode="json"))
    return Analysed(analysis, path, checklist, tables)
