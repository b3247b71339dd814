"""Tables of a cohort: splits, fingerprint, quality control, and who is behind the pseudonyms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from popgan.cohort.licence import keep_licence
from popgan.cohort.outcome import CohortFiles, Kept, Quarantine
from popgan.cohort.quality import double_rows, quality_rows
from popgan.cohort.series import private_series, public_series
from popgan.errors import UserError
from popgan.files import private_folder, read_json, write_json
from popgan.scans.dicom_series import Series

_PEOPLE = "subjects.json"


class NoCohortError(UserError):
    """The files make no cohort, but what became of each is written down.

    Args:
        error: why they make none.
        told: the file that holds the decisions.
    """

    def __init__(self, error: UserError, told: Path) -> None:
        super().__init__(f"{str(error).rstrip('.')}; every decision is in {told}")


def write_tables(files: CohortFiles, kept: Kept, numbers: dict[str, Any]) -> None:
    """Write splits, fingerprint, quality control, licence, and the private key to pseudonyms."""
    dataset = files.run / "dataset"
    options = files.options
    write_json(
        dataset / "splits.json",
        {"seed": options.seed, "fractions": list(options.fractions), "splits": files.splits},
    )
    write_json(dataset / "fingerprint.json", numbers)
    qc = {
        "scans": quality_rows(files.quality, files.pseudonyms),
        "doubles": double_rows(files.doubles, files.pseudonyms),
        "quarantined": _aside(files.quarantine),
        "notes": files.notes,
        "dicom_series": public_series(files.series, files.pseudonyms),
    }
    write_json(dataset / "qc.json", qc)
    keep_licence(files.source, files.run)
    private: dict[str, Any] = {}
    for visit, prepared, _ in kept:
        entry = private.setdefault(
            files.pseudonyms[visit.subject],
            {
                "source_id": visit.subject,
                "files": [],
                "sha256": [],
                "covariates": files.traits.tables.person(visit.subject),
            },
        )
        entry["files"] += [str(found.path) for found in visit.scans]
        entry["sha256"] += [fact.sha256 for fact in prepared.facts]
    _write_private(files.run, private, files.quarantine, files.series, files.pseudonyms)


def told_all_the_same(
    error: UserError,
    run: Path,
    quarantine: list[Quarantine],
    series: Sequence[Series],
    names: dict[str, str],
) -> UserError:
    """Write what became of each file although no cohort comes of them; the error that says so.

    Args:
        error: why no cohort comes of them.
        run: run folder.
        quarantine: files that were set aside.
        series: DICOM series with their decisions.
        names: the source's ids to pseudonyms.
    """
    if not quarantine and not series:
        return error
    told = {
        "scans": [],
        "doubles": [],
        "quarantined": _aside(quarantine),
        "notes": ["no cohort: nothing was stored"],
        "dicom_series": public_series(series, names),
    }
    path = run / "dataset" / "qc.json"
    write_json(path, told)
    _write_private(run, {}, quarantine, series, names)
    return NoCohortError(error, path)


def _aside(quarantine: list[Quarantine]) -> list[dict[str, Any]]:
    return [
        {"subject": item.subject, "contrast": item.contrast, "reason": item.reason}
        for item in quarantine
    ]


class _Subject(BaseModel):
    source_id: str
    files: list[str]


class _LeftOut(BaseModel):
    path: str
    reason: str


class _People(BaseModel):
    """What is looked up in the file of people; it holds more."""

    subjects: dict[str, _Subject]
    quarantined: list[_LeftOut]


def read_people(run: Path) -> dict[str, Any]:
    """Who is behind the pseudonyms of a run, and which files were left out; private.

    Raises:
        UserError: the file is missing or damaged.
    """
    path = run / "private" / _PEOPLE
    again = "ingest the same scans again with --restart"
    if not path.exists():
        raise UserError("does not exist", where=path, do=again)
    try:
        return _People.model_validate(read_json(path)).model_dump()
    except (UserError, ValidationError) as error:
        raise UserError("is damaged", where=path, do=again) from error


def _write_private(
    run: Path,
    subjects: dict[str, Any],
    quarantine: list[Quarantine],
    series: Sequence[Series],
    names: dict[str, str],
) -> None:
    quarantined = [
        {"subject": item.subject, "path": str(item.path), "reason": item.reason}
        for item in quarantine
    ]
    write_json(
        private_folder(run) / _PEOPLE,
        {
            "subjects": subjects,
            "quarantined": quarantined,
            "dicom_series": private_series(series, names),
        },
        mode=0o600,
    )
