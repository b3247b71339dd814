"""What the first pass of ingest found out, and the manifest's records of scans and slices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from popgan.cohort.intensity import Normalisation
from popgan.cohort.label_maps import CohortMaps
from popgan.cohort.manifest import ScanRecord, SliceRecord
from popgan.cohort.options import IngestOptions
from popgan.cohort.quality import Double, ScanQuality
from popgan.cohort.traits import FROM_MAP, Traits
from popgan.cohort.visits import Visit
from popgan.preparation.visit import Prepared
from popgan.scans.dicom_series import Series

_DIGITS = 6

Kept = list[tuple[Visit, Prepared, str]]


@dataclass(frozen=True)
class Quarantine:
    """A file set aside: for qc.json by pseudonym, for private/ by path."""

    subject: str | None
    contrast: str | None
    path: Path
    reason: str


@dataclass(frozen=True)
class CohortFiles:
    """What the first pass found out, for writing."""

    source: Path
    run: Path
    options: IngestOptions
    contrasts: list[str]
    pseudonyms: dict[str, str]
    splits: dict[str, list[str]]
    quarantine: list[Quarantine]
    notes: list[str]
    left_out: int
    label_maps: int
    series: list[Series]
    quality: list[ScanQuality]
    doubles: list[Double]
    traits: Traits
    maps: CohortMaps


def rounded(values: tuple[float, float, float]) -> tuple[float, float, float]:
    """Numbers with the digits that the manifest keeps."""
    return round(values[0], _DIGITS), round(values[1], _DIGITS), round(values[2], _DIGITS)


def _label(
    files: CohortFiles, visit: Visit, prepared: Prepared, row: int, scale: float
) -> str | None:
    """Class of a slice: by the user's word from a table or from its map, else its folder's."""
    if files.options.label == FROM_MAP:
        return files.maps.label(visit, prepared, row, scale)
    if files.options.label is not None:
        return files.traits.labels[visit.subject, visit.number]
    return visit.scans[0].label


def records(
    files: CohortFiles, kept: Kept, scales: list[float], normalisations: list[Normalisation]
) -> tuple[list[ScanRecord], list[SliceRecord]]:
    """Records of the scans and of the rows of the store, in its order."""
    split_of = {subject: split for split, own in files.splits.items() for subject in own}
    scans, slices = [], []
    for (visit, prepared, _), scale in zip(kept, scales, strict=True):
        subject = files.pseudonyms[visit.subject]
        for one, fact in zip(normalisations, prepared.facts, strict=True):
            scans.append(
                ScanRecord(
                    subject=subject,
                    visit=visit.number,
                    contrast=fact.contrast,
                    sha256=fact.sha256,
                    kind=fact.kind,
                    shape=fact.shape,
                    spacing=rounded(fact.spacing),
                    offset=fact.intensity.offset,
                    scale=fact.intensity.scale,
                    curve=one.curve(fact.landmarks).points,
                )
            )
        places = zip(prepared.heights, prepared.positions, strict=True)
        for row, (height, position) in enumerate(places):
            slices.append(
                SliceRecord(
                    subject=subject,
                    visit=visit.number,
                    split=split_of[subject],  # type: ignore[arg-type]
                    height=round(float(height), _DIGITS),
                    position_mm=round(float(position), 3),
                    label=_label(files, visit, prepared, row, scale),
                )
            )
    return scans, slices
