"""DICOM files to series, each with a decision: used or not, as which contrast, and why.

Files belong together by SeriesInstanceUID. A series is split where geometry, echo, inversion,
contrast agent or part of the signal differs, because then it holds several volumes.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from popgan.scans.contrast import Confidence, Recognised, recognise
from popgan.scans.contrast_map import LEAVE_OUT, ContrastMap
from popgan.scans.dicom_header import DicomFile, DicomFrame
from popgan.scans.dicom_kind import is_derived, no_image, not_anatomical
from popgan.scans.dicom_volume import Pieces, Volumes, sort_slices

Decision = Literal["used", "left out", "set aside"]

FEWEST_SLICES = 5
"""A stack of fewer slices is no volume."""
TIME_SERIES = 5
"""As many volumes at one place are a time series; fewer are repeats of a scan."""
_SURE: dict[Confidence, int] = {"high": 0, "medium": 1, "low": 2}


@dataclass(frozen=True)
class Series:
    """A series (or one volume of it) and what becomes of it.

    Attributes:
        uid: SeriesInstanceUID.
        subject: PatientID, or the study where no id is given.
        session: the study, in an order of time.
        texts: description, protocol and sequence names as typed: private.
        number: of the series.
        files: its files, in order of their names.
        decision: used, left out (readable, of no use here) or set aside (unusable).
        reason: why, in words without a path, a name or free text.
        contrast: its contrast with the reason and how sure it is; None where it was not asked.
        volumes: its slices; None where there is no geometry.
        notes: what else was found: duplicates, repeats, an incomplete volume.
        derived: whether the images are computed or converted from others.
        named: whether a patient's id was stated.
    """

    uid: str
    subject: str
    session: str
    texts: tuple[str, ...]
    number: int
    files: tuple[Path, ...]
    decision: Decision
    reason: str
    contrast: Recognised | None
    volumes: Volumes | None
    notes: tuple[str, ...]
    derived: bool
    named: bool


Item = tuple[Path, DicomFile]


def make_series(files: Iterable[Item], rules: ContrastMap | None = None) -> list[Series]:
    """Group headers into series and decide on each.

    Args:
        files: path and header of every file, in the order of their names.
        rules: the user's word, which overrides recognition.

    Returns:
        Series in the order of subject, study, number and UID.
    """
    by_uid: dict[str, list[Item]] = {}
    for path, file in files:
        by_uid.setdefault(file.series or f"file {file.sop or path}", []).append((path, file))
    found = [part for items in by_uid.values() for part in _decide(items, rules or ContrastMap())]
    found = _best_of_each(found)
    return sorted(found, key=lambda s: (s.subject, s.session, s.number, s.uid, str(s.files[0])))


def _decide(items: list[Item], rules: ContrastMap) -> list[Series]:
    """All parts of one series."""
    items, repeated = _without_duplicates(items)
    notes = (f"{repeated} duplicate files",) if repeated else ()
    result = []
    usable: list[Item] = []
    without: dict[str, list[Item]] = {}
    for item in items:
        reason = no_image(item[1])
        if reason is None and not item[1].frames:
            reason = "states no position or orientation of its slices"
        if reason is None:
            usable.append(item)
        else:
            without.setdefault(reason, []).append(item)
    result += [_series(own, "left out", reason, notes) for reason, own in without.items()]
    parts = _parts(usable)
    directions = {key[0] for key in parts}
    scattered = len(directions) > 2 and all(len(p) < 3 * FEWEST_SLICES for p in parts.values())
    for pieces in parts.values():
        part = _part(pieces, rules, notes, scattered=scattered)
        result.append(part)
    return result


def _without_duplicates(items: list[Item]) -> tuple[list[Item], int]:
    """Files by their SOPInstanceUID, the first of each; and how many others there were."""
    seen: set[str] = set()
    kept = []
    for path, file in items:
        if file.sop and file.sop in seen:
            continue
        seen.add(file.sop)
        kept.append((path, file))
    return kept, len(items) - len(kept)


_Key = tuple[tuple[float, ...], tuple[object, ...]]


def _parts(items: list[Item]) -> dict[_Key, Pieces]:
    """Frames by orientation, and by everything else that makes another volume."""
    parts: dict[_Key, Pieces] = {}
    for path, file in items:
        for frame in file.frames:
            parts.setdefault(_key(file, frame), []).append((path, file, frame))
    return parts


def _key(file: DicomFile, frame: DicomFrame) -> _Key:
    parameters = file.parameters
    te = frame.te if frame.te is not None else parameters.te
    other = (
        (file.rows, file.columns),
        tuple(round(side, 3) for side in frame.spacing),
        None if te is None else round(te, 1),
        None if parameters.ti is None else round(parameters.ti),
        bool(parameters.agent),
        file.component,
        file.image_type[:4],
    )
    # 0.0 keeps -0.0 from being another direction.
    return tuple(round(cosine, 2) + 0.0 for cosine in frame.orientation), other


def _part(pieces: Pieces, rules: ContrastMap, notes: tuple[str, ...], *, scattered: bool) -> Series:
    """Decide on one part: slices of one geometry, echo and contrast."""
    file, frame = pieces[0][1], pieces[0][2]
    volumes = sort_slices(pieces)
    notes = (*notes, *_remarks(volumes))
    items = list(dict.fromkeys((path, file) for path, file, _ in pieces))
    parameters = file.parameters
    if frame.te is not None:
        parameters = dataclasses.replace(parameters, te=frame.te)
    contrast = recognise(parameters)
    word = rules.word(file)
    if word is not None and word != LEAVE_OUT:
        contrast = Recognised(word, "named by the contrast map", "high")
    decision, reason = _verdict(file, volumes, contrast, word, scattered=scattered)
    return _series(items, decision, reason, notes, contrast=contrast, volumes=volumes)


def _verdict(
    file: DicomFile,
    volumes: Volumes,
    contrast: Recognised,
    word: str | None,
    *,
    scattered: bool,
) -> tuple[Decision, str]:
    if word == LEAVE_OUT:
        return "left out", "left out by the contrast map"
    other = not_anatomical(file) if word is None else None
    if other is not None:
        return "left out", other
    if scattered:
        return "left out", "localiser (few slices in each of several directions)"
    if len(volumes.volumes) >= TIME_SERIES and word is None:
        return "left out", f"functional (a time series of {len(volumes.volumes)} volumes)"
    if not volumes.volumes:
        return "set aside", "is incomplete: no volume has all of its slices"
    if volumes.shape[2] < FEWEST_SLICES:
        count = volumes.shape[2]
        return "left out", f"has {count} slice{'s' * (count > 1)}, which makes no volume"
    if volumes.problem is not None:
        return "set aside", volumes.problem
    reason = contrast.reason
    if is_derived(file):
        reason += "; derived or converted from other images by its own word"
    return "used", reason


def _remarks(volumes: Volumes) -> tuple[str, ...]:
    notes = []
    if len(volumes.volumes) > 1:
        notes.append(f"{len(volumes.volumes)} volumes at the same place; the first is taken")
    if volumes.partial:
        notes.append(f"{volumes.partial} slices of an incomplete volume")
    return tuple(notes)


def _series(
    items: list[Item],
    decision: Decision,
    reason: str,
    notes: tuple[str, ...],
    *,
    contrast: Recognised | None = None,
    volumes: Volumes | None = None,
) -> Series:
    path, file = items[0]
    study = file.study or file.series or str(path)
    return Series(
        uid=file.series,
        subject=file.patient or f"study {study}",
        session=f"{file.when} {study}",
        texts=file.parameters.texts,
        number=file.number,
        files=tuple(path for path, _ in items),
        decision=decision,
        reason=reason,
        contrast=contrast,
        volumes=volumes,
        notes=notes,
        derived=is_derived(file),
        named=bool(file.patient),
    )


def _best_of_each(found: list[Series]) -> list[Series]:
    """Of several series with one contrast in a study, use one: the most original and complete."""
    used = [series for series in found if series.decision == "used"]
    counts = Counter(_target(series) for series in used)
    best: dict[tuple[str, str, str], Series] = {}
    for series in sorted(used, key=_preference):
        best.setdefault(_target(series), series)
    result = []
    for series in found:
        if series.decision == "used" and best[_target(series)] is not series:
            others = counts[_target(series)] - 1
            assert series.contrast is not None
            reason = f"another series of this study gives {series.contrast.contrast} "
            reason += f"(one of {others + 1} is taken: original before derived, then the larger)"
            series = dataclasses.replace(series, decision="left out", reason=reason)
        result.append(series)
    return result


def _target(series: Series) -> tuple[str, str, str]:
    contrast = series.contrast.contrast if series.contrast is not None else ""
    return series.subject, series.session, contrast


def _preference(series: Series) -> tuple[bool, int, float, int, str]:
    assert series.contrast is not None and series.volumes is not None
    voxels = float(series.volumes.shape[0] * series.volumes.shape[1] * series.volumes.shape[2])
    return series.derived, _SURE[series.contrast.confidence], -voxels, series.number, series.uid
