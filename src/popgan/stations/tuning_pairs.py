"""What a translator leaves to the tuning split: the snapshot to export, the place of fusion.

Measured by the mean absolute error in the foreground, a patient, then averaged over patients: a
patient with many slices counts no more than one with few.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from popgan.cohort.cohort import Cohort
from popgan.config.network import MustGANNetwork
from popgan.config.schema import Plan
from popgan.evidence.statistics import subject_groups
from popgan.files import atomic_path
from popgan.recipes.mustgan import decide, shown_place, undecided
from popgan.stations.pairs import VisitPairs, visits
from popgan.stations.snapshots import Choice, choose
from popgan.synthesis.image import contact_sheet
from popgan.synthesis.translate import Translator
from popgan.training.growth import Stage
from popgan.training.guard import Score
from popgan.training.processes import Processes
from popgan.training.state import TrainState

SHOWN = 6  # visits in a grid
_AROUND = 3  # as many neighbours as a network can have
FOREGROUND = -0.9  # what is brighter in any true contrast counts


class PairedScale:
    """Measures averaged translators against the tuning split of a cohort.

    Args:
        plan: the plan of the training.
        cohort: its cohort.
    """

    def __init__(self, plan: Plan, cohort: Cohort) -> None:
        self.plan, self.cohort = plan, cohort
        names = list(dict.fromkeys(cohort.subjects("tuning")))
        self._names = names
        self._groups: NDArray[np.int64] = (
            subject_groups(names, seed=plan.seed) if len(names) > 1 else np.zeros(1, np.int64)
        )

    def __call__(self, state: TrainState) -> Score:
        """The error of the averaged generator, with its jackknife replicates."""
        errors = self.errors(Translator(state.average, self.plan))
        groups = range(int(self._groups.max()) + 1 if len(errors) > 1 else 0)
        without = [float(errors[self._groups != group].mean()) for group in groups]
        return Score(
            images=state.images,
            value=float(errors.mean()),
            without_subjects=without,
            without_images=[],
        )

    def errors(self, translator: Translator, place: int | None = None) -> NDArray[np.float64]:
        """Mean absolute error of each tuning patient, unit intensities."""
        sums = {name: np.zeros(2) for name in self._names}
        for visit in visits(self.cohort, "tuning", self.plan):
            made = translator(visit.sources, place=place).images
            shown = np.maximum(visit.sources.max(1), visit.target) > FOREGROUND
            error = np.abs(made - visit.target)[shown] / 2
            sums[visit.subject] += [float(error.sum()), error.size]
        return np.array([total / max(1.0, count) for total, count in sums.values()])

    def choose(self, scores: list[Score]) -> Choice:
        """The snapshot to export; see `snapshots.choose`."""
        sizes = np.bincount(self._groups)
        given = {"without_subjects": sizes} if scores[-1].without_subjects else {}
        return choose(scores, given, "mean absolute error on the tuning split")


class ShownPairs:
    """Writes a grid of tuning slices at every tick: sources, translation, truth in each row.

    Args:
        plan: the plan of the training.
        cohort: its cohort.
        folder: private, because the slices are of patients.
    """

    def __init__(self, plan: Plan, cohort: Cohort, folder: Path) -> None:
        self._plan, self._folder = plan, folder
        first = list(itertools.islice(visits(cohort, "tuning", plan), SHOWN))
        self._several = len(first) > 1
        self._windows = [window for visit in first for window in _windows(visit)]

    def __call__(self, state: TrainState, stage: Stage) -> Tensor | None:
        """The translations, N x 1 x H x W, for the monitors; None where they come of one visit.

        Slices of a single visit may lie so near that they are alike in truth: no collapse.
        """
        translator, rows, made = Translator(state.average, self._plan), [], []
        fusion = shown_place(state, self._plan)
        for stack, place, target in self._windows:
            image = translator(stack, place=fusion).images[place]
            rows += [*stack[place], image, target]
            made.append(image)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        tiles = np.stack(rows)[:, None]
        path = self._folder / f"{state.images:012d}.png"
        sheet = contact_sheet(tiles, len(translator.sources) + 2, gutter=2)
        with atomic_path(path, mode=0o600) as temporary:
            Image.fromarray(sheet).save(temporary, format="PNG", optimize=True)
        return torch.from_numpy(np.stack(made)[:, None]) if self._several else None


Window = tuple[NDArray[np.float32], int, NDArray[np.float32]]
"""Sources of a slice and those around it, which of them it is, its target."""


def _windows(visit: VisitPairs) -> list[Window]:
    """Two slices of a visit, at a third and two thirds of its height; the only one if it is."""
    found = []
    for place in sorted({len(visit.target) // 3, 2 * len(visit.target) // 3}):
        first = max(0, place - _AROUND)
        beside = visit.sources[first : place + _AROUND + 1].copy()
        found.append((beside, place - first, visit.target[place]))
    return found


def settle_fusion(
    plan: Plan, scale: PairedScale, processes: Processes
) -> Callable[[TrainState], None] | None:
    """Chooses the place of fusion once places have competed; None where there is nothing to choose.

    The errors are kept in the state's notes, so that the report can show them.
    """
    shape = plan.network
    if not isinstance(shape, MustGANNetwork) or len(shape.fusion) == 1:
        return None

    def settle(state: TrainState) -> None:
        if not undecided(state, plan):
            return
        errors: list[float] = []
        if processes.leads:
            judged = Translator(state.average, plan)
            errors = [
                float(scale.errors(judged, place).mean()) for place in range(len(shape.fusion))
            ]
        best = processes.told(int(np.argmin(errors)) if errors else 0)
        decide(state, best)
        if errors:
            listed = ", ".join(
                f"{name} {error:.5f}" for name, error in zip(shape.fusion, errors, strict=True)
            )
            text = (
                f"streams are fused at {shape.fusion[best]}: mean absolute error on the tuning "
                f"split {listed}"
            )
            state.guard = state.guard.noting(state.images, text, planned=True)

    return settle
