"""Two-alternative forced choice: proportion correct, d' and the pull of the left side."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.readers.answers import Answers
from popgan.evidence.readers.bootstrap import Spread, crossed
from popgan.evidence.readers.detection import ANY, THESE, across, headline
from popgan.evidence.readers.equivalence import equivalence
from popgan.evidence.readers.results import ForcedChoice, ForcedReader, Measure
from popgan.evidence.readers.shares import Share, share
from popgan.evidence.readers.tables import Table, choice_table

Floats = NDArray[np.float64]


def proportion(counts: Floats) -> Floats:
    """Share of the second of two levels, (..., 2) -> (...)."""
    total = counts.sum(-1)
    return np.divide(counts[..., 1], total, out=np.full(np.shape(total), np.nan), where=total > 0)


def d_prime(counts: Floats) -> Floats:
    """sqrt(2) z(proportion correct), with the log-linear correction; NaN without answers."""
    from scipy.special import ndtri

    total = counts.sum(-1)
    value = math.sqrt(2) * ndtri((counts[..., 1] + 0.5) / (total + 1))
    return np.where(total > 0, value, np.nan)


def forced_choice(
    answers: Answers, model: str | None, *, margin: float, seed: int, replicates: int
) -> ForcedChoice | None:
    """Everything about choosing the real image of a pair.

    Args:
        answers: of the study.
        model: whose images; None: of all models.
        margin: of equivalence to chance, as a share.
        seed: of the bootstrap.
        replicates: of the bootstrap.

    Returns:
        None where nobody chose.
    """
    table = choice_table(answers, "correct")
    right, left = _pairs(table, model), _pairs(choice_table(answers, "left_chosen"), model)
    if not right.rows:
        return None
    sums, sides = right.counts(2), left.counts(2)
    readers = [
        _one(name, share(sums[:, i, 1], sums[:, i].sum(-1)), sides[:, i], margin)
        for i, name in enumerate(right.readers)
    ]
    right, left = right.by(table.steady()), left.by(table.steady())
    clusters = right.resampler(replicates=replicates, seed=seed, purpose=f"choices {model}")
    sums, sides = right.counts(2), left.counts(2)
    n = int(sums.sum())
    found = crossed(clusters, sums, proportion)
    # With one reader, the mean is that reader: the same numbers, and no second method for them.
    alone = found.only(right.readers)
    one = next((row for row in readers if row.reader == alone), None)
    what = "mean proportion correct"
    return ForcedChoice(
        model=model,
        readers=readers,
        correct=across(
            "proportion correct", found, n, of="trials", one=one.correct if one else None
        ),
        d_prime=one.d_prime
        if one
        else headline(
            crossed(clusters, sums, d_prime), n, of="trials", bounds=(-math.inf, math.inf)
        ),
        left=one.left
        if one
        else headline(crossed(clusters, sides, proportion), n, of="trials", bounds=(0, 1)),
        equivalence=equivalence(
            what, found.any_readers, margin=margin, n=n, of="trials", words=ANY
        ),
        equivalence_these=one.equivalence
        if one
        else equivalence(what, found.these_readers, margin=margin, n=n, of="trials", words=THESE),
    )


def _pairs(table: Table, model: str | None) -> Table:
    """The pairs of one model, or all, as one stratum: a patient's pairs may have several models."""
    table = (table if model is None else table.only({model})).answered()
    count = len(table.rows)
    return Table(table.rows, ("pairs",) * count, table.clusters, table.readers, table.values)


def _one(name: str, right: Share, sides: Floats, margin: float) -> ForcedReader:
    """One reader; sides are clusters x 2."""
    value = right.value
    spread = (
        Spread(value, None, 0.0, right.reason)
        if right.reason or value is None
        else Spread(value, math.sqrt(right.variance), right.freedom)
    )
    return ForcedReader(
        reader=name,
        correct=right.measure("trials"),
        d_prime=_d_prime(right),
        left=share(sides[:, 1], sides.sum(-1)).measure("trials"),
        equivalence=equivalence(
            "proportion correct",
            spread,
            margin=margin,
            n=right.n,
            of="trials",
            words="variance of the share with log-linear correction and design effect",
        ),
    )


def _d_prime(right: Share) -> Measure:
    """d' of one reader: the ends of the share's interval on the scale of d'."""
    from scipy.special import ndtri

    method = f"{right.words} of the proportion correct, put on the scale of d'"
    ends = right.interval()
    reason = right.reason
    if ends is not None and (ends[0] <= 0 or ends[1] >= 1):
        reason = "all choices were alike, right or wrong, so d' has no bound on one side"
        ends = None
    value = math.sqrt(2) * float(ndtri(right.corrected)) if right.n else None
    if ends is None:
        return Measure(value=value, n=right.n, of="trials", method=method, reason=reason)
    low, high = (math.sqrt(2) * float(ndtri(end)) for end in ends)
    return Measure(value=value, low=low, high=high, n=right.n, of="trials", method=method)
