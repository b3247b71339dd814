"""What a search is about, as data: RUN/tune/NAME/study.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from popgan.evidence.experiments.results import SearchSpace, Setting
from popgan.seeds import derive
from popgan.tuning.study import Study
from popgan.tuning.study import StudyPlaces as StudyPlaces

TICKS = 20
"""Ticks of a trial: rungs and snapshots are measured at some of them."""
SPREAD = 3
"""Trainings of the default in a search of enough trials."""
_HALF = 2**30  # seeds of a search lie below, those of a final from here to 2**31 - 1
_MOST_TRIALS, _MOST_SEEDS = 100_000, 20
LAST = (18, 19, 20)
"""Ticks whose mean is the objective: the averaged generator in the last tenth of the training."""


class Definition(Study):
    """A search: fixed when it begins; seeds of trainings follow from its seed and its name.

    So another search of the same run repeats none of them, and a final is of fresh seeds though an
    earlier search has found what it starts from.

    Attributes:
        trials: in the search, the default's among them.
        spread: trainings of the default with different seeds, among them; by default `SPREAD`, but
            at most a third of the trials, because a search is there to try something else.
        finalists: best settings that are trained again, at most.
        final_seeds: fresh seeds of each finalist and of the default.
        rungs: ticks after which a trial may be stopped.
        reduction: of this many trials at a rung, one goes on.
        space: what is searched.
        default: the default's values of it.
        held: values that others hang on and that are not searched.
        warm: settings tried first, besides the default.
    """

    TOP: ClassVar[str] = "# What this study searches; written once.\n"

    trials: int = Field(ge=1, le=_MOST_TRIALS)
    spread: int = Field(
        default_factory=lambda known: max(1, min(SPREAD, known["trials"] // 3)), ge=1, le=20
    )
    finalists: int = Field(default=3, ge=0, le=20)
    final_seeds: int = Field(default=3, ge=1, le=_MOST_SEEDS)
    rungs: list[int] = Field(max_length=TICKS)
    reduction: int = Field(default=3, ge=2, le=10)
    space: list[SearchSpace]
    default: Setting
    held: Setting = Field(default_factory=dict)
    warm: list[Setting] = Field(default_factory=list)

    def search_seed(self, number: int) -> int:
        """Seed of a training of the search, 0 .. 2**30 - 1.

        Args:
            number: of the trial, from 0 and below 2**20.
        """
        return derive(self.seed, f"search {self.name}") % (_HALF - 2**20) + number

    def final_seed(self, place: int) -> int:
        """A fresh seed for the final, 2**30 .. 2**31 - 1: no search has any of these.

        Args:
            place: among the seeds of the final, from 0.
        """
        return _HALF + derive(self.seed, f"final {self.name}") % (_HALF - _MOST_SEEDS) + place

    @property
    def most_finalists(self) -> int:
        """Finalists that there can be: trainings of the default are none."""
        return min(self.finalists, max(0, self.trials - self.spread))

    @property
    def most_finals(self) -> int:
        """Trainings of the final that there can be: finalists and default with each fresh seed."""
        return (self.most_finalists + 1) * self.final_seeds if self.most_finalists else 0

    @property
    def measured(self) -> list[int]:
        """Ticks at which a trial is measured."""
        return sorted({*self.rungs, *LAST})
