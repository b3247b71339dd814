"""Training images of a cohort, batch by batch, resident on the device where they fit."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from popgan.cohort.cohort import Cohort
from popgan.device import best_device

RESIDENT_BYTES = 2 * 2**30


class CohortImages:
    """Slices of one split as float32 N x C x H x W in [-1, 1].

    Small splits (up to 2 GiB as float32) are held on the device; larger ones stay in the
    memory-mapped store and are converted batch by batch.

    Args:
        cohort: the cohort.
        split: "train", "tuning" or "test".
    """

    def __init__(self, cohort: Cohort, split: str) -> None:
        cohort.check_splits()
        self._cohort, self._split = cohort, split
        self._count = len(cohort.indices(split))
        size = self._count * len(cohort.contrasts) * cohort.height * cohort.width * 4
        self._resident: Tensor | None = None
        if size <= RESIDENT_BYTES:
            self._resident = torch.from_numpy(cohort.images(split)).to(best_device())

    def __len__(self) -> int:
        return self._count

    def batch(self, indices: np.ndarray) -> Tensor:
        """Images by their index within the split."""
        if self._resident is not None:
            return self._resident[torch.from_numpy(indices).to(self._resident.device)]
        return torch.from_numpy(self._cohort.batch(self._split, indices))
