"""What a reader study shows, as data: every number with its n, interval and method in words.

Positive means synthetic: sensitivity is the share of synthetic images that were recognised, and
specificity the share of real images that were called real. Nothing here can be infinite or NaN: a
number that cannot be had is None, and its `reason` says why. JSON in and out.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Verdict = Literal["equivalent", "different", "not shown", "not measurable"]


class _Result(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Measure(_Result):
    """One number with its 95 % interval and the sample that it rests on.

    `value` is None where there is no such number, `low` and `high` where there is no valid
    interval; `reason` then says why.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = Field(ge=0)
    of: str = Field(description="what n counts: answers, images, trials, ...")
    method: str = Field(description="of the interval, in words")
    reason: str | None = Field(default=None, description="why value or interval is missing")

    @model_validator(mode="after")
    def _whole(self) -> Measure:
        if (self.low is None) != (self.high is None):
            raise ValueError("an interval has two ends or none")
        if self.low is None and not self.reason:
            raise ValueError("an interval that is missing has its reason")
        if self.value is None and self.low is not None:
            raise ValueError("an interval without a value")
        return self


class Test(_Result):
    """One test of significance; `p` is None where it could not be done, see `reason`."""

    __test__ = False  # not one of pytest's

    statistic: float | None
    p: float | None = Field(ge=0, le=1)
    p_holm: float | None = Field(
        default=None, ge=0, le=1, description="after Holm over the family that `method` names"
    )
    n: int = Field(ge=0)
    of: str
    method: str
    reason: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> Test:
        if self.p is None and not self.reason:
            raise ValueError("a test that is missing has its reason")
        return self


class RocPoint(_Result):
    """One threshold of the confidence scale."""

    threshold: str = Field(description="which answers count as `synthetic`, in words")
    false_alarms: float = Field(ge=0, le=1, description="share of real images called synthetic")
    hits: float = Field(ge=0, le=1, description="share of synthetic images called synthetic")


class Equivalence(_Result):
    """Two one-sided tests (TOST) of equivalence to chance, 0.5, within a margin."""

    what: str = Field(description="the number that is compared with chance")
    margin: float
    chance: float = 0.5
    value: float | None
    low: float | None = Field(description="of the 90 % interval, which the TOST at 5 % is about")
    high: float | None
    p_above: float | None = Field(description="one-sided: it is above chance - margin")
    p_below: float | None = Field(description="one-sided: it is below chance + margin")
    p_equivalence: float | None = Field(description="the larger of the two")
    p_difference: float | None = Field(description="two-sided, of a difference from chance")
    verdict: Verdict
    words: str = Field(description="the verdict as a sentence's end")
    n: int
    of: str
    method: str
    reason: str | None = None


class Detection(_Result):
    """How well one reader, or all of them pooled, told synthetic images from real ones."""

    reader: str | None = Field(description="alias; None: the mean over all readers")
    model: str | None = Field(description="whose images; None: of all models together")
    n_real: int = Field(description="answers about real images")
    n_synthetic: int
    sensitivity: Measure = Field(description="synthetic images called synthetic")
    specificity: Measure = Field(description="real images called real")
    accuracy: Measure = Field(description="right answers; depends on the share of real images")
    balanced: Measure = Field(description="mean of sensitivity and specificity; chance is 0.5")
    d_prime: Measure = Field(description="z(hits) - z(false alarms), log-linear correction")
    criterion: Measure = Field(description="c; below 0: inclined to say synthetic")
    auc: Measure = Field(description="from the confidence")
    roc: list[RocPoint]
    equivalence: Equivalence


class Across(_Result):
    """A mean over readers, for three questions."""

    name: str = Field(description="balanced accuracy, AUC, proportion correct, ...")
    any_readers: Measure = Field(description="for other readers and other images (the headline)")
    these_readers: Measure = Field(description="for these readers and other images")
    resampled: Measure = Field(description="plain reader x case bootstrap, percentile")
    readers: int


class Authenticity(_Result):
    """Block `authenticity`, for one model's images or for all of them."""

    model: str | None = Field(description="None: the images of all models together")
    readers: list[Detection]
    pooled: Detection
    balanced: Across
    auc: Across
    equivalence: Equivalence = Field(description="of the mean balanced accuracy, any readers")
    equivalence_these: Equivalence = Field(description="the same for these readers alone")


class ForcedReader(_Result):
    """Two-alternative forced choice by one reader."""

    reader: str
    correct: Measure
    d_prime: Measure = Field(description="sqrt(2) z(proportion correct)")
    left: Measure = Field(description="share of trials in which the left image was chosen")
    equivalence: Equivalence


class ForcedChoice(_Result):
    """Block `2afc`, for one model's images or for all of them."""

    model: str | None
    readers: list[ForcedReader]
    correct: Across
    d_prime: Measure
    left: Measure
    equivalence: Equivalence
    equivalence_these: Equivalence


class ScoreSummary(_Result):
    """The scores of one criterion and source, all readers together."""

    criterion: str
    source: str = Field(description="`real`, or the model's name")
    images: int
    counts: list[int] = Field(min_length=5, max_length=5, description="answers 1, 2, 3, 4, 5")
    median: Measure
    mean: Measure
    by_reader: dict[str, float | None] = Field(description="mean score by each reader")


class ScoreDifference(_Result):
    """Real minus one model, for one criterion."""

    criterion: str
    model: str
    difference: Measure = Field(description="of mean scores, these readers")
    any_readers: Measure = Field(description="the same for other readers as well")
    odds_ratio: Measure = Field(description="odds that a real image scores higher than a model's")
    test: Test = Field(description="of the odds ratio; Holm over criteria x models")


class ModelPair(_Result):
    """One post-hoc comparison of two models."""

    first: str
    second: str
    difference: float | None = Field(description="mean score of first minus second")
    test: Test


class ModelComparison(_Result):
    """Friedman's test over models for one criterion."""

    criterion: str
    test: Test
    kendall_w: float | None = Field(description="effect size, 0 to 1")
    pairs: list[ModelPair]


class PairKappa(_Result):
    """Agreement of two readers."""

    readers: tuple[str, str]
    kappa: Measure


class Agreement(_Result):
    """Agreement between readers on one criterion, or on `authenticity`."""

    criterion: str = Field(description="a criterion, or `authenticity`")
    cases: int = Field(description="judged by all readers that are compared")
    left_out: int = Field(description="cases without an answer of one of them")
    readers: list[str] = Field(description="those compared")
    icc_single: Measure | None = Field(description="ICC(2,1); None for authenticity")
    icc_mean: Measure | None = Field(description="ICC(3,k); None for authenticity")
    weighted_kappa: Measure | None = Field(description="quadratic, mean over pairs")
    pairs: list[PairKappa] = Field(description="quadratic weights; plain Cohen for authenticity")
    fleiss: Measure
    krippendorff: Measure = Field(description="ordinal for scores, nominal for authenticity")


class Repeatability(_Result):
    """Agreement of a reader with themselves on the repeated cases."""

    criterion: str = Field(description="a criterion, `authenticity` or `2afc`")
    reader: str | None = Field(description="None: all readers pooled")
    exact: Measure = Field(description="share of the same answer")
    within_one: Measure | None = Field(description="share within one step; None for yes or no")
    kappa: Measure = Field(description="quadratic weights; plain Cohen for yes or no")


class Timing(_Result):
    """Median seconds a case."""

    block: str
    reader: str | None = Field(description="None: all readers")
    every: Measure
    real: Measure | None = Field(description="None in 2afc, where a trial has both")
    synthetic: Measure | None


class BlockFlow(_Result):
    """One block of the flow diagram."""

    block: str
    started: int = Field(description="readers with an answer in this block")
    completed: int = Field(description="readers who gave every answer that was planned")
    planned: int = Field(description="answers asked for, all readers, repeats included")
    given: int
    analysed: int = Field(description="first answers, which the measures rest on")
    repeats: int = Field(description="answers to repeats, which serve intra-rater agreement alone")
    unusable: int = Field(description="given, but about no case of the study or by no reader of it")
    missing: int
    by_reader: dict[str, int] = Field(description="answers given by each reader")


class Flow(_Result):
    """Counts for the flow diagram."""

    invited: int
    started: int
    cases: dict[str, int] = Field(description="source -> cases")
    clusters: dict[str, int] = Field(description="source -> patients, or independent images")
    blocks: list[BlockFlow]


class ReaderStudyResult(_Result):
    """Everything that `analyse` found."""

    schema_version: Literal[1] = 1
    seed: int
    margin: float
    replicates: int
    readers: list[str]
    models: list[str]
    flow: Flow
    authenticity: list[Authenticity] = Field(
        description="all models together first, then each model if there are several"
    )
    forced_choice: list[ForcedChoice]
    scores: list[ScoreSummary] = Field(description="criterion by criterion, real first")
    differences: list[ScoreDifference]
    comparisons: list[ModelComparison] = Field(description="with two or more models")
    agreement: list[Agreement]
    repeats: list[Repeatability]
    timing: list[Timing]
    warnings: list[str]
