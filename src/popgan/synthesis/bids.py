"""Synthetic images as a BIDS derivative: single-slice NIfTI volumes, each marked as synthetic.

The mark stands in five places, because any one of them gets lost on the way: the file name
(`desc-synthetic`), the NIfTI header (`descrip`, `intent_name`), the sidecar, participants.tsv and
dataset_description.json.

Intensities are stored as int16 0..4095 with `scl_slope` 1/4095, so that a reader sees 0..1
(0 = background, 1 = the intensity the cohort was normalised to) in steps of 1/4095: nothing is
squeezed through 8 bits. The same images give the same bytes: the gzip members carry no time and
no file name.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from popgan._version import __version__
from popgan.config.masks import MaskLabel
from popgan.errors import UserError
from popgan.folders import atomic_folder
from popgan.progress import Reporter
from popgan.synthesis.bids_metadata import (
    OWN_FILES,
    Source,
    bids_name,
    check_codes,
    is_synthetic,
    mask_sidecar,
    sidecar,
    write_description,
    write_label_table,
)
from popgan.synthesis.drawn_for import DrawnFor
from popgan.synthesis.masks import to_values
from popgan.synthesis.overlay import hexadecimal
from popgan.synthesis.participants import digits_of, subject_id, write_participants

LEVELS = 4095
"""Largest stored intensity: 12 bits, what MRI scanners deliver."""

_PROGRESS_STEP = 64
_LABELS = 1002  # NIFTI_INTENT_LABEL: values are indices into a table of names


def to_stored(images: NDArray[np.float32]) -> NDArray[np.int16]:
    """Images in [-1, 1] as stored integers 0..4095, rounded, values outside clipped."""
    scaled = (np.asarray(images, np.float32) + 1) * (LEVELS / 2)
    return np.rint(np.clip(scaled, 0, LEVELS)).astype(np.int16)


def write_bids(
    folder: Path,
    images: NDArray[np.float32],
    *,
    contrasts: Sequence[str],
    codes: NDArray[np.uint8] | None = None,
    reporter: Reporter | None = None,
    **about: Any,
) -> Path:
    """Write images that are in memory as a BIDS derivative and return its folder.

    Args:
        folder: folder of the data set.
        images: N x C x H x W, in [-1, 1]; -1 is background.
        contrasts: the C contrasts, such as "T1w", "FLAIR" or "T1wCE".
        codes: N x H x W of their labels, with `masks` among what `about` holds.
        reporter: shows progress.
        about: see `bids_writer`.

    Raises:
        UserError, ValueError: see `bids_writer`.
    """
    _check(images, contrasts)
    count = len(images)
    with (
        bids_writer(folder, count=count, contrasts=contrasts, **about) as add,
        (reporter or Reporter()).task("writing images", total=count) as task,
    ):
        for start in range(0, count, _PROGRESS_STEP):
            block = images[start : start + _PROGRESS_STEP]
            add(block, None if codes is None else codes[start : start + _PROGRESS_STEP])
            task.advance(len(block))
    return folder


@contextmanager
def bids_writer(
    folder: Path,
    *,
    count: int,
    contrasts: Sequence[str],
    to_volume: Callable[[NDArray[Any]], NDArray[Any]],
    affine: NDArray[np.float64],
    spacing: tuple[float, float, float],
    model: str,
    seed: int,
    provenance: Mapping[str, Any],
    plan_hash: str,
    weights_hash: str,
    first_index: int = 0,
    indices: Sequence[int] | None = None,
    whole: int = 0,
    labels: Sequence[str] | None = None,
    drawn: DrawnFor | None = None,
    skull_stripped: bool = False,
    margins: bool = False,
    source_hash: str | None = None,
    masks: Sequence[MaskLabel] = (),
) -> Iterator[Callable[..., None]]:
    """Write a BIDS derivative batch by batch, in the memory of one batch.

    The data set is written beside its final place and renamed when it is complete. An older
    synthetic data set in the same place is replaced; anything else there is left alone.

    Args:
        folder: folder of the data set.
        count: images that will come in all.
        contrasts: the C contrasts, such as "T1w", "FLAIR" or "T1wCE".
        to_volume: turns a slice H x W into a volume X x Y x 1 in the axes of `affine`.
        affine: 4 x 4, RAS+, mm.
        spacing: row, column and slice spacing, mm; must agree with `affine`.
        model: name of the model.
        seed: seed the images were drawn with.
        provenance: versions, machine and time (`popgan.provenance.record()`).
        plan_hash: SHA-256 of the plan.
        weights_hash: SHA-256 of the weights.
        first_index: index of the first image in the seed's stream of samples.
        indices: those of all images, ascending, where some of the stream are left out.
        whole: images of the whole set that these belong to and are named after, if it is larger.
        labels: class label of each image, where the model knows classes.
        drawn: what else the images were drawn for.
        skull_stripped: whether the training images show brains without skull.
        margins: whether some of them were masked with a margin around the brain.
        source_hash: SHA-256 of the cohort's manifest.
        masks: labels that the model draws; then every image has a label map.

    Yields:
        A function that writes the next batch: n x C x H x W in [-1, 1], -1 is background; with
        masks also the codes n x H x W of their labels.

    Raises:
        UserError: the images are not finite, the disk is full, or the folder holds other files.
        ValueError: shapes, labels, count, affine and spacing do not fit each other.
    """
    places = list(indices or range(first_index, first_index + count))
    drawn = drawn or DrawnFor()
    _check_count(count, places, labels, drawn)
    geometry = np.asarray(affine, dtype=np.float64)
    thickness = _thickness(geometry, spacing)
    source = Source(model, seed, plan_hash, weights_hash, skull_stripped, thickness, margins, drawn)
    digits = digits_of(places[-1], whole)
    names = _names(contrasts)
    with atomic_folder(folder, replace=is_synthetic, own=OWN_FILES) as part:
        write_description(part, source, contrasts, count, source_hash, provenance, masks)
        write_participants(part, model, seed, places, digits, labels, drawn)
        if masks:
            colours = [hexadecimal(code) for code in range(1, len(masks) + 1)]
            write_label_table(part, masks, colours)
        header: nib.Nifti1Header | None = None
        done = 0

        def add(images: NDArray[np.float32], codes: NDArray[np.uint8] | None = None) -> None:
            nonlocal header, done
            _check(images, contrasts)
            maps = check_codes(images, codes, masks)
            stored = to_stored(images)
            header = header or _header(to_volume(stored[0, 0]), geometry)
            for place, image in enumerate(stored):
                label = labels[done] if labels is not None else None
                index = places[done]
                about, subject = sidecar(source, index, label, done), subject_id(index, digits)
                _sign(header, source, index)
                _write_subject(part, subject, image, about, names, header, to_volume)
                if maps is not None:
                    volume = to_volume(to_values(maps[place], masks))
                    _write_map(part, subject, volume, about, header, masks)
                done += 1

        yield add
        if done != count:
            raise ValueError(f"{done} images came where {count} were announced")


def _check_count(
    count: int, places: Sequence[int], labels: Sequence[str] | None, drawn: DrawnFor
) -> None:
    if count < 1 or (labels is not None and len(labels) != count):
        raise ValueError(f"{len(labels or ())} labels for {count} images")
    if len(places) != count:
        raise ValueError(f"{len(places)} indices for {count} images")
    drawn.check(count)


def _check(images: NDArray[np.float32], contrasts: Sequence[str]) -> None:
    if images.ndim != 4 or images.shape[1] != len(contrasts) or len(images) == 0:
        raise ValueError(f"images {images.shape} are not N x {len(contrasts)} x H x W")
    if not np.isfinite(images).all():
        raise UserError(
            "the model makes values that are not finite, so nothing was written",
            do="its training has diverged: train again with lower learning rates",
        )


def _thickness(affine: NDArray[np.float64], spacing: tuple[float, float, float]) -> float:
    """Slice spacing in mm, after checking that affine and spacing tell the same story."""
    zooms = np.linalg.norm(affine[:3, :3], axis=0)
    expected = (spacing[1], spacing[0], spacing[2])
    if affine.shape != (4, 4) or not np.allclose(zooms, expected, rtol=0.02):
        raise ValueError(f"affine (voxels {zooms} mm) does not fit spacing {expected} mm")
    return float(zooms[2])


def _names(contrasts: Sequence[str]) -> list[str]:
    """File name of each contrast, after the subject and without extension."""
    if len({bids_name(contrast) for contrast in contrasts}) != len(contrasts):
        raise ValueError(f"contrasts {list(contrasts)} do not have different names in BIDS")
    return [f"{entities}desc-synthetic_{suffix}" for entities, suffix in map(bids_name, contrasts)]


def _header(volume: NDArray[np.int16], affine: NDArray[np.float64]) -> nib.Nifti1Header:
    """The NIfTI header that all files share but for its description."""
    header = nib.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape(volume.shape)
    header.set_xyzt_units("mm", "sec")
    # Code 2 ("aligned"): a true position in millimetres, but in no scanner's coordinates.
    header.set_qform(affine, code=2)
    header.set_sform(affine, code=2)
    header.set_slope_inter(1 / LEVELS, 0)
    header["cal_min"], header["cal_max"] = 0, 1
    header["intent_name"] = b"synthetic"
    header["magic"] = b"n+1"
    header["vox_offset"] = 352
    return header


def _nifti_bytes(volume: NDArray[np.integer], header: nib.Nifti1Header) -> bytes:
    """A complete .nii.gz, the same bytes for the same values."""
    little = np.asarray(volume, dtype=header.get_data_dtype().newbyteorder("<"))
    raw = header.as_byteswapped("<").binaryblock + bytes(4) + little.tobytes(order="F")
    packed = bytearray(gzip.compress(raw, compresslevel=4, mtime=0))
    packed[9] = 255  # "unknown" operating system: Python versions and systems write different ones
    return bytes(packed)


def _write_subject(
    part: Path,
    subject: str,
    image: NDArray[np.int16],
    about: Mapping[str, Any],
    names: list[str],
    header: nib.Nifti1Header,
    to_volume: Callable[[NDArray[Any]], NDArray[Any]],
) -> None:
    """All contrasts of one image, with their sidecars."""
    anat = part / subject / "anat"
    anat.mkdir(parents=True)
    text = json.dumps(about, indent=1, allow_nan=False) + "\n"
    for channel, name in zip(image, names, strict=True):
        stem = anat / f"{subject}_{name}"
        stem.with_name(stem.name + ".nii.gz").write_bytes(_nifti_bytes(to_volume(channel), header))
        stem.with_name(stem.name + ".json").write_text(text, encoding="utf-8")


def _sign(header: nib.Nifti1Header, source: Source, index: int) -> None:
    """Say in a header that its image is synthetic, and which sample of which seed it is."""
    mark = f"SYNTHETIC popgan {__version__} seed {source.seed} index {index} {source.model}"
    header["descrip"] = mark.encode("ascii", "replace")[:79]


def _write_map(
    part: Path,
    subject: str,
    volume: NDArray[np.int32],
    about: Mapping[str, Any],
    header: nib.Nifti1Header,
    masks: Sequence[MaskLabel],
) -> None:
    """The label map of one image, on the same grid and signed alike, with its sidecar."""
    own = header.copy()
    small = all(-(2**15) <= mask.value < 2**15 for mask in masks)
    own.set_data_dtype(np.int16 if small else np.int32)
    own.set_slope_inter(1, 0)
    own["cal_min"], own["cal_max"] = 0, 0
    own["intent_code"] = _LABELS
    stem = part / subject / "anat" / f"{subject}_desc-synthetic_dseg"
    stem.with_name(stem.name + ".nii.gz").write_bytes(_nifti_bytes(volume, own))
    text = json.dumps(mask_sidecar(about, masks), indent=1, allow_nan=False) + "\n"
    stem.with_name(stem.name + ".json").write_text(text, encoding="utf-8")
