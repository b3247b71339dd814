"""What a comparison of models says, as data: facts, groups, pairs, and the paper's own table.

Nothing in here is a real pixel, a name of a patient or a path, so it can be shown to anybody.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from popgan.evidence.privacy.generator_results import InversionAttack
from popgan.evidence.readers.results import Measure, Test

MetricName = Literal["kid", "clipped_coverage"]
TranslatorMetric = Literal["psnr", "ssim"]
Unit = Literal["held-out subjects", "trainings"]
RowKind = Literal["model", "mean image", "real against real", "copies of the training set"]

HEADING = "Unpaired: not evidence of quality"


class _Result(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Curve(_Result):
    """The training log of a model, at most some hundred points; None where nothing was logged.

    Losses of different recipes are different functions and cannot be compared with each other.
    """

    images: list[float] = Field(description="real images shown")
    loss_generator: list[float | None]
    loss_discriminator: list[float | None]
    accuracy_real: list[float | None] = Field(description="share of real images judged real")
    accuracy_fake: list[float | None] = Field(description="share of drawn images judged drawn")


class Budget(_Result):
    """What a training was given and what it took."""

    asked: str | None = Field(description="--budget, or None where it was not given")
    images: int = Field(description="real images shown")
    seconds: float | None = Field(description="wall time of training; None where unknown")
    parameters: int = Field(description="of the generator that is kept")
    processor: str = Field(description="what it was trained on; empty where unknown")
    threads: int


class ModelRow(_Result):
    """One model: a training of a recipe with a seed."""

    name: str
    recipe: str
    preset: str
    seed: int
    group: str = Field(description="title of the group whose replicate it is")
    weights: str = Field(description="SHA-256")
    budget: Budget
    kid: Measure = Field(description="to the held-out images; interval over subjects and images")
    frechet: float = Field(description="at `Comparison.matched` images a side: mostly bias")
    clipped_coverage: Measure | None = None
    curve: Curve | None = None


class Group(_Result):
    """Trainings that were asked for alike but for their seed."""

    title: str
    recipe: str
    preset: str
    models: list[str]
    seeds: list[int]
    kid: Measure = Field(description="mean over its trainings")
    seed_deviation: float | None = Field(
        description="standard deviation of KID between trainings; None of a single one"
    )


class Pair(_Result):
    """Two groups in one metric.

    `unit` says what was varied. "trainings": both groups have several, and these are the
    replicates, so it is about recipes. "held-out subjects": a group has one, so it is about these
    weights on other patients, and nothing is known about another training of the same recipe.

    Attributes:
        difference: first - second, with its 95 % interval; for seeds it holds both the spread
            between trainings and that between held-out subjects.
        effect: the difference in units of the standard deviation between units.
        superiority: P(first better than second) for a unit of each: 0.5 is a toss-up.
        test: of the difference, by Student's t; `p_holm` is over all pairs of the metric.
        exact: sign flips or permutations of the trainings, without assumptions; None for subjects.
        smallest_p: the smallest p-value that `exact` could have given with so many trainings.
        tie: no difference was shown (p_holm above 0.05, or no test was possible).
        better: title of the better group, or None for a tie.
    """

    first: str
    second: str
    metric: MetricName
    unit: Unit
    difference: Measure
    effect: Measure
    superiority: Measure
    test: Test
    exact: Test | None = None
    smallest_p: float | None = None
    tie: bool
    better: str | None
    sentence: str


class Errors(_Result):
    """Errors of images against real ones that are not theirs, in unit intensities (0..1).

    PSNR is of the mean squared error, in dB for a range of 1; None for images without any error.
    """

    mse: Measure
    mae: Measure
    psnr: Measure


class UnpairedRow(_Result):
    """A source of images in the paper's own, unpaired terms."""

    name: str
    kind: RowKind
    images: int = Field(description="how many were taken of it")
    random: Errors = Field(description="against a random held-out image")
    nearest_train: Errors = Field(description="against the nearest training image")
    nearest_held_out: Errors = Field(description="against the nearest held-out image")
    frechet: float = Field(description="to the held-out images, equally many images for all rows")
    kid: Measure


class UnpairedTable(_Result):
    """The paper's numbers, beside rows that show what they are worth."""

    heading: str = HEADING
    why: str
    intensity: str = Field(description="range of intensities, in words")
    mask: str = Field(description="where errors are counted, in words")
    pairing_seed: int
    rows: list[UnpairedRow]


class TranslatorScore(_Result):
    """A true paired number of a translator: mean over held-out patients."""

    metric: str
    region: str
    mean: float
    low: float | None
    high: float | None
    n: int


class TranslatorRow(_Result):
    """A model that translates contrasts; never ranked with those that draw."""

    name: str
    recipe: str
    preset: str
    seed: int
    sources: list[str]
    target: str
    weights: str
    budget: Budget
    scores: list[TranslatorScore] = Field(description="empty where it was not evaluated")
    trivial: str = Field(default="", description="the best trivial way to come by the target")
    trivial_scores: list[TranslatorScore] = Field(default_factory=list)
    note: str = Field(default="", description="why there are no scores")
    curve: Curve | None = None


class TranslatorPair(_Result):
    """Two translators, or recipes that were trained several times, patient by patient.

    Both make the same contrast of the same test patients, so every patient is a pair. Where a side
    has several trainings, a patient's numbers are averaged over them first: what is tested is
    whether the difference holds for other patients, not for other trainings.

    Attributes:
        trainings: of the first and of the second.
        difference: first - second, mean over patients in the brain; more is better.
        share: of patients for whom the first is better; half a patient where both are equal.
        test: sign flips of the patients' differences; `p_holm` is over all pairs of the metric.
        smallest_p: the smallest p that so many patients could have given.
        smallest_p_holm: the same after Holm over so many pairs; above 0.05 no difference can be
            shown, however large it is.
        tie: no difference was shown (p_holm above 0.05, or no test was possible).
        better: title of the better one, or None for a tie.
    """

    first: str
    second: str
    target: str
    metric: TranslatorMetric
    trainings: tuple[int, int]
    difference: Measure
    share: Measure
    test: Test
    smallest_p: float | None = None
    smallest_p_holm: float | None = None
    tie: bool
    better: str | None
    sentence: str


class InversionRow(_Result):
    """How well a model can draw held-out images at all."""

    name: str
    attack: InversionAttack


class Comparison(_Result):
    """The content of RUN/comparison.json."""

    schema_version: Literal[1] = 1
    version: int | None = Field(
        default=None, description="of the comparison; None where it was made before there was one"
    )
    paired_version: int | None = Field(
        default=None, description="of the evaluations that translators' numbers are taken from"
    )
    cohort: str = Field(description="SHA-256 of the cohort's manifest")
    backbone: dict[str, Any]
    basis: str = Field(default="", description="the feature network, in words")
    frechet_title: str = Field(
        default="Frechet distance", description="FID only with the one network that defines it"
    )
    images: int = Field(description="synthetic images of each model")
    matched: int = Field(description="images a side of Frechet distances")
    reference_images: int
    reference_subjects: int
    train_images: int
    train_subjects: int
    models: list[ModelRow]
    groups: list[Group]
    pairs: list[Pair]
    floor: Measure | None = Field(description="KID of training images to the held-out ones")
    mean_image: float | None = Field(description="KID of the mean training image")
    equal_budget: bool | None = Field(description="None for fewer than two models")
    budget_sentence: str
    unpaired: UnpairedTable | None = None
    translators: list[TranslatorRow] = Field(default_factory=list)
    translator_pairs: list[TranslatorPair] = Field(default_factory=list)
    translator_notes: list[str] = Field(default_factory=list)
    inversions: list[InversionRow] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)

    @property
    def headline(self) -> list[Pair]:
        """The pairs in KID, which decide."""
        return [pair for pair in self.pairs if pair.metric == "kid"]
