"""What a paired evaluation says, as data: a row a method, a number a patient. JSON in and out.

Nothing in here is a real pixel, a name or a path. Numbers of single patients stand in one order
for all rows, so that differences can be paired; which patient is which is not said.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Region = Literal["brain", "field", "lesion", "outside lesion"]
MetricName = Literal["mse", "mae", "nrmse", "psnr", "ssim", "ms_ssim", "roughness", "sharpness"]
"""`roughness` and `sharpness` are 1 for the truth's own: between slices and within them."""


class _Result(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PatientMean(_Result):
    """A number measured a patient, and its mean over patients with a 95 % interval.

    The interval is a cluster bootstrap: whole patients are drawn with replacement. Both ends are
    None with fewer than three patients.
    """

    mean: float
    low: float | None
    high: float | None
    patients: list[float | None] = Field(
        description="one a patient, in the order of all rows; None where it cannot be measured"
    )

    @property
    def n(self) -> int:
        """Patients that could be measured."""
        return sum(value is not None for value in self.patients)


class Score(_Result):
    """One metric of one method in one region."""

    metric: MetricName
    region: Region
    value: PatientMean


class MethodRow(_Result):
    """A way to come by the target contrast, and how near it was to the truth."""

    name: str = Field(description="such as 'mustgan', 'mustgan without T1w', 'copy of T1w'")
    kind: Literal["model", "without a source", "baseline"]
    scores: list[Score]

    def score(self, metric: str, region: str) -> PatientMean | None:
        """The value of a metric in a region; None if it was not measured."""
        found = (s.value for s in self.scores if (s.metric, s.region) == (metric, region))
        return next(found, None)


class Comparison(_Result):
    """The model against another row, patient by patient."""

    against: str
    metric: MetricName
    region: Region
    difference: PatientMean = Field(description="model - other; of PSNR and SSIM more is better")
    p: float | None = Field(description="exact or sampled sign-flip test, two-sided; None: too few")
    p_holm: float | None = Field(description="after Holm's correction over all comparisons")


class CoverageWithout(_Result):
    """The same as in `Uncertainty` where a source is missing, with a calibration of its own."""

    coverage: PatientMean
    width: PatientMean


class Uncertainty(_Result):
    """How often the truth lay within the interval drawn around the translation."""

    level: float = Field(description="coverage that was calibrated for, such as 0.9")
    passes: int = Field(description="Monte-Carlo dropout passes")
    calibrated_on: int = Field(description="patients of the tuning split")
    coverage: PatientMean = Field(description="share of brain voxels covered, test patients")
    coverage_lesion: PatientMean | None = None
    width: PatientMean = Field(description="mean half width in the brain, unit intensities")
    rank_correlation: PatientMean = Field(
        description="Spearman correlation of half width and absolute error in the brain"
    )
    without: dict[str, CoverageWithout] = Field(
        default_factory=dict, description="by the one source that was missing"
    )


class PairedResult(_Result):
    """Everything that a paired evaluation measured."""

    schema_version: Literal[1] = 1
    model: str = Field(description="name of the model's row, always the first")
    sources: list[str]
    target: str
    normalisation: str = Field(description="fixed for all methods, in words")
    n_patients: int
    n_slices: int
    n_patients_with_lesion: int
    image_shape: list[int]
    seed: int
    rows: list[MethodRow]
    comparisons: list[Comparison]
    uncertainty: Uncertainty | None = None
    fusion: list[str] = Field(default_factory=list, description="how mustgan chose its position")
    notes: list[str] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    facts: dict[str, Any] = Field(default_factory=dict)

    def row(self, name: str) -> MethodRow:
        """The row of that name; KeyError if there is none."""
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(name)
