"""What a search has found, as data: trials, seed spread, finals.

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


class Result(BaseModel):
    """Immutable, without infinity or NaN; JSON in and out."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Point(Result):
    """A measurement while training.

    Attributes:
        images: seen until then.
        share: of the trial's planned images, 0 .. 1.
        seconds: of training until then, earlier measurements included.
        kid: of the averaged generator to the tuning split, fixed latents.
        error: its standard error (jackknife over subjects and images).
    """

    images: int
    share: float
    seconds: float
    kid: float
    error: float


class Outcome(Result):
    """How a training ended.

    Attributes:
        state: of it; infeasible: complete, but a constraint is broken.
        reason: of any state but complete, in words.
        kid: mean of the last snapshots; None unless complete or infeasible.
        error: its standard error.
        points: at the rungs and at the last snapshots, in order.
        coverage: of the tuning split by synthetic images, 0 .. 1.
        coverage_floor: the same by training images.
        diversity: variety of samples as a share of that of real slices (1 = as varied).
        images, planned: seen, and planned.
        seconds: of training, measuring at the rungs included.
        overhead: seconds before and after it, to plan, to build networks and to judge.
    """

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


class Trial(Outcome):
    """One training of one setting, with how it ended.

    Attributes:
        number: in the study, from 0.
        purpose: why it was trained.
        setting: what differs from the starting preset.
        seed: of the training.
        worker: host and process.
    """

    number: int
    purpose: Purpose
    setting: Setting
    seed: int
    worker: str = ""


class Spread(Result):
    """How much the objective varies with the seed alone.

    Attributes:
        values: KID of the default with different seeds.
        sd: standard deviation within settings: of these, and of others that were trained with
            several seeds, once there are any.
        tie: differences of single trainings below this are ties (2 standard deviations of one
            training, as in the plan of the study).
        freedom: degrees of freedom of `sd`; 0: not kept by an earlier version.
        low, high: 95 % interval of `sd` if KIDs of a setting are normal and vary alike.
    """

    values: list[float]
    sd: float
    tie: float
    freedom: int = 0
    low: float | None = None
    high: float | None = None


class Candidate(Result):
    """A setting that came to the final, retrained with fresh seeds.

    Attributes:
        trial: number of the trial that brought it here; None: the default.
        setting: of it.
        searched: KID of that trial; optimistic, because it was chosen by it. Of the default the
            mean over its seeds.
        values: KID with fresh seeds, in the order of `Finals.seeds`; None where training failed.
        mean: of those that are there; None where all failed.
        low, high: 95 % interval of the difference of the means, less that of the default (Student,
            two groups); None for the default itself, where one of the two has no training, and
            where both have one.
        reason: why it is infeasible, so that it could not be chosen; empty: it is not.
    """

    trial: int | None
    setting: Setting
    searched: float | None
    values: list[float | None]
    mean: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""


class Finals(Result):
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


class SearchSpace(Result):
    """One dimension of a search.

    Attributes:
        name: of the value.
        low, high: bounds, included; None for choices.
        log: whether it is searched on a logarithmic scale.
        whole: whether only whole numbers are tried.
        choices: all values, where it is no range.
        when: searched only if these other values hold.
        unless: not searched if one of these holds.
        shape: whether it is the shape of the networks, so that pretrained weights fit no more.
        grows: whether it is for networks that grow through levels.
        about: in words.
        default: what the starting preset has; None where it is not known.
    """

    name: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    whole: bool = False
    choices: list[Value] = Field(default_factory=list)
    when: Setting = Field(default_factory=dict)
    unless: Setting = Field(default_factory=dict)
    shape: bool = False
    grows: bool = False
    about: str = ""
    default: Value | None = None


class TuneResult(Result):
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
        cohort: hash of the data searched on; empty where it is not known.
        asked: trials that the search was asked for; None: not kept by an earlier version.
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
    cohort: str = ""
    asked: int | None = None

    @property
    def searching(self) -> bool:
        """Whether trials of the search are still to come, or are running; not known: yes."""
        own = [trial for trial in self.trials if trial.purpose != "final"]
        whole = self.asked is not None and len(own) >= self.asked
        return not whole or any(trial.state == "running" for trial in own)

    @property
    def only_default(self) -> bool:
        """Whether nothing else was tried: by the seeds of the default, or a proposal that is it."""
        return not any(trial.setting for trial in self.trials if trial.purpose != "final")
