"""Tables of a cohort: splits, fingerprint, quality control, and who is behind the pseudonyms."""

from __future__ import annotations

from typing import Any

from popgan.cohort.outcome import CohortFiles, Kept
from popgan.cohort.quality import double_rows, quality_rows
from popgan.cohort.series import private_series, public_series
from popgan.files import private_folder, write_json


def write_tables(files: CohortFiles, kept: Kept, numbers: dict[str, Any]) -> None:
    """Write splits, fingerprint and quality control, and the private key to the pseudonyms."""
    dataset = files.run / "dataset"
    options = files.options
    write_json(
        dataset / "splits.json",
        {"seed": options.seed, "fractions": list(options.fractions), "splits": files.splits},
    )
    write_json(dataset / "fingerprint.json", numbers)
    aside = [
        {"subject": item.subject, "contrast": item.contrast, "reason": item.reason}
        for item in files.quarantine
    ]
    told = public_series(files.series, files.pseudonyms)
    qc = {
        "scans": quality_rows(files.quality, files.pseudonyms),
        "doubles": double_rows(files.doubles, files.pseudonyms),
        "quarantined": aside,
        "notes": files.notes,
        "dicom_series": told,
    }
    write_json(dataset / "qc.json", qc)
    private: dict[str, Any] = {}
    for visit, _, _ in kept:
        entry = private.setdefault(
            files.pseudonyms[visit.subject],
            {
                "source_id": visit.subject,
                "files": [],
                "covariates": files.traits.tables.person(visit.subject),
            },
        )
        entry["files"] += [str(found.path) for found in visit.scans]
    quarantined = [
        {"subject": item.subject, "path": str(item.path), "reason": item.reason}
        for item in files.quarantine
    ]
    write_json(
        private_folder(files.run) / "subjects.json",
        {
            "subjects": private,
            "quarantined": quarantined,
            "dicom_series": private_series(files.series, files.pseudonyms),
        },
        mode=0o600,
    )
