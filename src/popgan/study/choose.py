"""Which real slices a study shows: held-out patients, few slices each and far apart.

One slice a patient is best, because slices of one patient resemble each other. Where patients do
not suffice, every patient gives the same small number, spread over the height of the brain as the
training slices are, since that is what the models' images follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.cohort import Cohort, SliceInfo
from popgan.errors import UserError
from popgan.evidence.readers.sizes import design_effect
from popgan.seeds import numpy_rng

DISTANCE_MM = 8.0
"""Least distance of two slices of one patient."""
DISTANCE_ROWS = 4
"""The same in slices, where their place in the head is not known (pictures)."""
AUTO = 120
"""Most real images, unless the user asks for more."""
ASSUMED_ICC = 0.3
"""Assumed correlation of two slices of one patient; the analysis does not rest on it."""


@dataclass(frozen=True)
class RealImage:
    """A slice that was chosen.

    Attributes:
        row: in the cohort's store.
        subject: pseudonym.
    """

    row: int
    subject: str


@dataclass(frozen=True)
class RealChoice:
    """The real images of a study.

    Attributes:
        images: in random order.
        patients: subjects behind them.
        per_patient: most images of one.
        design_effect: factor by which that inflates variances, with `ASSUMED_ICC`.
    """

    images: list[RealImage]
    patients: int
    per_patient: int
    design_effect: float

    @property
    def effective(self) -> float:
        """Independent images that would say as much."""
        return len(self.images) / self.design_effect


def choose_real(cohort: Cohort, wanted: int | None, seed: int) -> RealChoice:
    """Choose slices of the test split.

    Args:
        cohort: the cohort.
        wanted: how many; None for as many as there are, up to `AUTO`.
        seed: of the choice.

    Raises:
        UserError: fewer than that are possible, or fewer than 1 are wanted.
    """
    if wanted is not None and wanted < 1:
        raise UserError(f"--real {wanted} is not possible", do="give 1 or more, or auto")
    rows = _by_subject(cohort, "test", seed)
    most = {subject: len(_apart(cohort, found, [])) for subject, found in rows.items()}
    possible = sum(most.values())
    count = min(AUTO, possible) if wanted is None else wanted
    if not possible or count > possible:
        raise UserError(
            f"{count} real images are not possible: {len(rows)} test patients give {possible} "
            f"slices that are {DISTANCE_MM:g} mm apart or more",
            where=cohort.run,
            do=f"give --real {possible} or fewer, or ingest more patients",
        )
    shares = _shares(most, count, seed)
    heights = np.sort([cohort.slices[i].height for i in cohort.indices("train")])
    images: list[RealImage] = []
    for targets, subject in _targets(heights, shares, seed):
        chosen = _nearest(cohort, rows[subject], targets)
        images += [RealImage(int(row), subject) for row in chosen]
    sizes = np.array([n for n in shares.values() if n])
    order = numpy_rng(seed, "study real order").permutation(len(images))
    weighted = float((sizes**2).sum() / sizes.sum())
    return RealChoice(
        images=[images[i] for i in order],
        patients=len(sizes),
        per_patient=int(sizes.max()),
        design_effect=design_effect(weighted, ASSUMED_ICC),
    )


def choose_practice(cohort: Cohort, count: int, seed: int) -> list[RealImage]:
    """Slices of the tuning split for practice, then of the training split; never a test patient.

    Raises:
        UserError: so many are not possible.
    """
    found: list[RealImage] = []
    pools = {
        s: rows
        for split in ("tuning", "train")
        for s, rows in _by_subject(cohort, split, seed).items()
    }
    used: dict[str, list[int]] = {subject: [] for subject in pools}
    rng = numpy_rng(seed, "study practice")
    while len(found) < count:
        before = len(found)
        for subject, rows in pools.items():
            free = [row for row in rows if _is_apart(cohort, row, used[subject])]
            if free and len(found) < count:
                row = free[int(rng.integers(len(free)))]
                used[subject].append(row)
                found.append(RealImage(row, subject))
        if len(found) == before:
            raise UserError(
                f"{count} real practice images are not possible; there are {before}",
                where=cohort.run,
                do="give a smaller --practice",
            )
    return found


def _by_subject(cohort: Cohort, split: str, seed: int) -> dict[str, list[int]]:
    """Rows of each subject of a split, of one visit, bottom to top; subjects in random order."""
    found: dict[str, list[int]] = {}
    for row in cohort.indices(split):
        found.setdefault(cohort.slices[row].subject, []).append(int(row))
    names = sorted(found)
    order = numpy_rng(seed, f"study subjects {split}").permutation(len(names))
    ordered = {names[i]: found[names[i]] for i in order}
    return {subject: _one_visit(cohort, rows) for subject, rows in ordered.items()}


def _one_visit(cohort: Cohort, rows: list[int]) -> list[int]:
    """Two visits show the same head: the first with the most slices is taken."""
    visits: dict[int, list[int]] = {}
    for row in rows:
        visits.setdefault(cohort.slices[row].visit, []).append(row)
    best = max(visits.values(), key=len)
    return sorted(best, key=lambda row: (cohort.slices[row].height, row))


def _has_place(slices: Sequence[SliceInfo]) -> bool:
    """Whether it is known where in the head slices are; of pictures it is not."""
    return len({info.position_mm for info in slices}) > 1


def _is_apart(cohort: Cohort, row: int, others: Sequence[int]) -> bool:
    """Whether a slice is far from all others of its patient."""
    here = cohort.slices[row]
    for other in others:
        there = cohort.slices[other]
        if _has_place([here, there]):
            if abs(here.position_mm - there.position_mm) < DISTANCE_MM - 1e-6:
                return False
        elif abs(row - other) < DISTANCE_ROWS:
            return False
    return True


def _apart(cohort: Cohort, rows: Sequence[int], chosen: Sequence[int]) -> list[int]:
    """As many rows as can be that are far from each other and from those chosen, from below."""
    found: list[int] = []
    for row in rows:
        if _is_apart(cohort, row, [*chosen, *found]):
            found.append(row)
    return found


def _shares(most: dict[str, int], count: int, seed: int) -> dict[str, int]:
    """How many slices each patient gives: as equal as possible, none more than it has."""
    shares = dict.fromkeys(most, 0)
    names = list(most)
    rng = numpy_rng(seed, "study shares")
    while count:
        open_ones = [name for name in names if shares[name] < most[name]]
        for i in rng.permutation(len(open_ones))[:count]:
            shares[open_ones[i]] += 1
        count -= min(count, len(open_ones))
    return shares


def _targets(
    heights: NDArray[np.floating], shares: dict[str, int], seed: int
) -> list[tuple[NDArray[np.float64], str]]:
    """Heights that each patient's slices should have, ascending.

    A patient with k slices gets one in each k-th part of the training heights, at a place within
    the part that differs from patient to patient, so that all together cover the range evenly.
    """
    found = []
    for subject, k in shares.items():
        if k:
            alike = [name for name, n in shares.items() if n == k]
            offset = (alike.index(subject) + 0.5) / len(alike)
            levels = (np.arange(k) + offset) / k
            found.append((np.quantile(heights, levels), subject))
    return found


def _nearest(cohort: Cohort, rows: list[int], targets: NDArray[np.float64]) -> list[int]:
    """Rows near target heights, far from each other; from below, leaving room for those above."""
    chosen: list[int] = []
    for place, target in enumerate(targets):
        left = len(targets) - place - 1
        free = [row for row in rows if _is_apart(cohort, row, chosen)]
        if not _has_place([cohort.slices[row] for row in rows]):
            # Nothing is known but the order of the files.
            target = float(np.quantile(free, (place + 0.5) / len(targets))) if free else 0.0
        fitting = [
            row
            for row in free
            if not chosen or row_after(cohort, row, chosen[-1])
            if len(_apart(cohort, [r for r in rows if row_after(cohort, r, row)], [*chosen, row]))
            >= left
        ]
        chosen.append(min(fitting, key=lambda row: (_off(cohort, rows, row, target), row)))
    return chosen


def row_after(cohort: Cohort, row: int, other: int) -> bool:
    """Whether a slice lies above another of its patient (comes later, where that is not known)."""
    here, there = cohort.slices[row], cohort.slices[other]
    return (here.height, row) > (there.height, other)


def _off(cohort: Cohort, rows: Sequence[int], row: int, target: float) -> float:
    known = _has_place([cohort.slices[r] for r in rows])
    return abs((cohort.slices[row].height if known else row) - target)
