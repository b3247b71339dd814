"""Is the held-out split what it is called? Patients whom neither training nor tuning has seen."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.cohort import Cohort
from popgan.errors import UserError
from popgan.files import sha256_file
from popgan.stations.model import Model
from popgan.wording import counted

_BATCH = 256


def require_untouched(model: Model, cohort: Cohort) -> str:
    """Verify that a model was trained on this cohort, and that its test split had no part in it.

    Three things are checked: the cohort is, by its hash, the one that the model was planned for;
    the list of the split is the one that ingest wrote, and no patient is in two splits; and no
    held-out slice is, pixel by pixel, a slice of training or tuning, which happens where a scan is
    in the cohort under two names.

    Returns:
        SHA-256 of the verified list.

    Raises:
        UserError: one of them does not hold.
    """
    model.require_cohort(cohort.hash)
    cohort.check_splits()
    held_out = _of(cohort, "test")
    # Tuning chose the snapshot that was exported.
    for split, words in (("train", "trained with"), ("tuning", "tuned with")):
        seen = set(_of(cohort, split)) - {None}
        touched = sum(digest in seen for digest in held_out)
        if touched:
            slices = counted(touched, "held-out slice is", "held-out slices are")
            raise UserError(
                f"{slices}, pixel by pixel, slices that the model was {words}: somebody is in the "
                "cohort under two names, so nothing measured on held-out patients would be true",
                where=cohort.run,
                do="remove the doubles from the scans and ingest and train again; "
                "private/quality.html shows them",
            )
    return sha256_file(cohort.run / "dataset" / "splits.json")


def _of(cohort: Cohort, split: str) -> list[str | None]:
    """Hashes of a split's images, a few hundred in memory at once."""
    count, found = len(cohort.indices(split)), []
    for start in range(0, count, _BATCH):
        found += digests(cohort.batch(split, np.arange(start, min(start + _BATCH, count))))
    return found


def digests(images: NDArray[Any]) -> list[str | None]:
    """A hash of each image's pixels; None for an image of a single value, which shows nobody."""
    found: list[str | None] = []
    for image in images:
        flat = bool(image.min() == image.max())
        found.append(None if flat else hashlib.sha256(image.tobytes()).hexdigest())
    return found
