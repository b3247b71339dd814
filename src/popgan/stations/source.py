"""Training images of a cohort, batch by batch, resident on the device where they fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from popgan.cohort.cohort import Cohort
from popgan.config.condition import Condition
from popgan.device import best_device
from popgan.planning.condition import vectors

RESIDENT_BYTES = 2 * 2**30


class CohortImages:
    """Slices of one split as float32 N x C x H x W in [-1, 1], and what is told about them.

    Small splits (up to 2 GiB as float32) are held on the device; larger ones stay in the
    memory-mapped store and are converted batch by batch.

    Args:
        cohort: the cohort.
        split: "train", "tuning" or "test".
        conditions: of the plan; none by default.
    """

    def __init__(self, cohort: Cohort, split: str, conditions: Sequence[Condition] = ()) -> None:
        cohort.check_splits()
        self._cohort, self._split = cohort, split
        self._count = len(cohort.indices(split))
        told = vectors(cohort, split, conditions)
        self._told = None if told is None else torch.from_numpy(told)
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

    def condition(self, indices: np.ndarray) -> Tensor | None:
        """Condition vectors by index within the split, N x K; None where nothing is told."""
        return None if self._told is None else self._told[torch.from_numpy(indices)]
