"""Errors of images against real ones that are not theirs: the paper's numbers, and their worth.

An unconditional generator has no true image to be compared with, so its images are paired with
random real ones, or with the nearest. Such numbers reward collapse: for independent g and x,
E|g - x|^2 = Var g + Var x + bias^2, which is least for the mean image, at half of what a perfect
generator gets (3.01 dB). So they stand beside the rows that show it: the mean training image, real
images against other patients, and copies of the training set.

Intensities are the program's [-1, 1] read as 0..1, the same for all rows; nothing is scaled to an
image. PSNR is of the mean squared error over all pairs, for a range of 1. The patient is the unit:
intervals leave out groups of patients, and groups of drawn images beside them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.compare.results import Errors
from popgan.evidence.readers.results import Measure
from popgan.evidence.statistics import Replicates, interval
from popgan.seeds import numpy_rng

Images = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

INTENSITY = "0..1 as prepared (0 is background), the same for all rows; PSNR for a range of 1"
MASK = "no mask: the whole field of every slice, background included"
WHY = (
    "These numbers do not say how good a generator is. It draws images of nobody, so there is no "
    "true image to compare with, and each is held against a real image that is not its own. The "
    "mean squared error of two independent images is the variance of the one plus the variance of "
    "the other plus the squared difference of their means: the less a generator varies, the better "
    "it scores. The best scorer of all is the mean image, 3.01 dB above a perfect generator, "
    "and nothing is nearer to a training image than a copy of it. So read each model beside "
    "these rows: being better than real against real here is a fault and no merit. The numbers are "
    "given because the paper gives them; nothing is ranked by them."
)
PARTNERS = 4
_ROWS = 256
_STEP = (4.0, 2.0)  # squared and absolute errors of [-1, 1] over those of 0..1


@dataclass(frozen=True)
class Bank:
    """Images with the patients they are of, or drawn ones in groups.

    Attributes:
        images: N x C x H x W in [-1, 1].
        groups: N, jackknife groups 0 .. G-1: whole patients, or drawn images; all 0 for an image
            that is no sample of anything.
        owners: N, number of the patient of each image; None for drawn images.
    """

    images: Images
    groups: Numbers
    owners: Numbers | None = None

    @property
    def patients(self) -> int:
        """How many there are; 0 of drawn images."""
        return 0 if self.owners is None else len(np.unique(self.owners))


def random_errors(source: Bank, held_out: Bank, *, seed: int, same: bool = False) -> Errors:
    """Errors of random pairs: every held-out image with four images of the source.

    Args:
        source: the images that are judged.
        held_out: real images.
        seed: of the pairs.
        same: whether `source` is `held_out`; then partners are of other patients.
    """
    count, rng = len(held_out.images), numpy_rng(seed, "unpaired partners")
    partners = PARTNERS if len(source.images) > 1 else 1
    right = np.repeat(np.arange(count), partners)
    if same:
        left = np.concatenate([_strangers(held_out, i, partners, rng) for i in range(count)])
    else:
        left = rng.integers(0, len(source.images), size=len(right))
    errors = _errors(source.images, held_out.images, left, right)
    if same:
        groups = held_out.groups
        touching = [(groups[left] == g) | (groups[right] == g) for g in range(_count(groups))]
        parts = [([~part for part in touching], np.bincount(groups))]
    else:
        parts = [
            ([bank.groups[of] != g for g in range(_count(bank.groups))], np.bincount(bank.groups))
            for bank, of in ((held_out, right), (source, left))
            if _count(bank.groups) > 1
        ]
    left_out = [
        ([tuple(errors[:, kept].mean(1)) for kept in masks], sizes)
        for masks, sizes in parts
        if all(kept.any() for kept in masks)  # of two patients nothing is left without one
    ]
    return _summed(tuple(errors.mean(1)), left_out, held_out.patients, "held-out subjects")


def nearest_errors(source: Bank, bank: Bank, of: str, *, same: bool = False) -> Errors:
    """Errors against the image of a bank that is nearest in mean squared error.

    The more images a bank has, the nearer its nearest is: compare columns of banks of one size.

    Args:
        source: the images that are judged.
        bank: real images.
        of: what the bank's patients are, in words.
        same: whether `source` is `bank`; then the nearest is of another patient.
    """
    groups = _count(bank.groups)
    best = _best_of_groups(source, bank, same=same)
    order = np.argsort(best.distance, axis=1, kind="stable")
    rows = np.arange(len(source.images))
    first, second = order[:, 0], order[:, min(1, groups - 1)]
    nearest = _errors(source.images, bank.images, rows, best.index[rows, first])
    value = tuple(nearest.mean(1))
    if max(value) == 0:
        return _identical(bank.patients, of)
    # Without its own group an image takes what is second; all others keep theirs.
    other = _errors(source.images, bank.images, rows, best.index[rows, second])
    left_out = []
    # Of two patients, of whom one is the own, nothing is left without the other.
    known = groups > 1 and bool(np.isfinite(best.distance[rows, second]).all())
    for g in range(groups) if known else ():
        errors = np.where(first == g, other, nearest)
        kept = bank.groups != g if same else slice(None)
        left_out.append(tuple(errors[:, kept].mean(1)))
    parts = [(left_out, np.bincount(bank.groups))] if left_out else []
    if not same and _count(source.groups) > 1:
        own = [tuple(nearest[:, source.groups != g].mean(1)) for g in range(_count(source.groups))]
        parts.append((own, np.bincount(source.groups)))
    return _summed(value, parts, bank.patients, of)


@dataclass(frozen=True)
class _Best:
    """N x G: the nearest image of each group of a bank, and its squared distance."""

    index: Numbers
    distance: Floats


def _best_of_groups(source: Bank, bank: Bank, *, same: bool) -> _Best:
    groups, count = _count(bank.groups), len(source.images)
    flat = bank.images.reshape(len(bank.images), -1).astype(np.float32, copy=False)
    norms = np.einsum("ij,ij->i", flat, flat, dtype=np.float64)
    members = [np.flatnonzero(bank.groups == g) for g in range(groups)]
    index, distance = np.zeros((count, groups), np.int64), np.full((count, groups), np.inf)
    for start in range(0, count, _ROWS):
        rows = slice(start, start + _ROWS)
        block = source.images[rows].reshape(-1, flat.shape[1]).astype(np.float32, copy=False)
        # |b|^2 - 2 a b orders like the distance; errors of the chosen are computed exactly.
        found = norms - 2.0 * (block @ flat.T)
        if same:
            assert source.owners is not None and bank.owners is not None
            found[source.owners[rows][:, None] == bank.owners[None]] = np.inf
        for g, of in enumerate(members):
            place = found[:, of].argmin(1)
            index[rows, g] = of[place]
            distance[rows, g] = found[np.arange(len(place)), of[place]]
    return _Best(index, distance)


def _strangers(bank: Bank, image: int, count: int, rng: np.random.Generator) -> Numbers:
    """Images of other patients than that of one image."""
    assert bank.owners is not None
    others = np.flatnonzero(bank.owners != bank.owners[image])
    return np.asarray(rng.choice(others, size=count))


def _errors(left: Images, right: Images, one: Numbers, other: Numbers) -> Floats:
    """2 x pairs: mean squared and mean absolute error of each pair, unit intensities."""
    found = np.empty((2, len(one)))
    for start in range(0, len(one), _ROWS):
        rows = slice(start, start + _ROWS)
        gap = left[one[rows]].astype(np.float64) - right[other[rows]]
        found[0, rows] = (gap**2).mean((1, 2, 3)) / _STEP[0]
        found[1, rows] = np.abs(gap).mean((1, 2, 3)) / _STEP[1]
    return found


def _summed(
    value: tuple[float, ...],
    parts: Sequence[tuple[Sequence[tuple[float, ...]], Numbers]],
    n: int,
    of: str,
) -> Errors:
    """Means with intervals.

    Args:
        value: squared and absolute error.
        parts: for each sample both errors without each group, and the sizes of the groups.
    """
    sizes = " + ".join(str(len(left)) for left, _ in parts)
    method = f"delete-a-group jackknife, {sizes} groups of subjects and images, Student t, 95 %"

    def measure(whole: float, left: Sequence[Replicates]) -> Measure:
        low, high = interval(whole, *left, bounds=(0.0, math.inf)) if left else (whole, whole)
        if not low < high:
            reason = "the value is the same without any one group"
            return Measure(value=whole, n=n, of=of, method=method, reason=reason)
        return Measure(value=whole, low=low, high=high, n=n, of=of, method=method)

    def of_error(column: int) -> Measure:
        return measure(value[column], [_column(left, sizes, column) for left, sizes in parts])

    decibels = [Replicates(_psnr(_column(left, s, 0).values), s) for left, s in parts]
    return Errors(
        mse=of_error(0),
        mae=of_error(1),
        psnr=measure(float(_psnr(np.array(value[0]))), decibels),
    )


def _column(left: Sequence[tuple[float, ...]], sizes: Numbers, column: int) -> Replicates:
    return Replicates(np.array([errors[column] for errors in left]), sizes)


def _identical(n: int, of: str) -> Errors:
    """Errors of images that are in the bank themselves."""
    reason = "every image is in the set that it is compared with"
    none = Measure(value=0.0, n=n, of=of, method="none", reason=reason)
    psnr = Measure(value=None, n=n, of=of, method="none", reason=f"no error at all: {reason}")
    return Errors(mse=none, mae=none, psnr=psnr)


def _psnr(mse: Floats) -> Floats:
    return np.asarray(-10 * np.log10(mse), np.float64)


def _count(groups: Numbers) -> int:
    return int(groups.max()) + 1
