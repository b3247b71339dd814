"""What an assessment says, as data: metrics with interval, floor and ceilings. JSON in and out.

Nothing in here is a real pixel, a name or a path. `nearest` holds places of images in the training
set, so the file stays with the run; the pages for others, and the JSON beside them, leave it out.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from popgan.evidence.statistics import Estimate


class _Result(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Metric(_Result):
    """One measure of the synthetic set, between what real images and what junk would get."""

    name: str
    title: str
    unit: str = Field(description="empty for a pure number")
    better: Literal["lower", "higher", "reference"] = Field(
        description="`reference`: the nearer to the floor, the better"
    )
    value: Estimate
    floor: float | None = Field(description="the same measure, real against real")
    floor_low: float | None = Field(default=None, description="95 % interval of the floor")
    floor_high: float | None = None
    ceilings: dict[str, float] = Field(description="the same measure of deliberately bad images")
    how_to_read: str
    basis: str = Field(
        default="",
        description="what it is computed on, in words: a network with input size and weights, the "
        "pixels, or radiomics; empty in results of schema 1",
    )


class Spectra(_Result):
    """Mean radial log power spectra for plotting."""

    frequency: list[float] = Field(description="cycles per pixel")
    synthetic: list[float] = Field(description="dB")
    reference: list[float] = Field(description="dB, mean over the held-out real images")
    mean_image: list[float] = Field(description="dB, of the mean training image")


class NearestPair(_Result):
    """The training images most like one synthetic image, in features and in pixels."""

    synthetic: int
    train: int
    distance: float = Field(description="Euclidean, in feature space")
    train_by_pixels: int
    correlation: float = Field(description="of all pixels, without alignment")


class FidelityResult(_Result):
    """Everything that `assess` measured."""

    schema_version: Literal[1, 2] = 2
    backbone: dict[str, Any]
    seed: int
    image_shape: list[int] = Field(description="contrasts, rows, columns")
    n_train: int
    n_reference: int
    n_synthetic: int
    n_matched: int = Field(description="images a side where a metric's bias depends on the number")
    n_train_subjects: int
    n_reference_subjects: int
    metrics: list[Metric]
    warnings: list[str]
    spectra: Spectra
    nearest: list[NearestPair]
    synthetic_mean: list[list[list[float]]] = Field(description="C x H x W, in [-1, 1]")
    synthetic_std: list[list[list[float]]] = Field(description="C x H x W")

    def metric(self, name: str) -> Metric:
        """The metric of that name; KeyError if there is none."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise KeyError(name)
