"""Images with their features and patients: what an audit takes in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.errors import UserError


@dataclass(frozen=True)
class Cases:
    """Real images of some patients.

    Attributes:
        images: N x C x H x W float32 in [-1, 1].
        features: N x D.
        subjects: N pseudonyms; one patient can have several images.
    """

    images: NDArray[np.float32]
    features: NDArray[np.floating]
    subjects: Sequence[str]

    def __post_init__(self) -> None:
        check_images(self.images, self.features, "real images")
        if len(self.subjects) != len(self.images):
            raise ValueError(f"{len(self.images)} images, {len(self.subjects)} subject names")

    @property
    def patients(self) -> int:
        """How many different patients."""
        return len(set(self.subjects))

    def at(self, places: NDArray[np.intp]) -> Cases:
        """The images at some places, with what belongs to them."""
        owners = [str(self.subjects[int(place)]) for place in places]
        return Cases(self.images[places], self.features[places], owners)


def check_images(
    images: NDArray[np.float32], features: NDArray[np.floating], what: str = "synthetic images"
) -> None:
    """Refuse what cannot be measured.

    Raises:
        UserError: no images, or values that are not finite.
        ValueError: shapes that do not belong together.
    """
    if images.ndim != 4 or features.ndim != 2 or len(images) != len(features):
        raise ValueError(f"{what}: shapes {images.shape} and {features.shape}")
    if not len(images):
        raise UserError(f"there are no {what} to audit")
    if not (np.isfinite(images).all() and np.isfinite(features).all()):
        raise UserError(f"{what} or their features hold values that are not finite")


def check_apart(train: Cases, heldout: Cases) -> None:
    """Refuse patients on both sides: their images would hide every copy.

    Raises:
        UserError: without naming a patient.
    """
    both = len(set(train.subjects) & set(heldout.subjects))
    if both:
        raise UserError(
            f"{both} of {heldout.patients} held-out patients were trained with",
            do="audit with patients whom the generator has never seen",
        )
    if train.images.shape[1:] != heldout.images.shape[1:]:
        raise UserError(
            f"training images have shape {train.images.shape[1:]}, held-out ones "
            f"{heldout.images.shape[1:]}"
        )
