"""Slices of a cohort as pairs for translators: sources with their neighbours, then the target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from popgan.cohort.cohort import Cohort
from popgan.config.network import TranslatorShape
from popgan.config.schema import Plan
from popgan.device import best_device
from popgan.errors import UserError
from popgan.stations.source import RESIDENT_BYTES, CohortImages
from popgan.training.sampler import ImageSource


@dataclass(frozen=True)
class VisitPairs:
    """The slices of one visit, from the bottom up.

    Attributes:
        subject: pseudonym.
        places: of the slices within `cohort.images(split)`.
        sources: n x K x H x W float32 in [-1, 1], in the order of the plan's sources.
        target: n x H x W float32 in [-1, 1].
        heights: n, 0 bottom to 1 top of the brain.
    """

    subject: str
    places: NDArray[np.intp]
    sources: NDArray[np.float32]
    target: NDArray[np.float32]
    heights: NDArray[np.float64]


class CohortPairs:
    """Training pairs of one split, N x (K * planes + 1) x H x W float32 in [-1, 1].

    Args:
        cohort: the cohort.
        split: "train", "tuning" or "test".
        shape: the plan's networks: sources, target, neighbours.
    """

    def __init__(self, cohort: Cohort, split: str, shape: TranslatorShape) -> None:
        cohort.check_splits()
        self._cohort, self._split = cohort, split
        self._sources = torch.tensor(channels_of(cohort, shape.sources))
        self._target = channels_of(cohort, [shape.target])[0]
        self._around = torch.from_numpy(neighbours(cohort, split, shape.neighbours))
        size = len(self._around) * len(cohort.contrasts) * cohort.height * cohort.width * 4
        self._resident: Tensor | None = None
        if size <= RESIDENT_BYTES:
            self._resident = torch.from_numpy(cohort.images(split)).to(best_device())

    def __len__(self) -> int:
        return len(self._around)

    def batch(self, indices: np.ndarray) -> Tensor:
        """Pairs by their index within the split."""
        around = self._around[torch.from_numpy(indices)]
        images = self._read(around.flatten()).unflatten(0, tuple(around.shape))
        # N x planes x K x H x W, and a source's planes belong together.
        sources = images[:, :, self._sources].transpose(1, 2).flatten(1, 2)
        middle = around.shape[1] // 2
        return torch.cat([sources, images[:, middle, self._target, None]], 1)

    def _read(self, places: Tensor) -> Tensor:
        if self._resident is not None:
            return self._resident[places.to(self._resident.device)]
        return torch.from_numpy(self._cohort.batch(self._split, places.numpy()))

    def condition(self, indices: np.ndarray) -> Tensor | None:
        """Nothing is told."""
        return None


def training_images(plan: Plan, cohort: Cohort) -> ImageSource:
    """What a plan trains on: pairs for translators, images for all others."""
    if isinstance(plan.network, TranslatorShape):
        return CohortPairs(cohort, "train", plan.network)
    return CohortImages(cohort, "train", plan.data.conditions, plan.data.masks)


def visits(cohort: Cohort, split: str, plan: Plan) -> Iterator[VisitPairs]:
    """The visits of a split, in the order of the store; one at a time is in memory."""
    shape = translator_of(plan)
    sources, target = (
        channels_of(cohort, shape.sources),
        channels_of(cohort, [shape.target])[0],
    )
    rows = cohort.indices(split)
    for places in visit_places(cohort, split):
        images = cohort.batch(split, places)
        infos = [cohort.slices[row] for row in rows[places]]
        yield VisitPairs(
            subject=infos[0].subject,
            places=places,
            sources=np.ascontiguousarray(images[:, sources]),
            target=images[:, target].copy(),
            heights=np.array([info.height for info in infos]),
        )


def translator_of(plan: Plan) -> TranslatorShape:
    """The networks of a plan that translates.

    Raises:
        UserError: it does not.
    """
    if not isinstance(plan.network, TranslatorShape):
        raise UserError(
            f"recipe {plan.recipe!r} does not translate contrasts",
            do="train one that does: --recipe pix2pix or mustgan",
        )
    return plan.network


def channels_of(cohort: Cohort, contrasts: list[str]) -> list[int]:
    """Channels of contrasts.

    Raises:
        UserError: the cohort has no such contrast.
    """
    for name in contrasts:
        if name not in cohort.contrasts:
            raise UserError(
                f"contrast {name} is not in the cohort, which has {', '.join(cohort.contrasts)}",
                where=cohort.run,
                do="ingest it too: --contrast NAMES",
            )
    return [cohort.contrasts.index(name) for name in contrasts]


def visit_places(cohort: Cohort, split: str) -> list[NDArray[np.intp]]:
    """Places within `cohort.images(split)` of each visit's slices, from the bottom up."""
    found: dict[tuple[str, int], list[int]] = {}
    rows = cohort.indices(split)
    for place, row in enumerate(rows):
        info = cohort.slices[row]
        found.setdefault((info.subject, info.visit), []).append(place)
    for own in found.values():
        own.sort(key=lambda place: cohort.slices[rows[place]].position_mm)
    return [np.array(own, np.intp) for own in found.values()]


def neighbours(cohort: Cohort, split: str, count: int) -> NDArray[np.int64]:
    """Places of each slice with `count` neighbours below and above; at the ends repeated.

    Returns:
        N x (2 * count + 1), from the bottom up; the slice itself in the middle.
    """
    around = np.empty((len(cohort.indices(split)), 2 * count + 1), np.int64)
    for places in visit_places(cohort, split):
        for offset in range(-count, count + 1):
            beside = np.clip(np.arange(len(places)) + offset, 0, len(places) - 1)
            around[places, offset + count] = places[beside]
    return around


def slice_distance(cohort: Cohort) -> float:
    """Median distance of neighbouring slices of the training visits, mm; > 0.

    Visits of a single slice have none; where there are no others it is that of the grid.
    """
    rows = cohort.indices("train")
    steps = [
        np.diff([cohort.slices[rows[place]].position_mm for place in places])
        for places in visit_places(cohort, "train")
        if len(places) > 1
    ]
    found = np.concatenate(steps) if steps else np.empty(0)
    found = found[found > 1e-3]
    return round(float(np.median(found)) if found.size else float(cohort.spacing[2]), 3)
