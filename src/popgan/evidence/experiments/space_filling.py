"""Settings that fill a space evenly, so that what matters can be told from what was tried."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.experiments.dimensions import active, from_unit, parents_first
from popgan.evidence.experiments.results import SearchSpace, Setting, Value
from popgan.seeds import numpy_rng

Floats = NDArray[np.float64]


def space_filling(
    space: Sequence[SearchSpace], n: int, seed: int, *, held: Setting | None = None
) -> list[Setting]:
    """Settings by a scrambled Sobol sequence (Owen 1998).

    Every range is covered evenly on the scale that it is searched on, whole numbers are equally
    likely on a linear scale, and each choice is taken equally often, give or take one, among the
    settings in which the dimension counts. A dimension that does not count in a setting is not in
    it. Powers of two fill best.

    Args:
        space: dimensions in any order.
        n: settings.
        seed: of the scrambling.
        held: values that are not searched but may decide on what counts; not in the settings.

    Raises:
        ValueError: a name appears twice, dimensions wait for each other, or one has no values.
    """
    if n < 1 or not space:
        return [{} for _ in range(n)]
    from scipy.stats.qmc import Sobol

    ordered = parents_first(space)
    rng = numpy_rng(seed, "space-filling settings")
    sobol = Sobol(len(ordered), scramble=True, seed=rng)  # `rng` from SciPy 1.15 on
    shares = sobol.random_base2(max(0, (n - 1).bit_length()))[:n]
    found: list[Setting] = [{} for _ in range(n)]
    for column, one in zip(shares.T, ordered, strict=True):
        counts = [
            i
            for i, setting in enumerate(found)
            if active(ordered, one, {**(held or {}), **setting})
        ]
        for i, value in zip(counts, _values(one, column[counts]), strict=True):
            found[i][one.name] = value
    names = [one.name for one in space]
    return [{name: setting[name] for name in names if name in setting} for setting in found]


def _values(one: SearchSpace, shares: Floats) -> list[Value]:
    if not one.choices:
        return [from_unit(one, float(share)) for share in shares]
    # By rank, not by size: so the choices are balanced for any number of settings.
    ranks = np.argsort(np.argsort(shares))
    return [one.choices[rank * len(one.choices) // len(shares)] for rank in ranks.tolist()]
