"""What each part of a default is worth, as data: variants, trainings, contrasts, tables."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from popgan.evidence.experiments.search_results import Point, Result, Setting
from popgan.evidence.experiments.sensitivity_results import Sensitivity


class Variant(Result):
    """A setting of an ablation.

    Attributes:
        name: "default", "no growing", "paper", ...
        kind: out: one factor taken out of the default; added: one that the default has not, put
            into it; in: one factor put into the bare model; bare: all factors out; paper: the
            published cell; factorial: a cell of a design.
        setting: what differs from the default.
        about: in words.
        impossible: why it cannot be trained here, in words; empty where it can.
        base: name of the variant that it is held against; empty: the bare model for "in", the
            default for all others.
    """

    name: str
    kind: Literal["default", "out", "added", "in", "bare", "paper", "factorial"]
    setting: Setting
    about: str = ""
    impossible: str = ""
    base: str = ""


class Replicate(Result):
    """One training of a variant.

    Attributes:
        variant: its name.
        seed: of the training.
        kid: mean of the last snapshots; None where it failed.
        reason: of a failure, in words.
        images, seconds: seen, and of training.
        points: while training.
        coverage: of the tuning split by synthetic images, 0 .. 1; None where it is not known.
        diversity: variety of samples as a share of that of real slices; None: not known.
    """

    variant: str
    seed: int
    kid: float | None
    reason: str = ""
    images: int
    seconds: float
    points: list[Point] = Field(default_factory=list)
    coverage: float | None = None
    diversity: float | None = None


class Contrast(Result):
    """A variant against its base with the seeds as replicates.

    Attributes:
        variant, base: names; the base of "in" is the bare model, of all others the default, but
            where the variant names another one.
        n: seeds that both have.
        failed: trainings of the variant without a score.
        mean, base_mean: KID over the seeds that both have; None, as all that follow, where there
            is no such seed.
        difference: variant minus base; positive: the variant is worse.
        low, high: 95 % interval (Student, paired by seed); None with one seed.
        g: Hedges' g of the paired differences; None with fewer than three seeds.
        worse: P(a training of the variant is worse than one of the base), ties half.
        p: two-sided, of the t test.
        p_exact: two-sided, all sign flips; None with fewer than three seeds.
        p_exact_least: the smallest that so many seeds can give.
        p_holm: `p` after Holm's correction over all contrasts.
        words: what follows.
    """

    variant: str
    base: str
    n: int
    failed: int
    mean: float | None
    base_mean: float | None
    difference: float | None
    low: float | None
    high: float | None
    g: float | None
    worse: float | None
    p: float | None
    p_exact: float | None
    p_exact_least: float | None
    p_holm: float | None
    words: str


class AnovaRow(Result):
    """A term of an analysis of variance.

    Attributes:
        term: "variant", "seed", a factor or two joined by " x ", "rest".
        df: degrees of freedom.
        sum_squares: of it.
        f, p: None for the rest.
        eta2: partial; low, high: its 95 % interval (noncentral F).
        omega2: partial, less biased.
        p_holm: over the terms of the same table that are tested.
    """

    term: str
    df: int
    sum_squares: float
    f: float | None = None
    p: float | None = None
    eta2: float | None = None
    low: float | None = None
    high: float | None = None
    omega2: float | None = None
    p_holm: float | None = None


class FactorEffect(Result):
    """An effect of a two-level design: KID with the factor(s) minus without.

    Attributes:
        factors: one name, or two of an interaction.
        effect: difference of the means of both halves.
        low, high: 95 % interval with the seed as block.
        p, p_holm: two-sided.
        aliases: effects that the design cannot tell from this one.
        assumed: it rests on the assumption that pairs that cannot be told are none, because cells
            are lost; `Factorial.note` names them.
    """

    factors: list[str]
    effect: float
    low: float
    high: float
    p: float
    p_holm: float
    aliases: list[list[str]] = Field(default_factory=list)
    assumed: bool = False


class Factorial(Result):
    """A fractional factorial of the default's parts.

    Attributes:
        factors: names.
        resolution: of the design (5: two-factor interactions are free of each other); of a full
            design 5 or the number of factors + 1, whichever is more.
        cells: settings in the design.
        missing: trainings of its cells without a score, never begun ones among them.
        lost: cells that have no score at all, by name.
        effects: main effects, then interactions.
        note: why effects are missing, and on what others rest, in words; empty where none is.
    """

    factors: list[str]
    resolution: int
    cells: int
    missing: int
    effects: list[FactorEffect]
    note: str = ""
    lost: list[str] = Field(default_factory=list)


class AblationResult(Result):
    """RUN/ablation/NAME/results.json.

    Attributes:
        name: of the study.
        recipe, preset: the default.
        shape: height and width, pixels.
        seeds: replicates.
        seconds: granted to every training alike.
        variants: all, the default first.
        runs: all trainings.
        contrasts: one a variant but the default and the cells of a factorial design.
        anova: variant and seed; empty where it cannot be done.
        factorial: None without one.
        sensitivity: None without space-filling trials.
        budget: what every training got, in words.
        cautions: in words.
        machine: where.
        cohort: hash of the data; empty where it is not known.
        tuning_subjects, tuning_slices: of the split that scores are measured on; 0: not known.
    """

    version: int = 1
    name: str
    recipe: str
    preset: str
    shape: tuple[int, int]
    seeds: list[int]
    seconds: float
    variants: list[Variant]
    runs: list[Replicate]
    contrasts: list[Contrast]
    anova: list[AnovaRow]
    factorial: Factorial | None = None
    sensitivity: Sensitivity | None = None
    budget: str = ""
    cautions: list[str] = Field(default_factory=list)
    machine: str = ""
    cohort: str = ""
    tuning_subjects: int = 0
    tuning_slices: int = 0
