"""A split of a cohort translated by a model, slice beside truth; large ones on disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.cohort import Cohort
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.evidence.paired.suite import row_without
from popgan.files import disk_error, private_folder
from popgan.progress import Reporter
from popgan.stations.pairs import channels_of, translator_of, visits
from popgan.synthesis.translate import Translator

Images = NDArray[np.float32]
MOST_IN_MEMORY = 512 * 2**20
"""Bytes of slices that are kept in memory; those of larger cohorts lie on the disk."""


class Scratch:
    """Arrays of zeros: the first in memory, further ones in files that are removed afterwards.

    Args:
        folder: where files lie.
        most: bytes in memory.
    """

    def __init__(self, folder: Path, most: int = MOST_IN_MEMORY) -> None:
        self._folder, self._left, self._count = folder, most, 0

    def array(self, *shape: int, dtype: type = np.float32) -> NDArray[Any]:
        """A new array.

        Raises:
            UserError: the disk is full.
        """
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if size <= self._left:
            self._left -= size
            return np.zeros(shape, dtype)
        self._count += 1
        path = self._folder / f"{self._count}.raw"
        try:
            with path.open("wb") as file:
                # A full disk is noticed here; a page that finds no room later ends the process.
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, size)
                else:
                    file.truncate(size)
            return np.memmap(path, dtype=dtype, mode="r+", shape=shape)
        except OSError as error:
            raise disk_error(path, error) or error from error


@contextmanager
def scratch(run: Path) -> Iterator[Scratch]:
    """A private place for arrays that are too large for memory; gone at the end."""
    with tempfile.TemporaryDirectory(prefix=".part-", dir=private_folder(run)) as folder:
        yield Scratch(Path(folder))


def unit(images: NDArray[np.floating[Any]]) -> Images:
    """Images in [-1, 1] as unit intensities, 0..1."""
    return np.asarray((images + 1) / 2, np.float32)


@dataclass(frozen=True)
class TranslatedSplit:
    """All slices of a split, visit after visit, each from the bottom up; unit intensities.

    Attributes:
        subjects: N pseudonyms.
        heights: N, 0 bottom to 1 top of the brain.
        places: N, of the slices within `cohort.images(split)`.
        truth: N x H x W, the target as it was scanned.
        sources: N x K x H x W.
        predictions: N x H x W by name: the model, then the model without each source.
        spreads: likewise, standard deviation over passes with dropout; empty without passes.
    """

    subjects: list[str]
    heights: NDArray[np.float64]
    places: NDArray[np.intp]
    truth: Images
    sources: Images
    predictions: dict[str, Images] = field(default_factory=dict)
    spreads: dict[str, Images] = field(default_factory=dict)


def translate_split(
    translator: Translator,
    cohort: Cohort,
    plan: Plan,
    split: str,
    place: Scratch,
    *,
    name: str,
    passes: int,
    reporter: Reporter,
) -> TranslatedSplit:
    """Translate every slice of a split, without each of the sources as well if the model can.

    Args:
        translator: the model.
        cohort: the cohort. plan: of the model. split: which.
        place: where arrays are kept.
        name: of the model's row.
        passes: with dropout, for the spreads; 0 = none.
        reporter: shows progress.

    Raises:
        UserError: the model makes values that are not finite.
    """
    count, size = len(cohort.indices(split)), (cohort.height, cohort.width)
    lacking: list[tuple[str, Sequence[str]]] = [(name, ())]
    if translator.may_miss:
        lacking += [(row_without(name, source), (source,)) for source in translator.sources]
    found = TranslatedSplit(
        subjects=[],
        heights=np.zeros(count),
        places=np.zeros(count, np.intp),
        truth=place.array(count, *size),
        sources=place.array(count, len(translator.sources), *size),
        predictions={title: place.array(count, *size) for title, _ in lacking},
        spreads={title: place.array(count, *size) for title, _ in lacking} if passes else {},
    )
    with reporter.task(f"translating {split} slices", count * len(lacking)) as task:
        start = 0
        for visit in visits(cohort, split, plan):
            rows = slice(start, start + len(visit.places))
            start = rows.stop
            found.subjects.extend([visit.subject] * len(visit.places))
            found.heights[rows], found.places[rows] = visit.heights, visit.places
            found.truth[rows], found.sources[rows] = unit(visit.target), unit(visit.sources)
            for title, missing in lacking:
                made = translator(
                    visit.sources,
                    missing=missing,
                    passes=passes,
                    seed=plan.seed,
                    advance=task.advance,
                )
                require_finite(made.images)
                found.predictions[title][rows] = unit(made.images)
                if made.spread is not None:
                    found.spreads[title][rows] = made.spread
    return found


def require_finite(images: NDArray[np.floating[Any]]) -> None:
    """Refuse what no number can be computed from.

    Raises:
        UserError: a value is NaN or infinite.
    """
    if not np.isfinite(images).all():
        raise UserError(
            "the model makes values that are not finite, so nothing was measured",
            do="its training has diverged: train again with lower learning rates",
        )


class StoredSlices:
    """Some channels of a split in unit intensities, read from the store when they are asked for.

    Behaves like an array of N x K x H x W, or N x H x W for a single channel, as far as the
    evidence looks at one: its shape, its length and rows of it.

    Args:
        cohort: the cohort.
        split: which split.
        contrasts: the channels; a name alone leaves the axis of channels out.
    """

    def __init__(self, cohort: Cohort, split: str, contrasts: list[str] | str) -> None:
        self._cohort, self._split = cohort, split
        alone = isinstance(contrasts, str)
        names = [contrasts] if isinstance(contrasts, str) else contrasts
        channels = channels_of(cohort, names)
        self._channels: int | list[int] = channels[0] if alone else channels
        count, size = len(cohort.indices(split)), (cohort.height, cohort.width)
        self.shape = (count, *size) if alone else (count, len(names), *size)

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, rows: Any) -> Images:
        places = np.arange(len(self))[rows]
        images = self._cohort.batch(self._split, np.atleast_1d(places))[:, self._channels]
        return unit(images[0] if np.ndim(places) == 0 else images)


def training_pairs(cohort: Cohort, plan: Plan) -> tuple[Any, Any, NDArray[np.float64]]:
    """Sources, target and heights of the training slices, for what is fitted on them."""
    shape = translator_of(plan)
    rows = cohort.indices("train")
    heights = np.array([cohort.slices[row].height for row in rows])
    sources = StoredSlices(cohort, "train", list(shape.sources))
    return sources, StoredSlices(cohort, "train", shape.target), heights
