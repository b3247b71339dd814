"""Walk a folder and say what each file is: scan, label map, something else, or set aside.

DICOM is known by its content, whatever a file is called; volumes and pictures by their names. No
voxel is read here. Symbolic links are not followed, hidden files and folders are skipped.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from popgan.errors import UserError
from popgan.scans.contrast_map import ContrastMap
from popgan.scans.dicom import read_dicom_header
from popgan.scans.dicom_file import looks_like_dicom
from popgan.scans.dicom_header import DicomFile
from popgan.scans.dicom_series import Series, make_series
from popgan.scans.image import SUFFIXES as PICTURE_SUFFIXES
from popgan.scans.label_maps import MapIndex
from popgan.scans.label_names import volume_map_meaning
from popgan.scans.limits import file_start
from popgan.scans.names import is_label_map, is_other_data, volume_meaning, words
from popgan.scans.pictures import picture_scans
from popgan.scans.scan import Found, Kind, Quarantined, ScanError
from popgan.scans.sidecars import Sidecars
from popgan.scans.subjects import SubjectRule
from popgan.scans.volumes import VOLUME_KINDS, kind_of, volume_scans
from popgan.wording import counted

_BIDS = "dataset_description.json"
_SNIFFED = 256  # bytes of a file that tell whether it is DICOM
_MAX_FILES = 2_000_000

HeaderReader = Callable[[list[Path]], Iterable[DicomFile | ScanError]]
"""Headers of DICOM files in the order of their paths, or why there is none."""


@dataclass
class Discovery:
    """What a folder holds.

    Attributes:
        scans: files taken for scans, sorted by relative path.
        label_maps: relative paths of masks and segmentations; those that belong to a scan are
            attached to it (`Found.maps`).
        quarantined: files that cannot be used, with the reason.
        notes: remarks for the user, one line each, without paths.
        series: every DICOM series and what becomes of it.
        ignored: number of files that are neither scans nor DICOM.
    """

    scans: list[Found] = field(default_factory=list)
    label_maps: list[str] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    ignored: int = 0


@dataclass
class _Sorted:
    """Files of a folder by what they are, as (relative name, path)."""

    volumes: list[tuple[str, Path]] = field(default_factory=list)
    pictures: list[tuple[str, Path]] = field(default_factory=list)
    dicom: list[tuple[str, Path]] = field(default_factory=list)
    volume_maps: list[tuple[str, Path]] = field(default_factory=list)
    picture_maps: list[tuple[str, Path]] = field(default_factory=list)
    sidecars: list[tuple[str, Path]] = field(default_factory=list)
    count: int = 0


def read_headers(paths: list[Path]) -> Iterator[DicomFile | ScanError]:
    """Headers of DICOM files, one after the other in this process."""
    for path in paths:
        try:
            yield read_dicom_header(path)
        except ScanError as error:
            yield error


def discover(
    source: Path,
    *,
    subjects: str | None = None,
    contrast_map: str | None = None,
    channels: Sequence[str] | None = None,
    label_map: str | None = None,
    headers: HeaderReader = read_headers,
) -> Discovery:
    """Find the scans of a folder.

    Args:
        source: the folder.
        subjects: how files are grouped into subjects: a regular expression with one group, or
            the path of a TSV file; see `popgan.scans.subjects`. None: by the layout.
        contrast_map: path of a YAML file that names contrasts of DICOM series; see
            `popgan.scans.contrast_map`.
        channels: contrasts of the red, green and blue channel of colour pictures.
        label_map: name of the kind of label map that the user asks for: volumes of that name are
            maps even if no word of theirs says so.
        headers: reads the headers of DICOM files.

    Raises:
        UserError: no such folder, nothing in it, or no image in it.
    """
    if not source.exists():
        raise UserError("does not exist", where=source, do="give the folder that holds the scans")
    if not source.is_dir():
        raise UserError("is not a folder", where=source, do="give the folder that holds the scans")
    rule = SubjectRule.parse(subjects) if subjects is not None else None
    rules = ContrastMap.read(Path(contrast_map)) if contrast_map is not None else None
    result = Discovery()
    files = _sort_files(source, result, label_map)
    result.scans += volume_scans(files.volumes, Sidecars(files.sidecars), result.notes)
    _add_series(files.dicom, result, headers, rules)
    # Figures beside volumes are no scans; pictures count only where there are no volumes.
    if files.pictures and (files.volumes or files.dicom):
        told = counted(len(files.pictures), "picture", "pictures")
        result.notes.append(f"{told} beside volumes left out")
    elif files.pictures:
        result.scans += picture_scans(
            files.pictures, source, result.notes, grouped=rule is not None, channels=channels
        )
    _check_found(result, source, files.count)
    _attach_maps(files, result)
    if rule is not None:
        result.scans = rule.apply(result.scans, result.quarantined)
    result.scans.sort(key=lambda found: found.name)
    return result


def _attach_maps(files: _Sorted, result: Discovery) -> None:
    """Give scans the label maps of their subject and visit, or of their picture."""
    kind: Kind = "picture"
    pictures = [(name, path, kind) for name, path in files.picture_maps]
    volumes = [(name, path, kind_of(name)) for name, path in files.volume_maps]
    index = MapIndex(volumes, pictures if not files.volumes and not files.dicom else [])
    result.scans = index.attach(result.scans)
    result.notes += index.notes()


def _sort_files(source: Path, result: Discovery, label_map: str | None) -> _Sorted:
    """What every file of the folder is, by content for DICOM and by name for the rest."""
    files = _Sorted()
    bids = (source / _BIDS).exists()
    for name, path in _files(source, result):
        files.count += 1
        low = name.lower()
        if low.endswith(".json"):
            files.sidecars.append((name, path))
        kind = files.volumes if low.endswith(tuple(VOLUME_KINDS)) else None
        kind = files.pictures if low.endswith(PICTURE_SUFFIXES) else kind
        # The names of kinds of folders mean something for what has no header to ask.
        if (kind is not None or bids) and is_other_data(name):
            result.ignored += 1
        elif looks_like_dicom(file_start(path, _SNIFFED)):
            files.dicom.append((name, path))
        elif kind is None:
            result.ignored += 1
        elif is_label_map(name) or (kind is files.volumes and _is_called(name, label_map)):
            result.label_maps.append(name)
            maps = files.volume_maps if kind is files.volumes else files.picture_maps
            maps.append((name, path))
        else:
            kind.append((name, path))
    return files


def _is_called(name: str, label_map: str | None) -> bool:
    """Whether a volume is of the kind of label map that the user asks for by its name."""
    if label_map is None or volume_meaning(name).named:
        return False
    meaning = volume_map_meaning(name)
    return meaning is not None and words(meaning.kind) == words(label_map)


def _add_series(
    files: list[tuple[str, Path]],
    result: Discovery,
    headers: HeaderReader,
    rules: ContrastMap | None,
) -> None:
    """Add what DICOM files hold: series to use, and those left out or set aside."""
    names = {path: name for name, path in files}
    readable = []
    for path, header in zip(names, headers(list(names)), strict=True):
        if isinstance(header, ScanError):
            result.quarantined.append(Quarantined(path, str(header)))
        else:
            readable.append((path, header))
    result.series = make_series(readable, rules)
    for series in result.series:
        path = series.files[0]
        if series.decision == "set aside":
            result.quarantined.append(Quarantined(path, series.reason))
        if series.decision != "used" or series.volumes is None or series.contrast is None:
            continue
        result.scans.append(
            Found(
                path=path,
                name=names[path],
                kind="dicom",
                subject=series.subject,
                session=series.session,
                contrast=series.contrast.contrast,
                places=series.volumes.volumes[0],
            )
        )
    nameless = len({s.subject for s in result.series if s.decision == "used" and not s.named})
    if nameless:
        result.notes.append(
            f"{nameless} DICOM studies state no patient id: each is taken for a subject, and a "
            "patient with two of them can reach two splits"
        )


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


def _check_found(result: Discovery, source: Path, count: int) -> None:
    """Say in one line why a folder cannot be used, if it cannot."""
    if result.scans:
        return
    if count == 0 and not result.quarantined:
        raise UserError("is empty", where=source, do="give the folder that holds the scans")
    detail = f"{count} files, none of them DICOM, a NIfTI volume or a PNG, JPEG or TIFF picture"
    if result.label_maps:
        detail = f"only label maps and masks, {len(result.label_maps)} of them"
    elif result.quarantined:
        first = result.quarantined[0]
        detail = f"{len(result.quarantined)} unusable; {first.path.name} {first.reason}"
    elif result.series:
        reasons = Counter(series.reason for series in result.series).most_common(3)
        told = "; ".join(f"{number} x {reason}" for reason, number in reasons)
        detail = f"{len(result.series)} DICOM series, none of them an anatomical MRI scan: {told}"
    raise UserError(
        f"holds no scans ({detail})",
        where=source,
        do="give a folder with DICOM series, subject/contrast.nii.gz, a BIDS data set, or "
        "pictures of slices",
    )
