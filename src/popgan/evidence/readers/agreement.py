"""Agreement between readers on one criterion, or on what is real: all coefficients together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.readers.bootstrap import Spread
from popgan.evidence.readers.icc import correlations
from popgan.evidence.readers.kappa import fleiss, fleiss_sums, measure, pairwise
from popgan.evidence.readers.krippendorff import alpha, coincidences
from popgan.evidence.readers.results import Agreement
from popgan.evidence.readers.tables import NONE, Table

Floats = NDArray[np.float64]


def agreement(
    table: Table, criterion: str, levels: int, *, seed: int, replicates: int
) -> Agreement:
    """How far readers agree.

    Args:
        table: answers 1 .. levels of all cases; with two levels they are taken as nominal.
        criterion: its name.
        levels: 5 for scores, 2 for real or synthetic.
        seed: of the bootstrap.
        replicates: of the bootstrap.
    """
    table = table.by(table.steady())
    whole = np.flatnonzero((table.values != NONE).all(axis=1))
    complete = table.pick(whole)
    nominal = levels == 2
    everyone = table.resampler(replicates=replicates, seed=seed, purpose="agreement")
    mean, pairs = pairwise(table, everyone, levels)
    single, average = (
        (None, None)
        if nominal
        else correlations(complete.values.astype(float), complete.groups()[1])
    )
    counts = (table.values[..., None] == np.arange(1, levels + 1)).sum(axis=1).astype(float)
    why = "fewer than two readers to compare"
    several = len(table.readers) > 1
    paired = int((counts.sum(axis=1) > 1).sum())
    krippendorff = Spread(None, None, 0.0, why)
    if several:
        scale = "nominal" if nominal else "ordinal"
        krippendorff = everyone.spread(
            table.sums(coincidences(counts)),
            lambda sums: alpha(sums, "nominal" if scale == "nominal" else "ordinal"),
        )
    many = Spread(None, None, 0.0, why)
    if several and complete.rows:
        resampler = complete.resampler(replicates=replicates, seed=seed, purpose="agreement")
        many = resampler.spread(complete.sums(fleiss_sums(counts[whole])), fleiss)
    return Agreement(
        criterion=criterion,
        cases=len(complete.rows),
        left_out=len(table.rows) - len(complete.rows),
        readers=list(table.readers),
        icc_single=single,
        icc_mean=average,
        weighted_kappa=mean,
        pairs=pairs,
        fleiss=measure(many, len(complete.rows)),
        krippendorff=measure(krippendorff, paired),
    )
