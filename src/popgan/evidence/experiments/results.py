"""What a search, a sensitivity study and an ablation have found, as data.

The objective is always the KID to the tuning split, lower is better. A *setting* says what differs
from the preset that the study started from: names of plan values, or of a preset's parameters with
`preset.` before them, and their values. A seed is a replicate; an image is not.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Value = bool | int | float | str
Setting = dict[str, Value]
State = Literal["running", "complete", "pruned", "infeasible", "failed", "out of memory"]
Purpose = Literal["default", "warm start", "sampled", "seed spread", "final"]


class _Result(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Point(_Result):
    """A measurement while training.

    Attributes:
        images: seen until then.
        share: of the trial's planned images, 0 .. 1.
        seconds: of training until then.
        kid: of the averaged generator to the tuning split, fixed latents.
        error: its standard error (jackknife over subjects and images).
    """

    images: int
    share: float
    seconds: float
    kid: float
    error: float


class Trial(_Result):
    """One training of one setting.

    Attributes:
        number: in the study, from 0.
        purpose: why it was trained.
        setting: what differs from the starting preset.
        seed: of the training.
        state: how it ended; infeasible: complete, but a constraint is broken.
        reason: of any state but complete, in words.
        kid: mean of the last snapshots; None unless complete or infeasible.
        error: its standard error.
        points: at the rungs and at the last snapshots, in order.
        coverage: of the tuning split by synthetic images, 0 .. 1.
        coverage_floor: the same by training images.
        diversity: variety of samples as a share of that of real slices (1 = as varied).
        images, planned: seen, and planned.
        seconds: of training.
        overhead: seconds beside training and measuring.
        worker: host and process.
    """

    number: int
    purpose: Purpose
    setting: Setting
    seed: int
    state: State
    reason: str = ""
    kid: float | None = None
    error: float | None = None
    points: list[Point] = Field(default_factory=list)
    coverage: float | None = None
    coverage_floor: float | None = None
    diversity: float | None = None
    images: int = 0
    planned: int = 0
    seconds: float = 0.0
    overhead: float = 0.0
    worker: str = ""


class Spread(_Result):
    """How much the objective varies with the seed alone.

    Attributes:
        values: KID of the same setting with different seeds.
        sd: their standard deviation.
        tie: differences of single trainings below this are ties (2 standard deviations of one
            training, as in the plan of the study).
    """

    values: list[float]
    sd: float
    tie: float


class Candidate(_Result):
    """A setting that came to the final, retrained with fresh seeds.

    Attributes:
        trial: number of the trial that brought it here; None: the default.
        setting: of it.
        searched: KID of that trial; optimistic, because it was chosen by it.
        values: KID with fresh seeds, in the order of `Finals.seeds`.
        mean: of them.
        low, high: 95 % interval of the mean difference to the default, paired by seed (Student);
            None for the default itself and where there is one seed.
    """

    trial: int | None
    setting: Setting
    searched: float | None
    values: list[float]
    mean: float
    low: float | None = None
    high: float | None = None


class Finals(_Result):
    """The best settings and the default, with fresh seeds.

    Attributes:
        seeds: fresh ones.
        candidates: the default first, then by KID in the search.
        chosen: place in `candidates`.
        reason: why, in words; a tie with the default keeps the default.
    """

    seeds: list[int]
    candidates: list[Candidate]
    chosen: int
    reason: str


class SearchSpace(_Result):
    """One dimension of a search.

    Attributes:
        name: of the value.
        low, high: bounds, included; None for choices.
        log: whether it is searched on a logarithmic scale.
        whole: whether only whole numbers are tried.
        choices: all values, where it is no range.
        when: searched only if these other values hold.
        about: in words.
    """

    name: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    whole: bool = False
    choices: list[Value] = Field(default_factory=list)
    when: Setting = Field(default_factory=dict)
    about: str = ""


class TuneResult(_Result):
    """RUN/tune/NAME/results.json.

    Attributes:
        name: of the study.
        recipe, preset: what it started from.
        shape: height and width of the images, pixels.
        subjects, slices: of the training split.
        tuning_subjects, tuning_slices: of the split that scores are measured on.
        seconds: granted to one trial.
        rungs: shares of a trial's images at which it may be stopped.
        space: what was searched.
        trials: all, in order.
        spread: None until it is known.
        finals: None until they are trained.
        machine: where.
    """

    version: int = 1
    name: str
    recipe: str
    preset: str
    shape: tuple[int, int]
    subjects: int
    slices: int
    tuning_subjects: int
    tuning_slices: int
    seconds: float
    rungs: list[float]
    space: list[SearchSpace]
    trials: list[Trial]
    spread: Spread | None = None
    finals: Finals | None = None
    machine: str = ""


class Importance(_Result):
    """How much of the variance of the objective a value explains (fANOVA; Hutter et al., 2014).

    Attributes:
        name: of the value.
        share: of the variance of the forest's prediction, 0 .. 1.
        low, high: 95 % percentile interval over bootstrap samples of the trials.
        rank_low, rank_high: the same for its rank (1 = most important).
        ped: PED-ANOVA (Watanabe et al., 2023), which asks about the best quarter of the trials;
            None where there are too few.
    """

    name: str
    share: float
    low: float
    high: float
    rank_low: int
    rank_high: int
    ped: float | None = None


class Slice(_Result):
    """The objective over one value.

    Attributes:
        name: of the value.
        log: whether the axis is logarithmic.
        values, kids: one pair a trial.
        at, marginal: the forest's mean prediction over all other values.
    """

    name: str
    log: bool
    values: list[Value]
    kids: list[float]
    at: list[Value]
    marginal: list[float]


class Pair(_Result):
    """How two values act together (fANOVA).

    Attributes:
        first, second: names.
        share: of the variance that they explain only together.
        first_at, second_at: places of the grid.
        grid: predicted KID, one row a place of `first_at`.
    """

    first: str
    second: str
    share: float
    first_at: list[Value]
    second_at: list[Value]
    grid: list[list[float]]


class Sensitivity(_Result):
    """What matters, from trials that fill the space.

    Attributes:
        n: complete trials.
        failed: trials without a score; they are not in the forest.
        r2: of the forest on trials it has not seen (out of bag); below 0.3 shares mean little.
        r2_low, r2_high: 95 % bootstrap interval.
        noise: share of the variance that seeds alone explain, where the spread is known.
        importances: most important first.
        slices: the same order.
        pairs: largest share first.
        caution: in words, empty where there is none.
    """

    n: int
    failed: int
    r2: float
    r2_low: float
    r2_high: float
    noise: float | None
    importances: list[Importance]
    slices: list[Slice]
    pairs: list[Pair]
    caution: str = ""


class Variant(_Result):
    """A setting of an ablation.

    Attributes:
        name: "default", "no growing", "paper", ...
        kind: out: one factor taken out of the default; in: the same one put into the bare model;
            bare: all factors out; paper: the published cell; factorial: a cell of a design.
        setting: what differs from the default.
        about: in words.
        impossible: why it cannot be trained here, in words; empty where it can.
    """

    name: str
    kind: Literal["default", "out", "in", "bare", "paper", "factorial"]
    setting: Setting
    about: str = ""
    impossible: str = ""


class Replicate(_Result):
    """One training of a variant.

    Attributes:
        variant: its name.
        seed: of the training.
        kid: mean of the last snapshots; None where it failed.
        reason: of a failure, in words.
        images, seconds: seen, and of training.
        points: while training.
    """

    variant: str
    seed: int
    kid: float | None
    reason: str = ""
    images: int
    seconds: float
    points: list[Point] = Field(default_factory=list)


class Contrast(_Result):
    """A variant against its base with the seeds as replicates.

    Attributes:
        variant, base: names; the base of "in" is the bare model, of all others the default.
        n: seeds that both have.
        failed: trainings of the variant without a score.
        mean, base_mean: KID.
        difference: variant minus base; positive: the variant is worse.
        low, high: 95 % interval (Student, paired by seed); None with one seed.
        g: Hedges' g of the paired differences; None with one seed.
        worse: P(a training of the variant is worse than one of the base), ties half.
        p: two-sided, of the t test.
        p_exact: two-sided, all sign flips.
        p_exact_least: the smallest that many seeds can give.
        p_holm: `p` after Holm's correction over all contrasts.
        words: what follows.
    """

    variant: str
    base: str
    n: int
    failed: int
    mean: float
    base_mean: float
    difference: float
    low: float | None
    high: float | None
    g: float | None
    worse: float
    p: float | None
    p_exact: float | None
    p_exact_least: float | None
    p_holm: float | None
    words: str


class AnovaRow(_Result):
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


class FactorEffect(_Result):
    """An effect of a two-level design: KID with the factor(s) minus without.

    Attributes:
        factors: one name, or two of an interaction.
        effect: difference of the means of both halves.
        low, high: 95 % interval with the seed as block.
        p, p_holm: two-sided.
        aliases: effects that the design cannot tell from this one.
    """

    factors: list[str]
    effect: float
    low: float
    high: float
    p: float
    p_holm: float
    aliases: list[list[str]] = Field(default_factory=list)


class Factorial(_Result):
    """A fractional factorial of the default's parts.

    Attributes:
        factors: names.
        resolution: of the design (5: two-factor interactions are free of each other).
        cells: settings in the design.
        missing: trainings without a score.
        effects: main effects, then interactions.
    """

    factors: list[str]
    resolution: int
    cells: int
    missing: int
    effects: list[FactorEffect]


class AblationResult(_Result):
    """RUN/ablation/NAME/results.json.

    Attributes:
        name: of the study.
        recipe, preset: the default.
        shape: height and width, pixels.
        seeds: replicates.
        seconds: granted to every training alike.
        variants: all, the default first.
        runs: all trainings.
        contrasts: one a variant but the default.
        anova: variant and seed; empty where it cannot be done.
        factorial: None without one.
        sensitivity: None without space-filling trials.
        budget: what every training got, in words.
        cautions: in words.
        machine: where.
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
