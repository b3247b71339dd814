"""Tests of a difference that assume nothing about its distribution, and how small p can get there.

With the same seeds on both sides trainings are pairs: random signs. Otherwise: random labels.
Five pairs have 2^5 patterns of signs, so two-sided p cannot be less than 2/32 = 0.0625.
"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.paired.patients import LEAST, sign_flip, smallest_p
from popgan.evidence.readers.results import Test
from popgan.seeds import numpy_rng

Floats = NDArray[np.float64]
MOST = 20_000
"""Ways to label trainings up to which all of them are tried; beyond, so many are drawn."""


def flips(differences: Floats, of: str, *, seed: int = 0) -> tuple[Test, float | None]:
    """Sign-flip test of paired differences, two-sided, and the smallest p that it could give."""
    n = len(differences)
    p = sign_flip(differences.tolist(), seed=seed)
    method = "sign flips of pairs of one seed, two-sided"
    reason = None if p is not None else f"fewer than {LEAST} pairs"
    mean = float(differences.mean())
    least = None if p is None else smallest_p(n)
    return Test(statistic=mean, p=p, n=n, of=of, method=method, reason=reason), least


def permutations(
    first: Floats, second: Floats, of: str, *, seed: int = 0
) -> tuple[Test, float | None]:
    """Permutation test of a difference of means, two-sided, and its smallest p.

    Every way to share the values out among both sides, up to 20,000; otherwise as many drawn ones,
    and p is (as large + 1) / (drawn + 1), which is valid (Phipson & Smyth 2010).

    Args:
        first, second: a value of each replicate.
    """
    n, m = len(first), len(second)
    values = np.concatenate([first, second])
    method = "permutations of trainings, two-sided"
    seen = float(first.mean() - second.mean())
    if min(n, m) < LEAST:
        reason = f"fewer than {LEAST} {of} a side"
        test = Test(statistic=seen, p=None, n=n + m, of=of, method=method, reason=reason)
        return test, None
    ways = math.comb(n + m, n)
    exact = ways <= MOST
    chosen = _all_ways(n + m, n) if exact else _drawn_ways(n + m, n, seed)
    sums = values[chosen].sum(1)
    gaps = np.abs(sums / n - (values.sum() - sums) / m)
    # Sums that are equal but for the order of adding must count as equal.
    hits = int((gaps >= abs(seen) - 1e-9 * float(np.abs(values).max())).sum())
    p = hits / ways if exact else (hits + 1) / (MOST + 1)
    # With equal sides the opposite labels give the same gap.
    least = (2 if n == m else 1) / ways if exact else 1 / (MOST + 1)
    return Test(statistic=seen, p=p, n=n + m, of=of, method=method), least


def _all_ways(total: int, size: int) -> NDArray[np.int64]:
    return np.array(list(combinations(range(total), size)), np.int64)


def _drawn_ways(total: int, size: int, seed: int) -> NDArray[np.int64]:
    rng = numpy_rng(seed, "permutations of trainings")
    return rng.permuted(np.tile(np.arange(total), (MOST, 1)), axis=1)[:, :size]
