"""What a trial is judged by: KID to the tuning split, and what it must not lose for it.

All trials draw from the same latents and are held against the same tuning slices, so their
differences are known better than their scores. A low KID bought with sameness, or with noise, is no
progress: coverage and variety must stay near those of the default (Lucic et al., 2018, on why a
search needs fixed rules; Naeem et al., 2020, on coverage).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from popgan.cohort.cohort import Cohort
from popgan.config.schema import Plan
from popgan.evidence.features import cached_features
from popgan.evidence.fidelity.prdc import prdc
from popgan.evidence.statistics import Replicates, jackknife_variance
from popgan.seeds import numpy_rng
from popgan.stations.snapshots import IMAGES, TuningScale
from popgan.training.guard import Score
from popgan.training.state import TrainState

NEIGHBOURS = 5
KEPT = 0.8
"""Share of coverage and of variety that a setting must keep; of variety also the inverse of the
most that it may have: images that differ from each other by far more than real ones are noise."""


class TrialScale(TuningScale):
    """Measures the averaged generator of a trial.

    Args:
        plan: of the trial.
        cohort: its cohort.
        seed: of latents and groups; the same for all trials of a study.
    """

    def __init__(self, plan: Plan, cohort: Cohort, seed: int) -> None:
        super().__init__(plan, cohort, seed)
        self._latest: np.ndarray | None = None

    def features(self, state: TrainState) -> np.ndarray:
        """See `TuningScale.features`; the latest are kept for `coverage`."""
        self._latest = super().features(state)
        return self._latest

    def coverage(self, state: TrainState) -> float:
        """Share of tuning slices with a synthetic image among their neighbours, at the end."""
        fakes = self.features(state) if self._latest is None else self._latest
        return self._covered(fakes)

    def coverage_floor(self) -> float:
        """The same by as many training slices: what a perfect generator could reach."""
        count = len(self.cohort.indices("train"))
        rng = numpy_rng(self.seed, "coverage floor")
        places = np.sort(rng.choice(count, min(IMAGES, count), replace=False))
        images = self.cohort.batch("train", places)
        return self._covered(cached_features(images, self.extractor(), self.cohort.run / "cache"))

    def _covered(self, fakes: np.ndarray) -> float:
        found = prdc(self.reference(), fakes, k=min(NEIGHBOURS, len(self.reference()) - 1))
        return float(found.value["coverage"])


def objective(
    scores: Sequence[Score], subjects: np.ndarray, images: np.ndarray
) -> tuple[float, float]:
    """Mean KID of some snapshots and its standard error.

    The snapshots share latents and tuning slices, so their replicates are averaged, too.

    Args:
        scores: at least one.
        subjects: group of each tuning slice.
        images: group of each synthetic image.
    """
    value = float(np.mean([score.value for score in scores]))
    variance = 0.0
    for name, groups in (("without_subjects", subjects), ("without_images", images)):
        values = np.mean([getattr(score, name) for score in scores], axis=0)
        variance += jackknife_variance(value, Replicates(values, np.bincount(groups)))
    return value, math.sqrt(max(0.0, variance))


def limits(
    coverages: Sequence[float], floor: float | None, varieties: Sequence[float]
) -> tuple[float, tuple[float, float]]:
    """Least coverage, and least and most variety of a feasible trial.

    The least are shares of what the default keeps, and of what real images have where that is less:
    after minutes of training nobody covers what real slices cover. The most is likewise by the
    default's variety, or by that of real images where that is more.

    Args:
        coverages: of the default's trainings; empty: not known.
        floor: coverage by training slices; None: not known.
        varieties: of the default's trainings; empty: not known.
    """
    whole = math.inf if floor is None else floor
    least = KEPT * min(float(np.mean(coverages)), whole) if coverages else 0.0
    if not varieties:
        return least, (0.0, math.inf)
    mean = float(np.mean(varieties))
    return least, (KEPT * min(1.0, mean), max(1.0, mean) / KEPT)
