"""Frechet radiomics distance: two sets compared by features that have names and need no network.

After the Frechet radiomic distance of Konz, Osuala et al. (Medical Image Analysis 2026): the real
set gives the scale. It is not their FRD, which takes the logarithm and adds features of filtered
images: a value here is comparable only with values made here. It stands beside real against real
at the same size, and with an interval over subjects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from popgan.errors import UserError
from popgan.evidence.fidelity.frechet import frechet_distance
from popgan.evidence.statistics import (
    Estimate,
    Replicates,
    image_groups,
    interval,
    members,
    subject_groups,
)
from popgan.seeds import numpy_rng

ROWS_A_FEATURE = 3
SPLITS = 5
FEWEST = 10
Values = NDArray[np.float64]


class RadiomicsDistance(BaseModel):
    """The distance, the same at the size of the floor, and the floor."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    value: Estimate = Field(description="all real against all synthetic images")
    matched: float = Field(
        description="half of the real subjects against as many synthetic images as `floor` takes "
        "of the other half: to be compared with it, whose bias it shares; mean over the splits"
    )
    floor: float = Field(description="half of the real subjects against the other half; mean")
    floor_low: float = Field(description="least of the splits")
    floor_high: float = Field(description="greatest of the splits")
    features: int = Field(description="features given")
    constant: list[str] = Field(description="features without spread in the real set: left out")
    components: int = Field(description="dimensions that the distance was measured in")
    explained: float = Field(description="share of the real variance in these dimensions; 1: all")
    reduction: str = Field(description="what was done to the features, in one sentence")


@dataclass(frozen=True)
class Standard:
    """The scale learnt from the real set: kept columns, their mean and deviation, a projection."""

    kept: NDArray[np.int64]
    mean: Values
    deviation: Values
    axes: Values | None
    explained: float

    def __call__(self, features: NDArray[np.floating]) -> Values:
        """N x F features -> N x components."""
        values = (np.asarray(features, np.float64)[:, self.kept] - self.mean) / self.deviation
        return values if self.axes is None else values @ self.axes


def learn(real: NDArray[np.floating], most: int) -> Standard:
    """Standardisation by the real set and, above `most` features, its leading principal axes.

    The axes are those of the standardised real features alone; they are turned, not rescaled. What
    a synthetic set does at right angles to them is not seen.

    Raises:
        UserError: no feature has any spread.
    """
    values = np.asarray(real, np.float64)
    mean, deviation = values.mean(0), values.std(0, ddof=1)
    kept = np.flatnonzero(deviation > 1e-9 * np.maximum(np.abs(mean), 1e-3))
    if len(kept) == 0:
        raise UserError("no radiomics feature differs between the real images")
    scale = Standard(kept, mean[kept], deviation[kept], None, 1.0)
    if len(kept) <= most:
        return scale
    _, size, axes = np.linalg.svd(scale(values), full_matrices=False)
    share = size**2 / (size**2).sum()
    return Standard(kept, mean[kept], deviation[kept], axes[:most].T, float(share[:most].sum()))


def radiomics_distance(
    real: NDArray[np.floating],
    subjects: Sequence[str],
    synthetic: NDArray[np.floating],
    names: Sequence[str],
    *,
    seed: int = 0,
) -> RadiomicsDistance:
    """Frechet distance of standardised radiomics, with floor and interval.

    A covariance needs more images than features. Three images a dimension are asked of the smallest
    sample compared here (half of the real subjects, or the synthetic images); where there are
    fewer, the features are replaced by their leading principal axes on the real set, and
    `reduction` says so. Values in different numbers of dimensions must not be compared.

    The interval is the delete-a-group jackknife over real subjects and synthetic images, with the
    scale and the axes held fixed. It does not contain the bias, which `floor` shows.

    Args:
        real: N x F features of held-out images. subjects: N names.
        synthetic: M x F. names: F names.
        seed: of groups and splits.

    Raises:
        UserError: fewer than four subjects or ten images, other numbers of names, or a value that
            is not a finite number.
    """
    _check(real, subjects, synthetic, names)
    halves = _halves(subjects, seed)
    smallest = min(len(synthetic), *(min(len(a), len(b)) for a, b in halves))
    scale = learn(real, max(1, smallest // ROWS_A_FEATURE))
    x, y = scale(real), scale(synthetic)
    floors, matched = [], []
    for index, (one, other) in enumerate(halves):
        rng = numpy_rng(seed, "images as many as on the other side", index)
        size = min(len(other), len(y))
        floors.append(frechet_distance(x[one], x[rng.permutation(other)[:size]]))
        matched.append(frechet_distance(x[one], y[rng.permutation(len(y))[:size]]))
    return RadiomicsDistance(
        value=_estimate(x, subjects, y, seed),
        matched=float(np.mean(matched)),
        floor=float(np.mean(floors)),
        floor_low=min(floors),
        floor_high=max(floors),
        features=len(names),
        constant=[name for i, name in enumerate(names) if i not in set(scale.kept.tolist())],
        components=x.shape[1],
        explained=scale.explained,
        reduction=_sentence(scale, smallest),
    )


def _estimate(x: Values, subjects: Sequence[str], y: Values, seed: int) -> Estimate:
    value = frechet_distance(x, y)
    gx, gy = subject_groups(subjects, seed=seed), image_groups(len(y), seed=seed)
    left = [
        Replicates(
            np.array([frechet_distance(x[gx != g], y) for g in range(int(gx.max()) + 1)]),
            np.bincount(gx),
        ),
        Replicates(
            np.array([frechet_distance(x, y[gy != g]) for g in range(int(gy.max()) + 1)]),
            np.bincount(gy),
        ),
    ]
    low, high = interval(value, *left, bounds=(0, np.inf))
    groups = " + ".join(str(len(part.values)) for part in left)
    return Estimate(
        value=value,
        low=low,
        high=high,
        n_real=len(x),
        n_synthetic=len(y),
        n_subjects=len(set(map(str, subjects))),
        method=f"delete-a-group jackknife, {groups} groups (real subjects and synthetic images), "
        "Student t, 95 %; scale and axes held fixed",
    )


def _halves(
    subjects: Sequence[str], seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows of the two halves of the subjects, for each random split."""
    known, member = members(subjects)
    found = []
    for index in range(SPLITS):
        order = numpy_rng(seed, "halves of the real subjects", index).permutation(len(known))
        first = np.isin(member, order[: len(known) // 2])
        found.append((np.flatnonzero(first), np.flatnonzero(~first)))
    return found


def _sentence(scale: Standard, smallest: int) -> str:
    if scale.axes is None:
        return f"All {len(scale.kept)} features, standardised by the real set."
    return (
        f"The smallest sample compared has {smallest} images, too few for {len(scale.kept)} "
        f"features: {scale.axes.shape[1]} principal axes of the standardised real set were used, "
        f"which hold {scale.explained:.0%} of its variance."
    )


def _check(
    real: NDArray[np.floating],
    subjects: Sequence[str],
    synthetic: NDArray[np.floating],
    names: Sequence[str],
) -> None:
    for what, values in (("real", real), ("synthetic", synthetic)):
        if values.ndim != 2 or values.shape[1] != len(names):
            raise UserError(f"{what} features of shape {values.shape} for {len(names)} names")
        if len(values) < FEWEST:
            raise UserError(f"{len(values)} {what} images where {FEWEST} or more are needed")
        if not np.isfinite(values).all():
            raise UserError(f"a {what} feature is not a finite number")
    if len(subjects) != len(real):
        raise UserError(f"{len(subjects)} subject names for {len(real)} real images")
    if len(set(map(str, subjects))) < 4:
        raise UserError(
            "fewer than four real subjects", do="add subjects: the floor needs two in each half"
        )
