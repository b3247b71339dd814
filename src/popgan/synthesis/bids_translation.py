"""Translated volumes as a BIDS derivative: one a visit, on the grid of its first source.

The data set grows visit by visit, so that a thousand of them can be interrupted: an image's JSON
sidecar is written last and says what it was made of; where it is, the image is whole. Ids of
subjects are the source's own, because the data set belongs beside it.

Grey values are stored as int16: 0 is background, and `scl_slope` and `scl_inter` lead to grey
values like those of the scans that the model was trained on.
"""

from __future__ import annotations

import contextlib
import gzip
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from popgan._version import __version__
from popgan.errors import UserError
from popgan.files import atomic_path, disk_error, read_json, write_json, write_text
from popgan.synthesis.bids_metadata import DESCRIPTION, bids_name, is_synthetic, known_to_bids
from popgan.synthesis.bids_translation_words import (
    INPUTS,
    UNCERTAIN,
    About,
    description,
    image_words,
    readme,
    shared,
)

LEVELS = 32000
"""Stored value of the brightest unit intensity."""

_EFFORT = 3  # of compression; more costs seconds and saves little


@dataclass(frozen=True)
class Geometry:
    """Where voxels lie.

    Attributes:
        affine: voxel indices to RAS+ millimetres, 4 x 4.
        stated: fields of the header of a NIfTI file with the same voxels, whose statement is taken
            over word by word; None makes one of the affine.
    """

    affine: NDArray[np.float64]
    stated: Mapping[str, list[float]] | None


@dataclass(frozen=True)
class VisitFiles:
    """Where the files of one visit lie.

    Attributes:
        image: the translated volume.
        half_width: how uncertain it is, voxel by voxel.
    """

    image: Path
    half_width: Path

    @classmethod
    def of(cls, folder: Path, subject: str, session: str | None, target: str) -> VisitFiles:
        """Names after BIDS; `subject` and `session` are labels without their keys."""
        stem = f"sub-{subject}" + (f"_ses-{session}" if session else "")
        anat = folder / f"sub-{subject}" / (f"ses-{session}" if session else "") / "anat"
        entities, suffix = bids_name(target)
        return cls(
            anat / f"{stem}_{entities}desc-synthetic_{suffix}.nii.gz",
            anat / f"{stem}_{entities}desc-uncertainty_{suffix}.nii.gz",
        )

    @property
    def sidecar(self) -> Path:
        """What is said about the image."""
        return _sidecar(self.image)

    def made_of(self) -> str | None:
        """Hash of what the volume that lies there was made of; None where none is whole."""
        try:
            told = read_json(self.sidecar)
            whole = self.image.is_file() and (
                told.get("Uncertainty") is None or self.half_width.is_file()
            )
            return str(told[INPUTS]) if whole else None
        except (UserError, KeyError, AttributeError):
            return None


def open_data_set(folder: Path, about: About) -> None:
    """Make a folder the data set of a model, or go on with one that is.

    Raises:
        UserError: it holds something else, translations of another model, or cannot be written.
    """
    kept = folder / DESCRIPTION
    if folder.exists() and not folder.is_dir():
        raise UserError("is no folder", where=folder, do="choose a new folder")
    if folder.is_dir() and any(folder.iterdir()):
        _refuse_others(folder, about)
    _sweep(folder)
    if not kept.exists() or read_json(kept) != description(about):
        write_json(kept, description(about))
    write_text(folder / "README", readme(about))
    if not known_to_bids(about.target):
        suffix = bids_name(about.target)[1]
        write_text(folder / ".bidsignore", f"*_{suffix}.nii.gz\n*_{suffix}.json\n")


def _refuse_others(folder: Path, about: About) -> None:
    if not is_synthetic(folder) or "Translation" not in read_json(folder / DESCRIPTION):
        leavings = [path for path in folder.iterdir() if not path.name.startswith(".part-")]
        if not leavings:
            return
        raise UserError(
            "holds files that are no translations of popgan",
            where=folder,
            do="choose a new or empty folder",
        )
    if read_json(folder / DESCRIPTION).get("WeightsSHA256") != about.weights:
        raise UserError(
            "holds translations of another model, or of this one before it was trained anew",
            where=folder,
            do="choose another folder, or remove it",
        )


def _sweep(folder: Path) -> None:
    """Remove what killed processes left half-written; others may write here at the same time."""
    for leaving in folder.rglob(".part-*"):
        process = leaving.name.removeprefix(".part-").partition("-")[0]
        if process.isdigit() and not _runs(int(process)):
            with contextlib.suppress(OSError):
                leaving.unlink()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def write_visit(
    files: VisitFiles,
    image: NDArray[np.float32],
    half_width: NDArray[np.float32] | None,
    geometry: Geometry,
    *,
    background: float,
    brightest: float,
    about: About,
    told: Mapping[str, Any],
) -> None:
    """Write one visit; its sidecar comes last.

    Args:
        files: where to.
        image: X x Y x Z grey values in the axes of `geometry`.
        half_width: as large, in the same unit; None where it is not known.
        geometry: of the first source.
        background, brightest: grey values of the unit intensities 0 and 1.
        about: the model.
        told: more for the sidecar.

    Raises:
        UserError: the image is not finite, or the disk is full.
    """
    finite = [np.isfinite(part).all() for part in (image, half_width) if part is not None]
    if not all(finite):
        raise UserError(
            "the model makes values that are not finite, so nothing was written",
            do="its training has diverged: train it again with lower learning rates",
        )
    slope = (brightest - background) / LEVELS
    for path in (files.sidecar, files.half_width, _sidecar(files.half_width)):
        _remove(path)
    common = shared(about) | dict(told)
    if half_width is not None:
        _write_volume(files.half_width, half_width, geometry, slope, 0.0, about)
        write_json(_sidecar(files.half_width), common | {"Description": UNCERTAIN})
    _write_volume(files.image, image, geometry, slope, background, about)
    write_json(files.sidecar, common | {"Description": image_words(about)})


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        explained = disk_error(path, error)
        if explained is None:
            raise
        raise explained from error


def _sidecar(image: Path) -> Path:
    return image.with_name(image.name.removesuffix(".nii.gz") + ".json")


def _write_volume(
    path: Path,
    values: NDArray[np.float32],
    geometry: Geometry,
    slope: float,
    inter: float,
    about: About,
) -> None:
    """One .nii.gz; the same bytes for the same values."""
    stored = np.clip(np.rint((values - np.float32(inter)) / np.float32(slope)), -32768, 32767)
    header = _header(values.shape, geometry, slope, inter, about)
    with (
        atomic_path(path) as temporary,
        temporary.open("wb") as handle,
        gzip.GzipFile("", "wb", _EFFORT, handle, mtime=0) as packed,
    ):
        packed.write(header.as_byteswapped("<").binaryblock + bytes(4))
        packed.write(stored.astype("<i2").tobytes(order="F"))


def _header(
    shape: tuple[int, ...], geometry: Geometry, slope: float, inter: float, about: About
) -> nib.Nifti1Header:
    header = nib.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape(shape)
    header.set_xyzt_units("mm")
    if geometry.stated is None:
        header.set_qform(geometry.affine, code=1)
        header.set_sform(geometry.affine, code=1)
    else:
        for name, numbers in geometry.stated.items():
            # Of pixdim the first four, which say where voxels lie.
            header[name] = [*numbers, *([0.0] * 4)] if name == "pixdim" else np.squeeze(numbers)
    header.set_slope_inter(slope, inter)
    header["cal_min"], header["cal_max"] = inter, inter + slope * LEVELS
    header["intent_name"] = b"synthetic"
    mark = f"SYNTHETIC popgan {__version__} translated by {about.model}"
    header["descrip"] = mark.encode("ascii", "replace")[:79]
    header["magic"], header["vox_offset"] = b"n+1", 352
    return header
