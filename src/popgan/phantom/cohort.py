"""A cohort of phantom subjects as a small BIDS data set, like any other data set on disk."""

from __future__ import annotations

import gzip
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan._version import __version__
from popgan.errors import UserError
from popgan.files import atomic_path, write_json, write_text
from popgan.phantom.anatomy import head
from popgan.phantom.parameters import SubjectParameters, draw_subject
from popgan.phantom.scanner import scan
from popgan.phantom.signal import SEQUENCES, SETTINGS
from popgan.phantom.template import Template, load_template
from popgan.phantom.tissue import ORDER
from popgan.progress import Reporter
from popgan.scans.nifti import write_nifti_bytes

_LOW = (-108.0, -126.0, -96.0)  # mm, corner of the field of view
_SIZE = (216.0, 240.0, 192.0)  # mm
_NAME = "popgan phantom"
_LABELS = {1: "CSF", 2: "grey matter", 3: "white matter"}  # as in BIDS' common image-derived labels


def write_cohort(
    folder: Path,
    n: int = 60,
    *,
    seed: int = 0,
    spacing: float = 2.0,
    contrasts: Sequence[str] = ("T1w",),
    reporter: Reporter | None = None,
) -> None:
    """Write `n` phantom subjects as a BIDS data set. Same arguments, same bytes.

    Subject k depends on (seed, k) only: a larger cohort begins with the smaller one.

    Args:
        folder: the data set's folder, made if need be.
        n: subjects, at least 1.
        seed: of the population.
        spacing: isotropic voxel size, mm, 1 to 8.
        contrasts: of `T1w`, `T2w`, `PDw`, `FLAIR`.
        reporter: where progress goes.

    Raises:
        UserError: a number out of range, an unknown contrast, or the disk is full.
    """
    _check(n, spacing, contrasts)
    reporter = reporter or Reporter()
    template = load_template()
    shape = _shape(spacing)
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = _LOW
    rows = []
    with reporter.task("phantom subjects", n) as task:
        for index in range(n):
            subject = draw_subject(seed, index)
            name = f"sub-phantom{index + 1:04d}"
            fractions = head(subject, template, origin=_LOW, spacing=spacing, shape=shape)
            for contrast in contrasts:
                path = folder / name / "anat" / f"{name}_{contrast}.nii.gz"
                _write_volume(path, scan(fractions, subject, contrast), affine)
                write_json(_sidecar_path(path), _sidecar(contrast, subject))
            labels = folder / "derivatives" / "phantom" / name / "anat" / f"{name}_dseg.nii.gz"
            _write_volume(labels, label_map(fractions.numpy()), affine)
            rows.append(f"{name}\t{subject.age:.1f}\t{subject.sex}\n")
            task.advance(1)
    _write_tables(folder, rows, template, seed)


def label_map(fractions: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The prevailing tissue of the brain in each voxel: 1 CSF, 2 grey, 3 white, 0 none of them."""
    white, grey, csf = (fractions[ORDER.index(name)] for name in ("wm", "gm", "csf"))
    brain = np.stack([csf, grey, white])
    return np.where(brain.sum(axis=0) > 0.5, brain.argmax(axis=0) + 1, 0).astype(np.uint8)


def _check(n: int, spacing: float, contrasts: Sequence[str]) -> None:
    if n < 1:
        raise UserError(f"a phantom cohort of {n} subjects is not possible", do="give at least 1")
    if not (math.isfinite(spacing) and 1 <= spacing <= 8):
        raise UserError(f"a phantom of {spacing:g} mm is not possible", do="give 1 to 8 mm")
    unknown = [name for name in contrasts if name not in SEQUENCES]
    if unknown or not contrasts or len(set(contrasts)) < len(contrasts):
        raise UserError(
            f"the phantom cannot have the contrasts {', '.join(contrasts) or '(none)'}",
            do=f"choose among {', '.join(SEQUENCES)}, each once",
        )


def _shape(spacing: float) -> tuple[int, int, int]:
    x, y, z = (max(1, round(size / spacing)) for size in _SIZE)
    return x, y, z


def _write_volume(path: Path, data: NDArray[Any], affine: NDArray[np.float64]) -> None:
    """Write gzip without a time in its header, so that the same volume gives the same bytes."""
    packed = gzip.compress(write_nifti_bytes(data, affine), compresslevel=3, mtime=0)
    with atomic_path(path) as temporary:
        temporary.write_bytes(packed)


def _sidecar_path(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".nii.gz") + ".json")


def _sidecar(contrast: str, subject: SubjectParameters) -> dict[str, Any]:
    return {
        "MagneticFieldStrength": 3,
        **SETTINGS[contrast],
        "Manufacturer": "none (simulated)",
        "SeriesDescription": f"{_NAME}, simulated {contrast}",
        "Synthetic": True,
        "PhantomSeed": subject.seed,
        "PhantomIndex": subject.index,
    }


def _write_tables(folder: Path, rows: list[str], template: Template, seed: int) -> None:
    write_text(folder / "participants.tsv", "participant_id\tage\tsex\n" + "".join(rows))
    write_json(
        folder / "participants.json",
        {"age": {"Description": "simulated age", "Units": "year"}, "sex": {"Levels": _SEXES}},
    )
    made_by = {"Name": "popgan", "Version": __version__, "Description": f"{template.name}, {seed=}"}
    write_json(
        folder / "dataset_description.json",
        {"Name": _NAME, "BIDSVersion": "1.10.0", "DatasetType": "raw", "GeneratedBy": [made_by]},
    )
    text = (
        "Simulated brain MRI: no person was scanned. One anatomy underlies every subject, so the\n"
        "subjects are less diverse than people are; numbers from these data are phantom numbers.\n"
    )
    write_text(folder / "README", text)
    derived = folder / "derivatives" / "phantom"
    write_json(
        derived / "dataset_description.json",
        {
            "Name": f"{_NAME}: tissue labels",
            "BIDSVersion": "1.10.0",
            "DatasetType": "derivative",
            "GeneratedBy": [made_by],
        },
    )
    table = "".join(f"{index}\t{name}\n" for index, name in _LABELS.items())
    write_text(derived / "dseg.tsv", "index\tname\n" + table)


_SEXES = {"F": "female", "M": "male"}
