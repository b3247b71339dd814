"""What the first pass of ingest found out, for writing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from popgan.cohort.identity import seal
from popgan.cohort.label_maps import CohortMaps
from popgan.cohort.options import IngestOptions
from popgan.cohort.quality import Double, ScanQuality
from popgan.cohort.traits import Traits
from popgan.cohort.visits import Visit
from popgan.preparation.visit import Prepared
from popgan.scans.dicom_series import Series

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

    def seal(self, digests: Iterable[str]) -> dict[str, str]:
        """Hashes of files as they may be shown; see `popgan.cohort.identity.seal`."""
        return seal(digests, self.run, keep_ids=self.options.keep_ids)
