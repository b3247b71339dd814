"""Holm's correction for several tests at once."""

from __future__ import annotations

from collections.abc import Sequence

from popgan.evidence.readers.results import Test


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p-values: Holm 1979, step down; the chance of any false alarm stays at the level.

    Args:
        p: of each test, in any order.
    """
    order = sorted(range(len(p)), key=lambda i: p[i])
    adjusted = [0.0] * len(p)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = highest
    return adjusted


def with_holm(tests: Sequence[Test]) -> list[Test]:
    """The tests of one family with `p_holm`; those that could not be done do not count."""
    done = [test.p for test in tests if test.p is not None]
    adjusted = iter(holm(done))
    return [
        test if test.p is None else test.model_copy(update={"p_holm": next(adjusted)})
        for test in tests
    ]
