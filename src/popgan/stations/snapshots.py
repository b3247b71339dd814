"""Which snapshot of a training is exported: the one nearest to the tuning split, if that is sure.

The kernel distance (KID) of the averaged generator to the tuning split is measured a few times
in the last part of training. Tuning splits are small, so a KID has a wide interval; but all
snapshots are held against the same slices and draw from the same latent vectors, so most of the
error is the same for all, and the *difference* of two is known much better than either. An earlier
snapshot is taken only if it is nearer than the last by more than twice the standard error of that
difference (delete-a-group jackknife over tuning subjects and over synthetic images). Otherwise the
last one is: the learning rates have fallen until there, and a minimum of several noisy numbers is
mostly luck.

The test split is not touched, so what `evaluate` measures there is not made better by the choice.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from popgan.cohort.cohort import Cohort
from popgan.config.schema import Plan
from popgan.device import best_device
from popgan.evidence.features import FeatureExtractor, cached_features
from popgan.evidence.fidelity.kid import kid_with_replicates
from popgan.evidence.statistics import (
    Replicates,
    image_groups,
    jackknife_variance,
    owners_of,
    subject_groups,
)
from popgan.seeds import derive
from popgan.stations.draw import told_by
from popgan.synthesis.sample import sample
from popgan.training.guard import Score
from popgan.training.probe import Cost, undisturbed
from popgan.training.state import TrainState

IMAGES = 256  # synthetic images a snapshot is measured with
SURE = 2.0  # standard errors
_PATIENCE = 10.0  # seconds until measuring how long a snapshot takes is not repeated


class TuningScale:
    """Measures averaged generators against the tuning split of a cohort.

    Args:
        plan: the plan of the training.
        cohort: its cohort.
        seed: of latents and groups; the plan's by default. With the same one, scores of several
            trainings are of the same latents.
    """

    def __init__(self, plan: Plan, cohort: Cohort, seed: int | None = None) -> None:
        self.plan, self.cohort = plan, cohort
        self.seed = plan.seed if seed is None else seed
        self.told = told_by(plan, cohort)[0]
        subjects = cohort.subjects("tuning")
        self.subjects = subject_groups(subjects, seed=self.seed)
        self.owners = owners_of(subjects)
        self.images = image_groups(IMAGES, seed=self.seed)
        self._reference: np.ndarray | None = None
        self._extractor: FeatureExtractor | None = None

    def __call__(self, state: TrainState) -> Score:
        """The KID of the averaged generator, with its jackknife replicates."""
        reference, fakes = self.reference(), self.features(state)
        kid, real, fake = kid_with_replicates(
            reference, self.subjects, fakes, self.images, x_owners=self.owners
        )
        return Score(
            images=state.images,
            value=kid,
            without_subjects=real.values.tolist(),
            without_images=fake.values.tolist(),
        )

    def choose(self, scores: list[Score]) -> Choice:
        """The snapshot to export; see `choose`."""
        sizes = {
            "without_subjects": np.bincount(self.subjects),
            "without_images": np.bincount(self.images),
        }
        return choose(scores, sizes, "KID to the tuning split")

    def features(self, state: TrainState) -> np.ndarray:
        """Features of the images that the averaged generator draws, IMAGES x D."""
        seed = derive(self.seed, "snapshots") % 2**31
        drawn = sample(state.average, self.plan, seed=seed, count=IMAGES, told=self.told)
        images = len(self.plan.data.contrasts)  # masks have no part in the distance
        return self.extractor()(np.concatenate([batch[:, :images] for batch in drawn]))

    def reference(self) -> np.ndarray:
        """Features of the tuning split, N x D."""
        if self._reference is None:
            self._reference = cached_features(
                self.cohort.images("tuning"), self.extractor(), self.cohort.run / "cache"
            )
        return self._reference

    def extractor(self) -> FeatureExtractor:
        """The feature network, loaded once."""
        if self._extractor is None:
            self._extractor = FeatureExtractor(device=best_device())
        return self._extractor


def choose(scores: list[Score], sizes: Mapping[str, np.ndarray], title: str) -> Choice:
    """The snapshot to export: the lowest if it surely is, else the last.

    Args:
        scores: of all snapshots in order; at least one.
        sizes: for each kind of replicates in the scores, how many items each left-out group has;
            without any, nothing is known of the error, and no earlier one is surely lower.
        title: what the scores are, in words.
    """
    last, best = scores[-1], min(scores, key=lambda score: score.value)
    error = _error_of_difference(last, best, sizes)
    if best is last or last.value - best.value <= SURE * error:
        text = (
            f"the last of {len(scores)} snapshots ({title} {last.value:.4g}); no "
            f"earlier one was lower by more than {SURE:g} standard errors"
        )
        if best is not last:
            known = f"{error:.2g}" if sizes else "unknown"
            text += f" (lowest {best.value:.4g} at {best.images} images, standard error of the "
            text += f"difference {known})"
        return Choice(last.images, text)
    text = (
        f"of {len(scores)} snapshots the one at {best.images} images: {title} "
        f"{best.value:.4g}, at the end {last.value:.4g} (standard error of the difference "
        f"{error:.2g})"
    )
    return Choice(best.images, text)


def _error_of_difference(one: Score, other: Score, sizes: Mapping[str, np.ndarray]) -> float:
    variance = 0.0 if sizes else math.inf
    for name, counts in sizes.items():
        pairs = zip(getattr(one, name), getattr(other, name), strict=True)
        left = Replicates(np.array([a - b for a, b in pairs]), counts)
        variance += jackknife_variance(one.value - other.value, left)
    return math.sqrt(variance)


@dataclass(frozen=True)
class Choice:
    """The exported snapshot.

    Attributes:
        images: images seen until it.
        text: why it was chosen.
    """

    images: int
    text: str


def seconds_a_snapshot(contrasts: int, size: tuple[int, int]) -> float:
    """How long this machine takes to measure a snapshot, extrapolated from an eighth of it.

    It is measured again where other programs took the cores meanwhile, as speed is.
    """
    part, device = IMAGES // 8, best_device()
    extractor = FeatureExtractor(device=device)
    images = np.zeros((part, contrasts, *size), np.float32)
    extractor(images[:4])  # the first calls set kernels up

    def once() -> Cost:
        start, began = time.perf_counter(), time.thread_time()
        extractor(images)
        wall, own = time.perf_counter() - start, time.thread_time() - began
        return Cost(wall, own if device.type == "cpu" else wall)

    return undisturbed(once, _PATIENCE).wall * IMAGES / part
