"""How near held-out images come to training images: the measure of what a flag means.

A synthetic image is flagged if it is nearer to a training image than all but one in a thousand of
the held-out images. Fewer than 999 held-out images cannot show such a quantile: then the nearest
of them is the threshold. Either way the rate of false alarms is bounded over PATIENTS: with e of K
held-out patients nearer than the threshold, Clopper and Pearson's bound of e in K holds for an
image of a new patient as well, however alike the slices of a patient are.

A flag alone may be chance. Two things are not: more flags than the bound explains, and a flag far
beyond the nearest held-out image. For the latter the chance of a distance below r is extrapolated
as (r / r0)^k, where k, about the number of ways in which patients vary, is taken from the nearest
held-out patients (Hill 1975), at the lower end of its interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.privacy.bounds import upper_bound

Floats = NDArray[np.float64]

RARE = 0.001
LEAST = 4
"""Held-out patients below which nothing is extrapolated."""
_TINY = 1e-9
_SURE = 0.01  # chance that the number of ways to vary is smaller than the one used


@dataclass(frozen=True)
class Null:
    """Distances of M held-out images to their nearest training image, with a subject for each."""

    distances: Floats
    subjects: Sequence[str]

    @property
    def nearest(self) -> Floats:
        """The smallest distance of each patient, sorted."""
        names, member = np.unique(np.asarray(list(self.subjects), dtype=str), return_inverse=True)
        found = np.full(len(names), np.inf)
        np.minimum.at(found, member, self.distances)
        return np.sort(found)

    @property
    def rank(self) -> int:
        """Which of the sorted distances is the threshold, from 1."""
        return max(1, math.floor(RARE * (len(self.distances) + 1) + 1e-9))

    @property
    def threshold(self) -> float:
        """Images that are nearer than this are flagged."""
        return float(np.sort(self.distances)[self.rank - 1])

    @property
    def quantile(self) -> float:
        """Share of exchangeable images that are expected not to be flagged."""
        return 1 - self.rank / (len(self.distances) + 1)

    @property
    def alarms(self) -> int:
        """Held-out patients who are nearer than the threshold."""
        return int((self.nearest < self.threshold).sum())

    def bound(self, confidence: float = 0.95) -> float:
        """Upper bound of the share of honest images that are flagged, over patients."""
        return upper_bound(self.alarms, len(self.nearest), confidence)

    def excess(self, flags: int, images: int) -> float:
        """P-value of so many flags among images of an honest generator.

        Half of the chance of an error is spent on the rate of false alarms, half on the count: the
        p-value is the smallest level at which the count exceeds what the bound explains.
        """
        from scipy.special import betainc, betaincinv

        patients, alarms = len(self.nearest), self.alarms
        if flags == 0 or alarms >= patients:
            return 1.0
        levels = np.logspace(-8, 0, 161)
        bounds = betaincinv(alarms + 1, patients - alarms, 1 - levels / 2)
        # The upper tail of the binomial distribution.
        reached = levels[betainc(flags, images - flags + 1, bounds) <= levels / 2]
        return float(reached.min()) if len(reached) else 1.0

    def chance(self, distances: Floats) -> Floats:
        """Extrapolated chance that an honest image is as near as each distance; 1 if unknown."""
        from scipy.special import gammaincinv

        nearest = np.maximum(self.nearest, _TINY)
        count = len(nearest)
        if count < LEAST:
            return np.ones(len(distances))
        tail = max(2, round(math.sqrt(count)))
        edge = nearest[tail]
        spread = float(np.log(edge / nearest[:tail]).sum())
        if spread <= 0:
            return np.ones(len(distances))
        # The sum of `tail` exponential variables of rate k is gamma distributed.
        power = float(gammaincinv(tail, _SURE)) / spread
        ratio = np.minimum(np.maximum(distances, _TINY) / edge, 1)
        return np.asarray(np.where(ratio < 1, (tail + 1) / (count + 1) * ratio**power, 1.0))
