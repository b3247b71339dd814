"""From locked answers to what a study shows: checks first, then numbers, files and checklists."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

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
    if rehearsal and interim:
        raise UserError("--rehearsal and --interim exclude each other")
    status, locked = ("rehearsal", None) if rehearsal else _open_truth(study, interim=interim)
    answers = load_rehearsal(study).answers if rehearsal else read_answers(study)
    if not (answers.ratings or answers.judgements or answers.choices):
        raise _unanswered(study)
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
    return _write(study, analysis, answers)


def _setting(study: Study, name: str) -> str | None:
    with existing(study) as connection:
        return setting(connection, name) if connection is not None else None


def _open_truth(study: Study, *, interim: bool) -> tuple[Status, str | None]:
    """What the analysis is and when the study was locked; notes that the truth is opened.

    Both in one transaction and before any answer is read: nobody can open the study in between, and
    what is answered from now on is not blind.
    """
    if not study.places.database.exists():
        _status(study, None, interim=interim)
        raise _unanswered(study)
    with changing(study) as connection:
        locked = setting(connection, "locked")
        status = _status(study, locked, interim=interim)
        found = connection.execute(
            "SELECT 1 FROM latest WHERE complete AND block != 'practice' LIMIT 1"
        )
        if found.fetchone() is None:
            raise _unanswered(study)
        reveal(connection, by=COORDINATOR, stamp=Clock.of(connection).stamp())
    return status, locked


def _unanswered(study: Study) -> UserError:
    return UserError("no reader has answered yet", where=study.places.run, do="wait for answers")


def _status(study: Study, locked: str | None, *, interim: bool) -> Status:
    """What the analysis is; refuses to open the truth of a study that still runs."""
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
        generator_seeds=_generator_seeds(study) if status == "final" else [],
        models=dict(design.models),
        cohort=design.cohort,
        outcomes=dict(registered.outcomes),
        leak_test=leaks.outcome,
        notes=[*leaks.tells, *_notes(study, judged)],
        versions=_versions(),
    )


def _generator_seeds(study: Study) -> list[int]:
    """What draws the images again; told once the study is locked."""
    asked = (s for s in study.key.stimuli if not s.practice)
    return sorted({s.seed for s in asked if s.seed is not None})


def _notes(study: Study, log: Sequence[dict[str, Any]]) -> list[str]:
    """What whoever reads the results must be told about the answers."""
    found = []
    revealed, last = _setting(study, "revealed"), int(_setting(study, "revealed_after") or 0)
    # By their numbers, not by their times: a clock may have gone back.
    late = sum(revealed is not None and version["version"] > last for version in log)
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
