"""The reader study of a run, as the report shows it: what was analysed, and about which weights."""

from __future__ import annotations

from pathlib import Path

from popgan.errors import UserError
from popgan.evidence.readers.record import parse_analysis
from popgan.files import read_json, sha256_file
from popgan.report.readers import About, ReaderContent
from popgan.stations.model import Model


def analysis_path(run: Path) -> Path:
    """Where `popgan study analyse` leaves what it found."""
    return run / "study" / "analysis.json"


def analysis_hash(run: Path) -> str | None:
    """SHA-256 of the analysis; None where there is none."""
    path = analysis_path(run)
    return sha256_file(path) if path.exists() else None


def load_readers(model: Model) -> ReaderContent | None:
    """The reader study of the model's run; None where none was analysed.

    Raises:
        UserError: the analysis is damaged, or of simulated answers.
    """
    path = analysis_path(model.run)
    if not path.exists():
        return None
    analysis = parse_analysis(read_json(path), where=path)
    if analysis.status == "rehearsal":
        raise UserError("is about simulated answers, which are no evidence", where=path,
                        do="remove it; rehearsals belong into study/rehearsal")  # fmt: skip
    judged = analysis.facts.models.get(model.name)
    about: About = "other models"
    if judged is not None:
        about = "these weights" if judged == model.weights_hash() else "other weights"
    return ReaderContent(analysis, about, model.name)
