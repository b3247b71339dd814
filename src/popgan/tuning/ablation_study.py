"""What an ablation is about, as data: RUN/ablation/NAME/study.yaml, and where its files lie.

It is written once and read by every worker; the cells to train follow from it alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from popgan.evidence.experiments.results import SearchSpace, Setting, Variant
from popgan.tuning.cells import Cell, Cells, cell_name
from popgan.tuning.study import Study, StudyPlaces

CURVE = [5, 10, 15]
"""Ticks at which a training is measured for its learning curve, besides the last ones."""


class AblationPlaces(StudyPlaces):
    """Where the files of an ablation lie: RUN/ablation/NAME, RUN/private/ablation/NAME."""

    VERB: ClassVar[str] = "ablate"
    KIND: ClassVar[str] = "ablation"
    WORD: ClassVar[str] = "ablation"

    @property
    def runs(self) -> Path:
        """Every training, as a table."""
        return self.folder / "runs.csv"

    @property
    def contrasts(self) -> Path:
        """Every variant against its base, as a table."""
        return self.folder / "contrasts.csv"

    @property
    def points(self) -> Path:
        """Learning curves, as a table."""
        return self.folder / "points.csv"

    @property
    def sensitivity(self) -> Path:
        """Which values matter, as a table."""
        return self.folder / "sensitivity.csv"


class AblationStudy(Study):
    """An ablation: fixed when it begins; latents are measured with its seed.

    Attributes:
        seeds: replicates, the same for all variants.
        variants: all, the default first; those that cannot be trained among them.
        levels: of the factorial design, variant -> which factors it has.
        space: of the trials that fill it; empty without them.
        default: the default's values of it.
        trials: settings that fill it, as they differ from the default.
        budget: what every training gets, in words.
    """

    TOP: ClassVar[str] = "# What this ablation trains; written once.\n"

    seeds: list[int] = Field(min_length=1, max_length=1000)
    variants: list[Variant] = Field(min_length=1)
    levels: dict[str, dict[str, bool]] = Field(default_factory=dict)
    space: list[SearchSpace] = Field(default_factory=list)
    default: Setting = Field(default_factory=dict)
    trials: list[Setting] = Field(default_factory=list)
    budget: str = ""

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
        return Cells(places.private, self.cells(), places.digest)
