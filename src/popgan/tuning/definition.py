"""What a study of parameters is about, as data: RUN/tune/NAME/study.yaml, and where its files lie.

It is written once and read by every worker, on whichever machine; nothing else is asked.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from popgan.errors import UserError
from popgan.evidence.experiments.results import SearchSpace, Setting
from popgan.files import owners_folder, private_folder, read_yaml, write_text
from popgan.planning.budget import parse_budget
from popgan.wording import counted

LEAST_SECONDS = 10.0
TICKS = 20
"""Ticks of a trial: rungs and snapshots are measured at some of them."""
LAST = (18, 19, 20)
"""Ticks whose mean is the objective: the averaged generator in the last tenth of the training."""
BUILDING = 1.1
"""Planning, building networks and writing checkpoints take about a tenth of the time."""
SURVIVORS = 0.45
"""Share of the full length that a sampled trial gets on average, when two of three are stopped."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class Described(BaseModel):
    """What a study is about: a file that is written once."""

    TOP: ClassVar[str] = "# What this study is about; written once.\n"

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def save(self, path: Path) -> None:
        """Write it as YAML, atomically."""
        text = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, width=100)
        write_text(path, self.TOP + text)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read it.

        Raises:
            UserError: it is missing or damaged.
        """
        try:
            return cls.model_validate(read_yaml(path))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise UserError(
                f"is no study of popgan ({place}: {first['msg']})",
                where=path,
                do="choose another --name, or remove its folder",
            ) from error


class Definition(Described):
    """A search: fixed when it begins.

    Attributes:
        name: of the study.
        recipe, preset: the default that it starts from.
        cohort: hash of the cohort's manifest.
        seed: of the search; trainings get it, or it plus their number.
        overrides: values of the plan that are held.
        seconds: of training, granted to every trial.
        trials: in the search, the default's among them.
        spread: trainings of the default with other seeds, among them.
        finalists: best settings that are trained again.
        final_seeds: fresh seeds of each finalist and of the default.
        rungs: ticks after which a trial may be stopped.
        reduction: of this many trials at a rung, one goes on.
        threads: of every training.
        space: what is searched.
        default: the default's values of it.
        held: values that others hang on and that are not searched.
        warm: settings tried first, besides the default.
        notes: what the user should know of how the space came about.
        asked: what the user asked for, to recognise it.
    """

    TOP: ClassVar[str] = "# What this study searches; written once.\n"

    version: int = 1
    name: str
    recipe: str
    preset: str
    cohort: str
    seed: int
    overrides: dict[str, Any] = Field(default_factory=dict)
    seconds: float = Field(gt=0)
    trials: int = Field(ge=1, le=100_000)
    spread: int = Field(default=3, ge=1, le=20)
    finalists: int = Field(default=3, ge=0, le=20)
    final_seeds: int = Field(default=3, ge=1, le=20)
    rungs: list[int] = Field(max_length=TICKS)
    reduction: int = Field(default=3, ge=2, le=10)
    threads: int = Field(ge=1, le=1024)
    space: list[SearchSpace]
    default: Setting
    held: Setting = Field(default_factory=dict)
    warm: list[Setting] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    asked: dict[str, Any] = Field(default_factory=dict)

    @property
    def measured(self) -> list[int]:
        """Ticks at which a trial is measured."""
        return sorted({*self.rungs, *LAST})


@dataclass(frozen=True)
class StudyPlaces:
    """Where the files of a study lie.

    Attributes:
        run: the run folder.
        name: of the study.
    """

    VERB: ClassVar[str] = "tune"
    """Of the command line, by which workers are started."""
    KIND: ClassVar[str] = "tune"
    """Folder of such studies."""

    run: Path
    name: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UserError(
                f"name {self.name!r} is not usable as a folder", do="use letters, digits, - and _"
            )

    @property
    def folder(self) -> Path:
        """RUN/tune/NAME: what can be shared."""
        return self.run / self.KIND / self.name

    @property
    def definition(self) -> Path:
        """What is searched."""
        return self.folder / "study.yaml"

    @property
    def journal(self) -> Path:
        """Optuna's storage: all trials."""
        return self.folder / "journal.log"

    @property
    def results(self) -> Path:
        """The results for people and reports."""
        return self.folder / "results.json"

    @property
    def preset(self) -> Path:
        """What was found, as a preset."""
        return self.folder / "preset.yaml"

    @property
    def private(self) -> Path:
        """Checkpoints of trials and locks; they hold discriminators, so they are private."""
        return self.run / "private" / self.KIND / self.name

    def trial(self, study: str, number: int) -> Path:
        """Folder of one training."""
        return self.private / study / f"{number:05d}"

    def make(self) -> None:
        """Make the folders.

        Raises:
            UserError: the disk is full or read-only.
        """
        private_folder(self.run)
        owners_folder(self.private)
        self.folder.mkdir(parents=True, exist_ok=True)


def seconds_of(
    budget: str, trials: int, workers: int, *, finals: int, spread: int, measuring: float
) -> float:
    """Seconds of training that each trial gets of a budget.

    Args:
        budget: as the user wrote it.
        trials: in the search.
        workers: processes at work.
        finals: trainings of the final.
        spread: trainings of the default in the search; they are not stopped.
        measuring: seconds that measuring one training takes.

    Raises:
        UserError: a trial would be too short; says how much is needed.
    """
    full = min(spread, trials)
    units = full + SURVIVORS * (trials - full) + finals
    seconds = parse_budget(budget) * workers / units / BUILDING - measuring
    if seconds < LEAST_SECONDS:
        needed = (LEAST_SECONDS + measuring) * units * BUILDING / workers / 60
        count = counted(trials, "trial", "trials")
        raise UserError(
            f"budget {budget} is too short: {count} and the final need {LEAST_SECONDS:g} s each, "
            f"and {measuring:.3g} s to be measured",
            do=f"grant {math.ceil(needed)}m or more, or ask for fewer --trials",
        )
    return round(seconds, 1)


def asked_otherwise(before: dict[str, Any], now: dict[str, Any], given: set[str]) -> list[str]:
    """What is asked for now and was not then, in words.

    Args:
        before: what the study was begun with.
        now: what is asked for.
        given: names of what the user said; the rest asks for nothing.
    """
    return [
        f"{name} {_shown(now[name])}, was {_shown(before.get(name))}"
        for name in now
        if name in given and now[name] != before.get(name)
    ]


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name}={one}" for name, one in value.items()) or "none"
    return str(value)
