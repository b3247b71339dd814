"""Which images an attack looks at: the same number of every patient, spread over the slices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.privacy.cases import Cases
from popgan.evidence.statistics import members
from popgan.seeds import numpy_rng

Told = NDArray[np.float32] | None


def each_alike(
    cases: Sequence[Cases], *, each: int, most: int, seed: int
) -> list[NDArray[np.intp]]:
    """Places of images of some patients of each side, patient after patient.

    Slices are taken at even distances in the order in which they lie, so that no side has other
    heights than another. Where a patient has fewer images than `each`, all have only so many: the
    best of many images is better than the best of few.

    Args:
        cases: images of the sides.
        each: images of a patient, at most.
        most: patients of a side; drawn where there are more.
        seed: of that draw.
    """
    owned = []
    for number, side in enumerate(cases):
        names, owners = members(side.subjects)
        chosen = np.arange(len(names))
        if len(names) > most:
            drawn = numpy_rng(seed, "patients for attacks", number).permutation(len(names))
            chosen = np.sort(drawn[:most])
        owned.append([np.flatnonzero(owners == one) for one in chosen])
    few = min(each, *(len(places) for side in owned for places in side))
    return [np.concatenate([_spread(places, few) for places in side]) for side in owned]


def _spread(places: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Places in the middle of `count` equal parts."""
    return places[((np.arange(count) + 0.5) * len(places) / count).astype(np.intp)]
