"""What was measured on the tissues of images, as data. JSON in and out, no real pixel in it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from popgan.evidence.statistics import Estimate

FeatureName = Literal["csf", "grey", "white", "ventricles", "contrast", "symmetry"]


class _Result(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DiceFacts(_Result):
    """How well the segmenter agrees with known tissue maps: Dice, 0 to 1, mean over subjects."""

    contrast: str
    side: int = Field(description="of the images, pixels")
    skull: bool = Field(description="whether they showed skulls")
    truth: str = Field(description="what it was held against, in words")
    subjects: int
    csf: float
    grey: float
    white: float
    ventricles: float | None = None
    intervals: dict[str, tuple[float, float]] = Field(
        default_factory=dict, description="95 % over subjects, by tissue"
    )


class Segmenter(_Result):
    """The network that outlined the tissues."""

    weights_sha256: str
    dice: list[DiceFacts] = Field(description="of the contrast that was used; may be empty")
    note: str = Field(description="what it was trained on and checked against, in words")


class PlausibilityCheck(_Result):
    """One figure of a segmentation and the range that real training images have."""

    name: str
    title: str
    low: float
    high: float
    share_synthetic: float = Field(description="of the synthetic images within it", ge=0, le=1)
    share_real: float = Field(description="of the held-out real images within it", ge=0, le=1)


class Reliability(_Result):
    """How many images segment plausibly: without that, their tissues mean nothing."""

    rule: str = Field(description="in words")
    checks: list[PlausibilityCheck]
    synthetic: Estimate = Field(description="share of the images that pass all checks")
    real: Estimate = Field(description="the same of held-out real images, that the rule never saw")
    train: float = Field(description="the same of the training images, which the rule comes from")
    wanted: float = Field(default=0.95, description="share below which features are a warning")

    @property
    def reliable(self) -> bool:
        """Whether enough of the synthetic images segment plausibly."""
        return self.synthetic.value >= self.wanted


class TissueFeature(_Result):
    """One figure of anatomy, synthetic against held-out real images; plausible ones alone."""

    name: FeatureName
    title: str
    unit: str = Field(description="empty for a share")
    synthetic: Estimate = Field(description="mean")
    real: Estimate = Field(description="mean over held-out images")
    wasserstein: Estimate = Field(description="synthetic against held-out, in the unit")
    floor: Estimate = Field(description="Wasserstein distance of training against held-out")
    ks: float = Field(description="two-sample Kolmogorov-Smirnov statistic", ge=0, le=1)
    ks_floor: float = Field(description="the same of training against held-out", ge=0, le=1)
    p: float = Field(description="of the KS statistic, patients permuted", gt=0, le=1)
    p_holm: float = Field(description="over all features", gt=0, le=1)
    how_to_read: str

    @property
    def differs(self) -> bool:
        """Whether the difference is beyond what patients differ from each other, at 5 %."""
        return self.p_holm < 0.05


class TissueResult(_Result):
    """Reliability first, then the features of the images that segment plausibly.

    Where the contrast is not one that the segmenter may be used for, `not_measured` says so and
    there is nothing else.
    """

    contrast: str | None = Field(description="the one that was segmented; None: none could be")
    not_measured: str | None = Field(default=None, description="why there is nothing, in words")
    segmenter: Segmenter | None = None
    reliability: Reliability | None = None
    features: list[TissueFeature] = Field(default_factory=list)
    n_synthetic: int = Field(default=0, description="images that features are computed on")
    n_real: int = 0
    n_subjects: int = Field(default=0, description="held-out patients behind them")
    n_train: int = 0
    n_train_subjects: int = 0
    unit_of_test: str = Field(default="", description="how p was computed, in words")
    warnings: list[str] = Field(default_factory=list)

    def feature(self, name: str) -> TissueFeature:
        """The feature of that name; KeyError if there is none."""
        for feature in self.features:
            if feature.name == name:
                return feature
        raise KeyError(name)
