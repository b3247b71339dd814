"""What an audit sets against each other: patients trained with, patients never seen, and others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import psutil
from numpy.typing import NDArray

from popgan.cohort.cohort import Cohort
from popgan.errors import NotMeasurableError, UserError
from popgan.evidence.features import Extractor, cached_features
from popgan.evidence.privacy.cases import Cases
from popgan.progress import Reporter
from popgan.stations.model import Model
from popgan.wording import counted

LEAST_IMAGES = 10
"""Images of a side below which no audit is made."""
LEAST_PATIENTS = 2
_COPIES = 6  # of every image that an audit holds at once, in several forms
_SPLITS = (("train", "training"), ("test", "held-out"))


@dataclass(frozen=True)
class Sides:
    """Who was trained with, who was not, and a third group for attacks that calibrate.

    Attributes:
        train: members. heldout: the test split.
        reference: the tuning split, which did not train; None where it is empty.
        extractor: the feature network of all of them.
    """

    train: Cases
    heldout: Cases
    reference: Cases | None
    extractor: Extractor


def both_sides(
    model: Model, cohort: Cohort, extractor: Extractor, reporter: Reporter, extra: int = 0
) -> Sides:
    """Real images with their features, and a patient for each.

    Args:
        model: whose run's cache is used.
        cohort: where they come from.
        extractor: the feature network.
        reporter: shows progress.
        extra: synthetic images that will be held beside them, for the memory they take.

    Raises:
        NotMeasurableError: too few patients, or images, to test anything.
        UserError: not enough memory.
    """
    require_testable(cohort)
    require_memory(cohort, extra)

    def cases(split: str) -> Cases:
        images = cohort.images(split)
        features = features_of(model, images, extractor, f"features of {split}", reporter)
        return Cases(images, features, cohort.subjects(split))

    reference = cases("tuning") if cohort.subjects("tuning") else None
    return Sides(cases("train"), cases("test"), reference, extractor)


def features_of(
    model: Model,
    images: NDArray[np.float32],
    extractor: Extractor,
    doing: str,
    reporter: Reporter,
) -> NDArray[np.floating]:
    """Features N x D, from the run's cache where the very same images were seen before."""
    with reporter.task(doing, len(images)) as task:
        return cached_features(images, extractor, model.run / "cache", advance=task.advance)


def require_testable(cohort: Cohort) -> None:
    """Refuse a cohort on which no test would mean anything.

    Raises:
        NotMeasurableError: one patient, or hardly an image, on one of the sides.
    """
    for split, name in _SPLITS:
        owners = cohort.subjects(split)
        patients = len(set(owners))
        if patients < LEAST_PATIENTS:
            raise NotMeasurableError(
                f"the {name} images come from {counted(patients, 'patient', 'patients')}, and an "
                f"audit compares patients: it takes {LEAST_PATIENTS} or more on each side",
                do="add patients",
            )
        if len(owners) < LEAST_IMAGES:
            raise NotMeasurableError(
                f"there are {len(owners)} {name} images, and an audit takes {LEAST_IMAGES}",
                do="add patients, or slices for each patient with --slices",
            )


def require_images(images: NDArray[np.float32]) -> None:
    """Refuse images that cannot be tested.

    Raises:
        NotMeasurableError: fewer than `LEAST_IMAGES`. UserError: values that are not finite.
    """
    if len(images) < LEAST_IMAGES:
        raise NotMeasurableError(
            f"there are {counted(len(images), 'synthetic image', 'synthetic images')}, and an "
            f"audit takes {LEAST_IMAGES}",
            do="ask for more with -n",
        )
    if not all(bool(np.isfinite(image).all()) for image in images):
        raise UserError(
            "the model makes values that are not finite, so nothing was audited",
            do="its training has diverged: train again with lower learning rates",
        )


def require_memory(cohort: Cohort, synthetic: int) -> None:
    """Refuse what would not fit, before an hour is spent on it.

    Raises:
        UserError: with both numbers.
    """
    real = sum(len(cohort.indices(split)) for split in ("train", "tuning", "test"))
    numbers = len(cohort.contrasts) * (cohort.height * cohort.width + 1280)
    needed = 4 * (_COPIES * real + 2 * synthetic) * numbers
    free = psutil.virtual_memory().available
    if needed > free:
        raise UserError(
            f"an audit of {synthetic} images against {real} takes about {needed / 2**30:.1f} GiB "
            f"of memory, {free / 2**30:.1f} are free",
            do="ask for fewer with -n, or close other programs",
        )


def counts(cohort: Cohort) -> dict[str, int]:
    """Patients of each part, as a stored audit names them."""
    parts = {
        "train_subjects": "train",
        "heldout_subjects": "test",
        "reference_subjects": "tuning",
    }
    return {name: len(set(cohort.subjects(split))) for name, split in parts.items()}
