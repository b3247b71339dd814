"""Simulated answers of a study, for rehearsing its analysis; kept apart from every real answer.

They lie in RUN/private/study/rehearsal.json (rehearsal-2.json and so on, where several studies
were simulated), never in the database of answers, and name the design that they were drawn for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from popgan.errors import UserError
from popgan.evidence.readers.answers import Answers
from popgan.files import read_json, write_json
from popgan.study.schema import Places, Study

_ANSWERS = TypeAdapter(Answers)
_VERSION = 1


@dataclass(frozen=True)
class Rehearsal:
    """Simulated answers.

    Attributes:
        answers: as a real study would have given them.
        told: what they were drawn with (d', shift, seed ...), for comparing with the analysis.
    """

    answers: Answers
    told: dict[str, Any]


def rehearsal_path(places: Places, number: int = 1) -> Path:
    """Where simulated study number 1, 2, ... lies."""
    return places.private / ("rehearsal.json" if number == 1 else f"rehearsal-{number}.json")


def save_rehearsal(
    study: Study, answers: Answers, told: dict[str, Any] | None = None, *, number: int = 1
) -> Path:
    """Write simulated answers.

    Args:
        study: whose design they follow.
        answers: the answers.
        told: what they were drawn with.
        number: of the simulated study, from 1.

    Returns:
        The file.

    Raises:
        UserError: it cannot be written.
    """
    path = rehearsal_path(study.places, number)
    record = {
        "version": _VERSION,
        "simulated": True,
        "design": study.design.hash(),
        "told": told or {},
        "answers": _ANSWERS.dump_python(answers, mode="json"),
    }
    write_json(path, record, mode=0o600)
    return path


def load_rehearsal(study: Study, number: int = 1) -> Rehearsal:
    """Read what `save_rehearsal` wrote.

    Raises:
        UserError: nothing was simulated, the file is damaged, or it is of another design.
    """
    path = rehearsal_path(study.places, number)
    if not path.exists():
        raise UserError(
            "holds no simulated answers", where=path, do="run `popgan study simulate` first"
        )
    record = read_json(path)
    again = "run `popgan study simulate` again"
    try:
        known = record["version"] == _VERSION and record["simulated"] is True
        answers = _ANSWERS.validate_python(record["answers"])
        told, design = dict(record["told"]), record["design"]
    except (KeyError, TypeError, ValueError) as error:
        raise UserError("holds no simulated answers", where=path, do=again) from error
    if not known:
        raise UserError("is of another version of popgan", where=path, do=again)
    if design != study.design.hash():
        raise UserError("was simulated for another design", where=path, do=again)
    return Rehearsal(answers, told)
