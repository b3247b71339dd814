"""Each model of a comparison measured once, one after the other, in the memory of one image set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.cohort import Cohort
from popgan.errors import UserError
from popgan.evidence.compare.effects import missing
from popgan.evidence.compare.results import MetricName, RowKind, UnpairedRow, UnpairedTable
from popgan.evidence.compare.scores import Reference, Scored, score_coverage, score_kid
from popgan.evidence.features import Extractor, cached_features
from popgan.evidence.fidelity.frechet import frechet_distance
from popgan.evidence.fidelity.kid import kid_with_replicates
from popgan.evidence.readers.results import Measure
from popgan.evidence.statistics import (
    Replicates,
    image_groups,
    interval,
    owners_of,
    subject_groups,
)
from popgan.evidence.unpaired import INTENSITY, MASK, WHY, Bank, nearest_errors, random_errors
from popgan.progress import Reporter
from popgan.seeds import numpy_rng
from popgan.stations.contenders import Entrant
from popgan.stations.draw import synthesise
from popgan.stations.evidence import evaluation_seed

SEED = 0
"""Of groups, subsets and pairs: fixed, so that all models meet the same."""
_OF = "held-out subjects"
Images = NDArray[np.float32]
Features = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Measured:
    """What one model came to; its images are not kept."""

    scored: dict[MetricName, Scored]
    kid: Measure
    clipped_coverage: Measure | None
    frechet: float
    row: UnpairedRow


class Scale:
    """What all models of a run are held against.

    Args:
        cohort: the run's cohort.
        count: synthetic images of each model.
        extractor: the feature network.
        reporter: shows progress.
    """

    def __init__(
        self, cohort: Cohort, count: int, extractor: Extractor, reporter: Reporter
    ) -> None:
        self._count, self._extractor, self._reporter = count, extractor, reporter
        self._cache = cohort.run / "cache"
        owners = {split: cohort.subjects(split) for split in ("train", "test")}
        images = {split: cohort.images(split) for split in owners}
        self._train = _patients(images["train"], owners["train"])
        self._held_out = _patients(images["test"], owners["test"])
        self._train_features = self._features(images["train"], "features of training images")
        self.reference = Reference.of(
            self._features(images["test"], "features of held-out images"), owners["test"], SEED
        )
        self.subjects = self.reference.subjects
        self.matched = min(count, len(images["train"]))
        self.floor = self._kid(self._train_features, self._train)
        self._mean = images["train"].mean(0, dtype=np.float64, keepdims=True).astype(np.float32)
        # An average has no spread of its own: two of it make the unbiased estimate.
        self._mean_features = np.repeat(extractor(self._mean), 2, axis=0)
        self.mean_image = self._kid(self._mean_features, None)

    def measure(self, entrant: Entrant) -> Measured:
        """Draw a model's images, at the seed that it is evaluated with, and measure them.

        Raises:
            UserError: the memory is not enough for its images, or one of them is not finite.
        """
        name, seed = entrant.name, evaluation_seed(entrant.plan)
        images = synthesise(entrant.model, self._count, seed=seed, reporter=self._reporter)
        if not all(bool(np.isfinite(image).all()) for image in images):
            raise UserError(
                f"model {name!r} makes values that are not finite, so nothing was compared",
                do="leave it out by naming the others, or train it again with lower learning rates",
            )
        features = self._features(images, f"features of {name}")
        scored: dict[MetricName, Scored] = {"kid": score_kid(self.reference, features, SEED)}
        coverage = score_coverage(self.reference, features, SEED)
        if coverage is not None:
            scored["clipped_coverage"] = coverage
        kid = self._measure(scored["kid"])
        frechet = self._frechet(features)
        with self._reporter.task(f"unpaired errors of {name}", None):
            groups = image_groups(len(images), seed=SEED)
            row = self._row(name, "model", Bank(images, groups), frechet, kid)
        return Measured(
            scored=scored,
            kid=kid,
            clipped_coverage=self._measure(coverage, (0.0, 1.0)) if coverage else None,
            frechet=frechet,
            row=row,
        )

    def table(self, measured: list[Measured]) -> UnpairedTable:
        """The paper's numbers: models first, then the rows that show what these are worth."""
        with self._reporter.task("unpaired errors of real images", None):
            some = _some(len(self._train.images), self.matched)
            copies = Bank(
                self._train.images[some],
                np.unique(self._train.groups[some], return_inverse=True)[1],
                _owners(self._train)[some],
            )
            real = self._frechet(self._train_features)
            rows = [
                self._row(
                    "mean training image",
                    "mean image",
                    Bank(self._mean, np.zeros(1, np.int64)),
                    frechet_distance(
                        self.reference.features,
                        np.repeat(self._mean_features[:1], self.matched, axis=0),
                    ),
                    self.mean_image,
                ),
                self._row(
                    "real against real", "real against real", self._held_out, real, self.floor
                ),
                self._row(
                    "copies of the training set",
                    "copies of the training set",
                    copies,
                    real,
                    self.floor,
                ),
            ]
        return UnpairedTable(
            why=WHY,
            intensity=INTENSITY,
            mask=MASK,
            pairing_seed=SEED,
            rows=[*(one.row for one in measured), *rows],
        )

    def _row(
        self, name: str, kind: RowKind, source: Bank, frechet: float, kid: Measure
    ) -> UnpairedRow:
        same = source is self._held_out
        return UnpairedRow(
            name=name,
            kind=kind,
            images=len(source.images),
            random=random_errors(source, self._held_out, seed=SEED, same=same),
            nearest_train=nearest_errors(source, self._train, "training subjects"),
            nearest_held_out=nearest_errors(source, self._held_out, _OF, same=same),
            frechet=frechet,
            kid=kid,
        )

    def _features(self, images: Images, doing: str) -> Features:
        with self._reporter.task(doing, len(images)) as task:
            return cached_features(images, self._extractor, self._cache, advance=task.advance)

    def _frechet(self, features: Features) -> float:
        some = _some(len(features), self.matched)
        return frechet_distance(self.reference.features, features[some])

    def _kid(self, features: Features, bank: Bank | None) -> Measure:
        """KID of images that are no model's; without a bank, only held-out subjects are varied."""
        value, left, right = kid_with_replicates(
            self.reference.features,
            self.reference.groups,
            features,
            np.zeros(len(features), np.int64) if bank is None else bank.groups,
            x_owners=self.reference.owners,
            y_owners=None if bank is None else bank.owners,
        )
        return self._interval(value, [left] if bank is None else [left, right])

    def _measure(self, scored: Scored, bounds: tuple[float, float] = (-np.inf, np.inf)) -> Measure:
        return self._interval(scored.value, [scored.reference, scored.synthetic], bounds)

    def _interval(
        self,
        value: float,
        left: list[Replicates],
        bounds: tuple[float, float] = (-np.inf, np.inf),
    ) -> Measure:
        groups = " + ".join(str(len(part.values)) for part in left)
        method = f"delete-a-group jackknife, {groups} groups, Student t, 95 %"
        low, high = interval(value, *left, bounds=bounds)
        if not low < high:
            reason = "the value is the same without any one group"
            return missing(self.subjects, _OF, method, reason, value)
        return Measure(value=value, low=low, high=high, n=self.subjects, of=_OF, method=method)


def _patients(images: Images, subjects: list[str]) -> Bank:
    return Bank(images, subject_groups(subjects, seed=SEED), owners_of(subjects))


def _owners(bank: Bank) -> NDArray[np.int64]:
    assert bank.owners is not None
    return bank.owners


def _some(count: int, size: int) -> NDArray[np.int64]:
    """A fixed subset."""
    return np.sort(numpy_rng(SEED, "matched images").permutation(count)[:size])
