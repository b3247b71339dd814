"""Training images of a cohort, batch by batch, resident on the device where they fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from popgan.cohort.cohort import Cohort
from popgan.config.condition import Condition
from popgan.config.masks import MaskLabel
from popgan.config.schema import Plan
from popgan.device import best_device, sent
from popgan.planning.condition import vectors
from popgan.synthesis.masks import to_codes

RESIDENT_BYTES = 2 * 2**30


class CohortImages:
    """Slices of one split as float32 N x C x H x W in [-1, 1], and what is told about them.

    Masks follow the contrasts as further channels: 1 inside, -1 outside.

    Small splits (up to 2 GiB as float32) are held on the device; larger ones stay in the
    memory-mapped store and are converted batch by batch.

    Args:
        cohort: the cohort.
        split: "train", "tuning" or "test".
        conditions: of the plan; none by default.
        masks: of the plan; with any, slices without a label map are left out.
    """

    def __init__(
        self,
        cohort: Cohort,
        split: str,
        conditions: Sequence[Condition] = (),
        masks: Sequence[MaskLabel] = (),
    ) -> None:
        cohort.check_splits()
        cohort = cohort.mapped() if masks else cohort
        self._cohort, self._split = cohort, split
        self._labels = [mask.value for mask in masks]
        self._count = len(cohort.indices(split))
        told = vectors(cohort, split, conditions)
        self._told = None if told is None else torch.from_numpy(told)
        channels = len(cohort.contrasts) + len(masks)
        size = self._count * channels * cohort.height * cohort.width * 4
        self._resident: Tensor | None = None
        if size <= RESIDENT_BYTES:
            self._resident = self._read(np.arange(self._count)).to(best_device())

    def __len__(self) -> int:
        return self._count

    def batch(self, indices: np.ndarray) -> Tensor:
        """Images by their index within the split."""
        if self._resident is not None:
            return self._resident[sent(torch.from_numpy(indices), self._resident.device)]
        return self._read(indices)

    def _read(self, indices: np.ndarray) -> Tensor:
        images = self._cohort.batch(self._split, indices)
        if self._labels:
            masks = self._cohort.masks(self._split, indices, self._labels)
            images = np.concatenate([images, masks], axis=1)
        return torch.from_numpy(images)

    def condition(self, indices: np.ndarray) -> Tensor | None:
        """Condition vectors by index within the split, N x K; None where nothing is told."""
        return None if self._told is None else self._told[torch.from_numpy(indices)]


def real_codes(
    plan: Plan, cohort: Cohort, split: str, places: np.ndarray | None = None
) -> NDArray[np.uint8]:
    """Labels of real slices as a model with masks codes its own; see `synthesis.masks`.

    Args:
        plan: the model's plan.
        cohort: its slices with a map; see `planning.masks.with_maps`.
        split: "train", "tuning" or "test".
        places: of the slices within the split; all by default.

    Returns:
        n x H x W.
    """
    places = np.arange(len(cohort.indices(split))) if places is None else places
    return to_codes(cohort.masks(split, places, plan.network.masks))
