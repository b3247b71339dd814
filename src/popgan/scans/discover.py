"""Walk a folder and say what each file is: scan, label map, something else, or set aside.

No voxel is read here. Symbolic links are not followed, hidden files and folders are skipped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from popgan.errors import UserError
from popgan.scans.image import SUFFIXES as PICTURE_SUFFIXES
from popgan.scans.names import is_label_map, is_other_data, volume_meaning
from popgan.scans.pictures import picture_scans
from popgan.scans.scan import Found, Quarantined
from popgan.scans.subjects import SubjectRule

_VOLUME_SUFFIXES = (".nii", ".nii.gz")
_DICOM_SUFFIXES = (".dcm", ".ima", ".dicom", ".dcm.gz")
_DICOM_PROBES = 20  # files without a suffix whose preamble is looked at
_MAX_FILES = 2_000_000


@dataclass
class Discovery:
    """What a folder holds.

    Attributes:
        scans: files taken for scans, sorted by relative path.
        label_maps: relative paths of masks and segmentations; known, not used as images.
        quarantined: files that cannot be used, with the reason.
        notes: remarks for the user, one line each, without paths.
    """

    scans: list[Found] = field(default_factory=list)
    label_maps: list[str] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def discover(source: Path, *, subjects: str | None = None) -> Discovery:
    """Find the scans of a folder.

    Args:
        source: the folder.
        subjects: how files are grouped into subjects: a regular expression with one group, or
            the path of a TSV file; see `popgan.scans.subjects`. None: by the layout.

    Raises:
        UserError: no such folder, nothing in it, no image in it, or DICOM only.
    """
    if not source.exists():
        raise UserError("does not exist", where=source, do="give the folder that holds the scans")
    if not source.is_dir():
        raise UserError("is not a folder", where=source, do="give the folder that holds the scans")
    rule = SubjectRule.parse(subjects) if subjects is not None else None
    result = Discovery()
    volumes: list[tuple[str, Path]] = []
    pictures: list[tuple[str, Path]] = []
    others: list[Path] = []
    count = 0
    for name, path in _files(source, result):
        count += 1
        low = name.lower()
        kind = volumes if low.endswith(_VOLUME_SUFFIXES) else None
        kind = pictures if low.endswith(PICTURE_SUFFIXES) else kind
        if kind is None:
            others.append(path)
        elif is_other_data(name):
            continue
        elif is_label_map(name):
            result.label_maps.append(name)
        else:
            kind.append((name, path))
    _add_volumes(volumes, result)
    # Figures beside volumes are no scans; pictures count only where there are no volumes.
    if volumes and pictures:
        result.notes.append(f"{len(pictures)} pictures beside NIfTI volumes were left out")
    elif pictures:
        result.scans += picture_scans(pictures, source, result.notes, grouped=rule is not None)
    _check_found(result, source, count, others)
    if rule is not None:
        result.scans = rule.apply(result.scans, result.quarantined)
    result.scans.sort(key=lambda found: found.name)
    return result


def _files(source: Path, result: Discovery) -> Iterator[tuple[str, Path]]:
    """Regular, visible files below a folder in a fixed order; links are set aside."""

    def unreadable(error: OSError) -> None:
        where = Path(error.filename) if error.filename else source
        reason = f"folder cannot be read ({error.strerror or 'input/output error'})"
        result.quarantined.append(Quarantined(where, reason))

    seen = 0
    for folder, folders, files in os.walk(source, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in [n for n in folders if (Path(folder) / n).is_symlink()]:
            folders.remove(name)
            _set_link_aside(Path(folder) / name, result)
        for name in sorted(files):
            path = Path(folder) / name
            if name.startswith("."):
                continue
            if path.is_symlink():
                _set_link_aside(path, result)
                continue
            seen += 1
            if seen > _MAX_FILES:
                raise UserError(
                    f"holds more than {_MAX_FILES} files",
                    where=source,
                    do="give the folder that holds the scans, not one above it",
                )
            yield path.relative_to(source).as_posix(), path


def _set_link_aside(path: Path, result: Discovery) -> None:
    reason = "is a symbolic link, which is not followed; copy the file instead"
    result.quarantined.append(Quarantined(path, reason))


def _add_volumes(volumes: list[tuple[str, Path]], result: Discovery) -> None:
    """Add volumes; of several for one subject, visit and contrast the first name is taken."""
    taken: set[tuple[str, str | None, str]] = set()
    repeats = 0
    for name, path in sorted(volumes):
        meaning = volume_meaning(name)
        key = (meaning.subject, meaning.session, meaning.contrast)
        if key in taken:
            repeats += 1
            continue
        taken.add(key)
        result.scans.append(
            Found(path, name, "nifti", meaning.subject, meaning.session, meaning.contrast)
        )
    if repeats:
        result.notes.append(
            f"{repeats} further volumes of a subject, visit and contrast already taken "
            "(other runs or acquisitions) were left out"
        )


def _check_found(result: Discovery, source: Path, count: int, others: list[Path]) -> None:
    """Say in one line why a folder cannot be used, if it cannot; note DICOM beside scans."""
    dicom = _count_dicom(others)
    if result.scans:
        if dicom:
            result.notes.append("DICOM files were left out (DICOM is not read yet)")
        return
    if dicom:
        raise UserError(
            "holds DICOM, which is not read yet",
            where=source,
            do="convert it with dcm2niix (dcm2niix -z y -f %i/%d -o OUT IN) and give OUT",
        )
    if count == 0 and not result.quarantined:
        raise UserError("is empty", where=source, do="give the folder that holds the scans")
    detail = f"{count} files, none of them a NIfTI volume or a PNG, JPEG or TIFF picture"
    if result.label_maps:
        detail = f"only label maps and masks, {len(result.label_maps)} of them"
    elif result.quarantined:
        first = result.quarantined[0]
        detail = f"{len(result.quarantined)} unusable; {first.path.name} {first.reason}"
    raise UserError(
        f"holds no scans ({detail})",
        where=source,
        do="give a folder with subject/contrast.nii.gz, a BIDS data set, or pictures of slices",
    )


def _count_dicom(paths: list[Path]) -> int:
    """How many files are DICOM by suffix, or by the preamble of the first without a suffix."""
    named = sum(path.name.lower().endswith(_DICOM_SUFFIXES) for path in paths)
    bare = [path for path in paths if not path.suffix or path.suffix[1:].isdigit()]
    probed = 0
    for path in bare[:_DICOM_PROBES]:
        try:
            with path.open("rb") as handle:
                probed += handle.read(132)[128:] == b"DICM"
        except OSError:
            continue
    return named + probed
