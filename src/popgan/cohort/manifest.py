"""The manifest: what the cohort consists of, with a hash of every part. Pseudonyms only."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from popgan.errors import UserError
from popgan.files import read_json

_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ScanRecord(BaseModel):
    """One source scan used. The way back from a stored value in [0, 1] to the scanner's own:

    original = before * scale + offset, where `before` is what the curve's points (before, after)
    lead back to from the stored value; without points it is the stored value itself. `digest` is
    the keyed hash of the file's SHA-256 (`popgan.cohort.identity.seal`).
    """

    model_config = _STRICT
    subject: str
    visit: int
    contrast: str
    digest: str
    kind: str
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    offset: float
    scale: float
    curve: tuple[tuple[float, float], ...] = ()


class SliceRecord(BaseModel):
    """One row of the store."""

    model_config = _STRICT
    subject: str
    visit: int
    split: Literal["train", "tuning", "test"]
    height: float
    position_mm: float
    label: str | None


class CovariateColumn(BaseModel):
    """A covariate: numbers, or words from a list."""

    model_config = _STRICT
    name: str
    kind: Literal["number", "words"]
    levels: list[str]


class VisitValues(BaseModel):
    """Values of all covariates at one visit, in the order of the columns; None is missing."""

    model_config = _STRICT
    subject: str
    visit: int
    values: list[float | str | None]


class CovariateRecord(BaseModel):
    """The covariates that the user named."""

    model_config = _STRICT
    columns: list[CovariateColumn]
    rows: list[VisitValues]


class LabelMapRecord(BaseModel):
    """The store of label maps. A stored code is a place in `values`.

    Attributes:
        name: which kind of map.
        values: of the source, 0 (no label) first.
        store: SHA-256 of cache/label_maps.npy.
        sources: hashes of the maps' files, sealed as the scans' digests are; sorted.
        least_area_mm2: area of labels from which on a slice counts as showing them.
        valid: of each row of the store, whether there is a map for it.
        names: what a table beside the maps calls the values, where there is one.
    """

    model_config = _STRICT
    name: str
    values: list[int]
    store: str
    sources: list[str]
    least_area_mm2: float
    valid: list[bool]
    names: dict[int, str] = {}


class Manifest(BaseModel):
    """The content of dataset/manifest.json."""

    model_config = _STRICT
    version: Literal[1]
    contrasts: list[str]
    shape: tuple[int, int, int, int]
    spacing: tuple[float, float, float]
    spacing_known: bool
    affine: list[list[float]]
    labels: list[str]
    options: dict[str, Any]
    store: str
    splits: str
    fingerprint: str
    scans: list[ScanRecord]
    slices: list[SliceRecord]
    covariates: CovariateRecord | None = None
    label_map: LabelMapRecord | None = None

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read a manifest.

        Raises:
            UserError: missing, unreadable, or not a manifest.
        """
        try:
            return cls.model_validate(read_json(path, do="run ingest again"))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = ".".join(str(part) for part in first["loc"])
            raise UserError(
                f"is no valid manifest ({name}: {first['msg']})", where=path, do="run ingest again"
            ) from error
