"""What a cohort asks of a scan that is no part of it: how its slices were made comparable.

Read from RUN/dataset alone, so that a model can be used where no slice of its patients is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from popgan.cohort.intensity import Normalisation
from popgan.cohort.manifest import Manifest, ScanRecord
from popgan.cohort.options import IngestOptions
from popgan.cohort.preparation import read_record
from popgan.errors import UserError
from popgan.files import sha256_file
from popgan.preparation.landmarks import PERCENTILES
from popgan.preparation.normalise import Method

_AGAIN = "run ingest again"


class _Recorded(BaseModel):
    """A normalisation as dataset/preparation.json holds it; see `Normalisation.record`."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)
    contrast: str
    choice: Method
    training_scans: int = 0
    standard_scale: tuple[float, ...] = ()


@dataclass(frozen=True)
class WholeRules:
    """How scans of a cohort became slices.

    Attributes:
        contrasts: of the cohort, in the order of its channels.
        options: of its ingest.
        side: of a slice, pixels.
        field: side of the field of view, mm.
        normalisations: of each contrast, learnt on the training subjects.
        heights: lowest and highest slice of the training subjects, 0 bottom to 1 top of the brain.
        largest_picture: larger side of the cohort's largest picture, pixels; 0 where there are
            none, or where their true pixel size is known.
        training: scans of the training subjects.
    """

    contrasts: tuple[str, ...]
    options: IngestOptions
    side: int
    field: float
    normalisations: Mapping[str, Normalisation]
    heights: tuple[float, float]
    largest_picture: float
    training: tuple[ScanRecord, ...]

    @classmethod
    def read(cls, run: Path, cohort: str) -> WholeRules:
        """The rules of a run folder's cohort.

        Args:
            run: the run folder.
            cohort: hash of the manifest that a model was planned for.

        Raises:
            UserError: no cohort, another one, or a damaged or old record.
        """
        path = run / "dataset" / "manifest.json"
        if not path.exists():
            raise UserError("holds no cohort", where=run, do="run ingest first")
        manifest = Manifest.read(path)
        if sha256_file(path) != cohort:
            raise UserError(
                "the model belongs to another cohort than the one ingested now",
                where=run,
                do="ingest the former scans again, or plan and train it anew with --restart",
            )
        return cls._of(manifest, read_record(run), path)

    @classmethod
    def _of(cls, manifest: Manifest, record: dict[str, Any], path: Path) -> WholeRules:
        subjects = {row.subject for row in manifest.slices if row.split == "train"}
        heights = [row.height for row in manifest.slices if row.split == "train"]
        found = _normalisations(record, path)
        if not heights or not set(manifest.contrasts) <= set(found):
            raise UserError("does not say how its scans were normalised", where=path, do=_AGAIN)
        known = manifest.spacing_known
        pictures = [max(s.shape) for s in manifest.scans if s.kind == "picture" and not known]
        return cls(
            contrasts=tuple(manifest.contrasts),
            options=IngestOptions.parse(**manifest.options),
            side=manifest.shape[3],
            # The manifest has the spacing to six digits, the field was set to three.
            field=round(manifest.spacing[1] * manifest.shape[3], 3),
            normalisations=found,
            heights=(min(heights), max(heights)),
            largest_picture=float(max(pictures, default=0)),
            training=tuple(s for s in manifest.scans if s.subject in subjects),
        )


def _normalisations(record: dict[str, Any], path: Path) -> dict[str, Normalisation]:
    try:
        rows = [_Recorded.model_validate(row) for row in record.get("intensity", [])]
    except ValidationError as error:
        raise UserError("holds a damaged record of preparation", where=path, do=_AGAIN) from error
    for row in rows:
        if row.choice == "nyul" and len(row.standard_scale) not in (0, len(PERCENTILES)):
            raise UserError("holds a damaged standard scale", where=path, do=_AGAIN)
    return {
        row.contrast: Normalisation(
            contrast=row.contrast,
            method=row.choice,
            source="rule",
            reason="as the cohort that the model was trained on",
            training_scans=row.training_scans,
            spread=None,
            scale=row.standard_scale,
        )
        for row in rows
    }
