"""What an ablation is about, as data: RUN/ablation/NAME/study.yaml, and where its files lie.

It is written once and read by every worker; the cells to train follow from it alone.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from popgan.errors import UserError
from popgan.evidence.experiments.results import SearchSpace, Setting, Variant
from popgan.planning.budget import parse_budget
from popgan.tuning.cells import Cell, Cells, cell_name
from popgan.tuning.definition import Described, StudyPlaces
from popgan.wording import counted

CURVE = [5, 10, 15]
"""Ticks at which a training is measured for its learning curve, besides the last ones."""
BUILDING = 1.1
"""Planning, building networks and writing checkpoints take about a tenth of a training."""


class AblationPlaces(StudyPlaces):
    """Where the files of an ablation lie: RUN/ablation/NAME, RUN/private/ablation/NAME."""

    VERB: ClassVar[str] = "ablate"
    KIND: ClassVar[str] = "ablation"

    @property
    def runs(self) -> Path:
        """Every training, as a table."""
        return self.folder / "runs.csv"

    @property
    def contrasts(self) -> Path:
        """Every variant against its base, as a table."""
        return self.folder / "contrasts.csv"

    @property
    def speeds(self) -> Path:
        """Measured speeds of this machine."""
        return self.private / "speeds.json"


class AblationStudy(Described):
    """An ablation: fixed when it begins.

    Attributes:
        name: of the study.
        recipe, preset: the default.
        cohort: hash of the cohort's manifest.
        seed: of the study: latents that are measured with, trials that fill the space.
        seeds: replicates, the same for all variants.
        overrides: values of the plan that are held.
        seconds: of training, granted to every training alike.
        threads: of every training.
        variants: all, the default first; those that cannot be trained among them.
        levels: of the factorial design, variant -> which factors it has.
        space: of the trials that fill it; empty without them.
        default: the default's values of it.
        trials: settings that fill it, as they differ from the default.
        budget: what every training gets, in words.
        notes: what the user should know of how it came about.
        asked: what the user asked for, to recognise it.
    """

    TOP: ClassVar[str] = "# What this ablation trains; written once.\n"

    version: int = 1
    name: str
    recipe: str
    preset: str
    cohort: str
    seed: int
    seeds: list[int] = Field(min_length=1, max_length=1000)
    overrides: dict[str, Any] = Field(default_factory=dict)
    seconds: float = Field(gt=0)
    threads: int = Field(ge=1, le=1024)
    variants: list[Variant] = Field(min_length=1)
    levels: dict[str, dict[str, bool]] = Field(default_factory=dict)
    space: list[SearchSpace] = Field(default_factory=list)
    default: Setting = Field(default_factory=dict)
    trials: list[Setting] = Field(default_factory=list)
    budget: str = ""
    notes: list[str] = Field(default_factory=list)
    asked: dict[str, Any] = Field(default_factory=dict)

    @property
    def factors(self) -> list[str]:
        """Of the design, in its order."""
        return list(next(iter(self.levels.values()), {}))

    @property
    def trained(self) -> list[Variant]:
        """Variants that can be trained."""
        return [one for one in self.variants if not one.impossible]

    def cells(self) -> list[Cell]:
        """All trainings: seed by seed over all variants, then the trials.

        So a study that is interrupted has compared all variants with some seeds already.
        """
        found = [
            Cell(cell_name(place, one.name, seed), one.name, one.setting, seed)
            for seed in self.seeds
            for place, one in enumerate(self.trained)
        ]
        for place, setting in enumerate(self.trials):
            seed = self.seed + place
            found.append(Cell(cell_name(place, "trial", seed), "", setting, seed))
        return found

    def open(self, places: StudyPlaces) -> Cells:
        """Its cells in a run folder."""
        return Cells(places.private, self.cells())


def seconds_each(
    budget: str, trainings: int, workers: int, *, measuring: float, least: float
) -> float:
    """Seconds of training that each gets of a budget.

    Args:
        budget: as the user wrote it.
        trainings: how many.
        workers: processes at work.
        measuring: seconds that measuring a training takes.
        least: seconds that a training needs.

    Raises:
        UserError: they are too few; says how much is needed.
    """
    units = trainings * BUILDING / workers
    seconds = parse_budget(budget) / units - measuring
    if seconds < least:
        count = counted(trainings, "training needs", "trainings need")
        raise UserError(
            f"budget {budget} is too short: {count} {least:.3g} s each and {measuring:.3g} s to be "
            "measured",
            do=f"grant {minutes((least + measuring) * units)}, or ask for fewer --seeds or --parts",
        )
    return math.floor(seconds * 10) / 10


def minutes(seconds: float) -> str:
    """A budget that is enough, as the user may write it."""
    whole = math.ceil(seconds / 60)
    hours, rest = divmod(whole, 60)
    if not hours:
        return f"{whole}m"
    return f"{hours}h{rest}m" if rest else f"{hours}h"
