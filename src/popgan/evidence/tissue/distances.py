"""Distances between samples of one number an image, and whether patients explain them.

Slices of one patient resemble each other, so the textbook p-value of the Kolmogorov-Smirnov test,
which counts every slice as independent, finds a difference between any two groups of patients.
Here the patient is what is exchanged (`patients_permuted`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.statistics import Estimate, Replicates, interval, members
from popgan.seeds import numpy_rng

Values = NDArray[np.float64]
DRAWS = 1999
"""Permutations; the smallest p is one over one more."""


def wasserstein(first: Values, second: Values) -> float:
    """Wasserstein-1 distance: the area between two empirical distribution functions.

    Args:
        first: n numbers. second: m numbers; neither is empty.
    """
    grid, one, two = _distributions(first, second)
    return float((np.abs(one - two)[:-1] * np.diff(grid)).sum())


def kolmogorov_smirnov(first: Values, second: Values) -> float:
    """The largest difference of two empirical distribution functions, 0 to 1."""
    _, one, two = _distributions(first, second)
    return float(np.abs(one - two).max())


def _distributions(first: Values, second: Values) -> tuple[Values, Values, Values]:
    """All values in order, and at each the share of either sample that is not above it."""
    grid = np.sort(np.concatenate([first, second]))
    one = np.searchsorted(np.sort(first), grid, side="right") / len(first)
    two = np.searchsorted(np.sort(second), grid, side="right") / len(second)
    return grid, one, two


@dataclass(frozen=True)
class Sample:
    """One number an image, with the groups of the jackknife.

    Attributes:
        values: n, none missing.
        groups: n; images of one patient are in one group.
        subjects: patients behind them; 0 for synthetic images.
    """

    values: Values
    groups: NDArray[np.int64]
    subjects: int = 0

    @property
    def spread(self) -> bool:
        """Whether there are groups to leave out."""
        return len(np.unique(self.groups)) > 1


def distance(first: Sample, second: Sample) -> Estimate:
    """Wasserstein distance of two samples with its 95 % interval, by the jackknife over both.

    A distance is never negative, so between small samples of one population it is above zero:
    that is what the floor is for.
    """
    value = wasserstein(first.values, second.values)
    low = high = None
    if first.spread and second.spread:
        parts = (
            _without(first, lambda kept: wasserstein(kept, second.values)),
            _without(second, lambda kept: wasserstein(first.values, kept)),
        )
        low, high = interval(value, *parts, bounds=(0.0, np.inf))
    real = [sample for sample in (first, second) if sample.subjects]
    drawn = [sample for sample in (first, second) if not sample.subjects]
    return Estimate(
        value=value,
        low=low,
        high=high,
        n_real=sum(len(sample.values) for sample in real),
        n_synthetic=sum(len(sample.values) for sample in drawn),
        n_subjects=sum(sample.subjects for sample in real),
        method="delete-a-group jackknife over subjects and images"
        if low is not None
        else "no interval: one group of subjects",
    )


def mean_of_subjects(sample: Sample, bounds: tuple[float, float]) -> Estimate:
    """Mean over images with its interval over patients.

    Args:
        sample: of real images.
        bounds: that a mean cannot leave.
    """
    value = float(sample.values.mean())
    low = high = None
    method = "no interval: one group of subjects"
    if sample.spread:
        parts = _without(sample, lambda kept: float(kept.mean()))
        low, high = interval(value, parts, bounds=bounds)
        method = "delete-a-group jackknife over subjects"
        if low == high:
            low = high = None
            method = "no interval: all subjects are alike"
    return Estimate(
        value=value,
        low=low,
        high=high,
        n_real=len(sample.values),
        n_synthetic=0,
        n_subjects=sample.subjects,
        method=method,
    )


def _without(sample: Sample, statistic: object) -> Replicates:
    assert callable(statistic)
    names, sizes = np.unique(sample.groups, return_counts=True)
    values = [float(statistic(sample.values[sample.groups != name])) for name in names]
    return Replicates(np.array(values), sizes.astype(np.float64))


def patients_permuted(
    observed: Mapping[str, float],
    real: Mapping[str, Values],
    owners: Sequence[str],
    held_out: int,
    synthetic: int,
    *,
    seed: int,
    draws: int = DRAWS,
) -> dict[str, float]:
    """p-values of Kolmogorov-Smirnov statistics, with patients exchanged and not slices.

    Null hypothesis: the generator has the distribution of its training patients, so that what it
    draws differs from the held-out ones only as one random part of the patients differs from the
    other. All patients are divided anew, as many held out as there were; from the others as many
    slices are drawn, with replacement, as there are synthetic images; and the statistic of these
    against the newly held-out is one value under the null hypothesis. Training and held-out
    patients were divided at random, which is what makes them exchangeable.

    Args:
        observed: statistic of synthetic against held-out, for each feature.
        real: values of the same images, training and held-out, for each feature; NaN where an
            image has none.
        owners: patient of each image.
        held_out: patients that were held out.
        synthetic: number of synthetic images.
        seed: decides divisions and draws.
        draws: permutations.

    Returns:
        For each feature the share of permutations, the observed one counted, that reach it.
    """
    names, whose = members(owners)
    reached = dict.fromkeys(observed, 1)
    order = {name: np.argsort(values, kind="stable") for name, values in real.items()}
    ends = {name: _last_of_ties(values[order[name]]) for name, values in real.items()}
    known = {name: np.isfinite(values) for name, values in real.items()}
    rng = numpy_rng(seed, "patients permuted")
    for _ in range(draws):
        chosen = np.zeros(len(names), bool)
        chosen[rng.permutation(len(names))[:held_out]] = True
        out = chosen[whose]
        drawn = np.zeros(len(out))
        drawn[~out] = rng.multinomial(synthetic, np.full((~out).sum(), 1 / (~out).sum()))
        for name, value in observed.items():
            one = _cumulative(drawn * known[name], order[name], ends[name])
            two = _cumulative(out * known[name], order[name], ends[name])
            if one is not None and two is not None:
                reached[name] += float(np.abs(one - two).max()) >= value - 1e-12
            else:
                reached[name] += 1
    return {name: count / (draws + 1) for name, count in reached.items()}


def _last_of_ties(ordered: Values) -> NDArray[np.intp]:
    """Places of the last of each run of equal values."""
    return np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))


def _cumulative(
    weights: NDArray[np.float64], order: NDArray[np.intp], ends: NDArray[np.intp]
) -> Values | None:
    """A weighted distribution function at its distinct values; None where there is no weight."""
    sums = np.cumsum(weights[order])
    return sums[ends] / sums[-1] if sums[-1] > 0 else None
