"""A cohort of phantom subjects as a BIDS data set, like any other data set on disk.

Scans lie where BIDS puts raw data; what only a phantom knows (labels, fractions of every tissue,
lesion masks, the subject's parameters) lies under `derivatives/phantom`.
"""

from __future__ import annotations

import dataclasses
import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan._version import __version__
from popgan.files import atomic_path, write_json, write_text
from popgan.phantom.streaming import check_count, stream
from popgan.phantom.subject import Study, Subject
from popgan.phantom.template import load_template
from popgan.progress import Reporter
from popgan.scans.nifti import write_nifti_bytes

_NAME = "popgan phantom"
_DERIVED = Path("derivatives") / "phantom"
# As in BIDS' common image-derived labels, and one more.
_LABELS = {1: "CSF", 2: "grey matter", 3: "white matter", 4: "lesion"}
_ROWS = "participant_id\tage\tsex\tgroup\tsite\n"
_STEPS = 250
"""Fractions are stored in steps of 1/250."""


def write_cohort(
    folder: Path,
    n: int = 60,
    *,
    seed: int = 0,
    spacing: float = 2.0,
    contrasts: Sequence[str] = ("T1w",),
    study: Study | None = None,
    first: int = 0,
    workers: int | None = None,
    reporter: Reporter | None = None,
) -> None:
    """Write `n` phantom subjects as a BIDS data set. Same arguments, same bytes.

    Subject k depends on (seed, k) only: a larger cohort begins with the smaller one.

    Args:
        folder: the data set's folder, made if need be.
        n: subjects, at least 1.
        seed: of the population.
        spacing, contrasts: as in `Study`; not used if `study` is given.
        study: everything that subjects share.
        first: index of the first subject.
        workers: threads; None for as many as cores and memory allow. Bytes do not depend on it.
        reporter: where progress goes.

    Raises:
        UserError: a number out of range, an unknown contrast, nilearn is missing, or the disk is
            full.
    """
    study = study or Study(contrasts=tuple(contrasts), spacing=spacing)
    check_count(n, first)
    reporter = reporter or Reporter()
    name = load_template(procedural=study.procedural).name

    def write(subject: Subject) -> str:
        return write_subject(folder, subject)

    rows = []
    with reporter.task("phantom subjects", n) as task:
        for row in stream(n, write, seed=seed, study=study, first=first, workers=workers):
            rows.append(row)
            task.advance(1)
    _write_tables(folder, rows, f"{name}, {seed=}")


def write_subject(folder: Path, subject: Subject) -> str:
    """Everything about one subject; returns its line of participants.tsv."""
    own = subject.parameters
    name = f"sub-phantom{own.index + 1:04d}"
    for contrast, data in subject.scans.items():
        entity, suffix = ("ce-gadolinium_", "T1w") if contrast == "T1wCE" else ("", contrast)
        path = folder / name / "anat" / f"{name}_{entity}{suffix}.nii.gz"
        _write_volume(path, data, subject.affine)
        write_json(_sidecar_path(path), _sidecar(contrast, subject))
    derived = folder / _DERIVED / name / "anat"
    _write_volume(derived / f"{name}_dseg.nii.gz", subject.labels(), subject.affine)
    fractions = np.rint(np.moveaxis(subject.fractions, 0, -1) * _STEPS).astype(np.uint8)
    path = derived / f"{name}_probseg.nii.gz"
    _write_volume(path, fractions, subject.affine, slope=1 / _STEPS)
    truth = {"LabelMap": list(subject.tissues), "PhantomParameters": dataclasses.asdict(own)}
    write_json(_sidecar_path(path), truth)
    if own.lesions is not None:
        path = derived / f"{name}_label-lesion_mask.nii.gz"
        _write_volume(path, subject.lesion_mask(), subject.affine)
    return f"{name}\t{own.age:.1f}\t{own.sex}\t{own.group}\t{subject.site.name}\n"


def _write_volume(
    path: Path, data: NDArray[Any], affine: NDArray[np.float64], *, slope: float = 1.0
) -> None:
    """Write gzip without a time in its header, so that the same volume gives the same bytes."""
    packed = gzip.compress(write_nifti_bytes(data, affine, slope=slope), compresslevel=1, mtime=0)
    with atomic_path(path) as temporary:
        temporary.write_bytes(packed)


def _sidecar_path(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".nii.gz") + ".json")


def _sidecar(contrast: str, subject: Subject) -> dict[str, Any]:
    found: dict[str, Any] = {
        "MagneticFieldStrength": subject.field,
        **subject.sequences[contrast].sidecar(),
        "Manufacturer": "none (simulated)",
        "InstitutionName": subject.site.name,
        "SeriesDescription": f"{_NAME}, simulated {contrast}",
        "Synthetic": True,
        "SkullStripped": not subject.skull,
        "PhantomSeed": subject.parameters.seed,
        "PhantomIndex": subject.parameters.index,
        "PhantomArtefacts": subject.artefacts[contrast].described(),
    }
    if contrast == "T1wCE":
        found["ContrastBolusIngredient"] = "GADOLINIUM"
    return found


def _write_tables(folder: Path, rows: list[str], origin: str) -> None:
    write_text(folder / "participants.tsv", _ROWS + "".join(rows))
    write_json(
        folder / "participants.json",
        {
            "age": {"Description": "simulated age", "Units": "year"},
            "sex": {"Levels": _SEXES},
            "group": {"Levels": _GROUPS},
            "site": {"Description": "simulated scanner"},
        },
    )
    made_by = {"Name": "popgan", "Version": __version__, "Description": origin}
    write_json(
        folder / "dataset_description.json",
        {"Name": _NAME, "BIDSVersion": "1.10.0", "DatasetType": "raw", "GeneratedBy": [made_by]},
    )
    text = (
        "Simulated brain MRI: no person was scanned. One anatomy underlies every subject: nobody\n"
        "has a gyrus that the template lacks. Numbers from these data are phantom numbers.\n"
    )
    write_text(folder / "README", text)
    derived = folder / _DERIVED
    write_json(
        derived / "dataset_description.json",
        {
            "Name": f"{_NAME}: tissues and lesions",
            "BIDSVersion": "1.10.0",
            "DatasetType": "derivative",
            "GeneratedBy": [made_by],
        },
    )
    table = "".join(f"{index}\t{name}\n" for index, name in _LABELS.items())
    write_text(derived / "dseg.tsv", "index\tname\n" + table)


_SEXES = {"F": "female", "M": "male"}
_GROUPS = {
    "healthy": "no lesion",
    "ms": "simulated multiple sclerosis",
    "tumour": "simulated glioma",
}
