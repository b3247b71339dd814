"""How wide an interval around a translation must be, learnt from the spread of dropout passes.

The spread itself is no error: networks are too sure of themselves, by a factor that nobody knows.
On tuning patients the half width is found that covered a stated share of the true errors among
voxels of about the same spread (split conformal prediction, Vovk et al. 2005, in bins of spread).
Voxels of a patient resemble one another, so the promise is one about the mean over patients like
those of tuning. With eight tuning patients whose errors differ by 30 % among them, the coverage of
eight others is 90 % on average over such studies, and between 82 and 97 % in one of them
(simulated). `measure` tells what became of it on test patients, and in their lesions, which hardly
weigh in that mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from popgan.evidence.paired.patients import patient_mean, slices_of
from popgan.evidence.paired.results import PatientMean, Uncertainty
from popgan.seeds import numpy_rng

Images = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_EACH = 20_000  # voxels of a patient, at most
_LEAST = 100  # voxels of a bin
# Ends of the bins as shares of the voxels; finer at the top, where spread grows fast.
_SHARES = (*(i / 10 for i in range(10)), 0.95, 0.98, 1.0)


class Calibration(BaseModel):
    """A rising line from spread to half width, in unit intensities; JSON in and out.

    Linear between its points and level below the first; above the last it goes on in proportion
    to the spread, since what is less certain than anything seen is not to look better.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    schema_version: Literal[1] = 1
    level: float = Field(gt=0, lt=1, description="share of the true values that is to be covered")
    passes: int = Field(ge=1, description="dropout passes that a spread is of")
    patients: int = Field(ge=1, description="tuning patients")
    voxels: int = Field(ge=1, description="voxels used, the same number of each patient")
    spread: list[float] = Field(min_length=1, max_length=1000)
    half_width: list[float] = Field(min_length=1, max_length=1000)
    without: dict[str, Calibration] = Field(
        default_factory=dict,
        description="of the same model where this one source is missing: it errs more then, and "
        "its passes do not spread more",
    )

    def where_missing(self, sources: Sequence[str]) -> Calibration | None:
        """The calibration for translations without some sources; None where there is none."""
        if not sources:
            return self
        return self.without.get(sources[0]) if len(sources) == 1 else None

    @model_validator(mode="after")
    def _a_rising_line(self) -> Self:
        if len(self.spread) != len(self.half_width):
            raise ValueError("spread and half_width differ in length")
        if self.spread[0] < 0 or self.half_width[0] < 0:
            raise ValueError("a spread or a half width is negative")
        if any(a >= b for a, b in pairwise(self.spread)):
            raise ValueError("spread must rise")
        if any(a > b for a, b in pairwise(self.half_width)):
            raise ValueError("half_width must not fall")
        return self

    def apply(self, spread: Images) -> NDArray[np.float32]:
        """Half width of each voxel, at most 1: no intensity is further away.

        Args:
            spread: standard deviation over `passes` dropout passes, unit intensities, any shape.
        """
        last = self.spread[-1]
        width = np.interp(spread, self.spread, self.half_width)
        if last > 0:
            width *= np.maximum(np.asarray(spread, np.float64) / last, 1)
        return np.minimum(width, 1).astype(np.float32)


def calibrate(
    truth: Images,
    image: Images,
    spread: Images,
    inside: Mask,
    subjects: Sequence[str],
    *,
    passes: int,
    level: float = 0.9,
    seed: int = 0,
) -> Calibration:
    """Learn the half width from tuning patients, each of whom weighs the same.

    Args:
        truth, image, spread: N x H x W, unit intensities, of tuning slices.
        inside: N x H x W, the brain.
        subjects: N pseudonyms.
        passes: dropout passes behind `spread`.
        level: share of the true values that is to lie within the half width.
        seed: of the draw of voxels.

    Raises:
        ValueError: the brain is empty.
    """
    known = [
        (spread[own][inside[own]], np.abs(image[own].astype(np.float64) - truth[own])[inside[own]])
        for own in slices_of(subjects).values()
    ]
    known = [(s, e) for s, e in known if s.size]
    if not known:
        raise ValueError("there is no voxel to calibrate on")
    rng = numpy_rng(seed, "voxels for calibration")
    # A patient with fewer voxels than most is drawn from with replacement rather than weigh less.
    each = min(_EACH, int(np.median([s.size for s, _ in known])))
    spreads, errors = np.empty((2, len(known), each))
    for i, (s, e) in enumerate(known):
        drawn = rng.choice(s.size, each, replace=s.size < each)
        spreads[i], errors[i] = s[drawn], e[drawn]
    points, widths = _line(spreads.ravel(), errors.ravel(), level)
    return Calibration(
        level=level,
        passes=passes,
        patients=len(known),
        voxels=spreads.size,
        spread=points,
        half_width=widths,
    )


def measure(
    calibration: Calibration,
    *,
    truth: Images,
    image: Images,
    spread: Images,
    inside: Mask,
    subjects: Sequence[str],
    lesions: Mask | None = None,
    seed: int = 0,
) -> Uncertainty:
    """How often the truth lay within the half width, on test patients.

    The rank correlation of a patient whose half width is the same everywhere is 0: it tells
    nothing about the error.

    Args:
        calibration: learnt on tuning patients.
        truth, image, spread: N x H x W, unit intensities, of test slices; `spread` of as many
            passes as in `calibration`.
        inside: N x H x W, the brain; it holds voxels of a patient at least.
        subjects: N pseudonyms; values stand in the order of their first slices.
        lesions: N x H x W, or None.
        seed: of the intervals.
    """
    found: dict[str, list[float | None]] = {"brain": [], "lesion": [], "width": [], "rank": []}
    for own in slices_of(subjects).values():
        width = calibration.apply(spread[own])
        error = np.abs(image[own].astype(np.float64) - truth[own])
        brain = inside[own]
        sick = np.zeros_like(brain) if lesions is None else lesions[own]
        found["brain"].append(_share(error <= width, brain))
        found["lesion"].append(_share(error <= width, sick))
        found["width"].append(_share(width, brain))
        found["rank"].append(_spearman(width[brain], error[brain]) if brain.any() else None)

    def mean(name: str, lowest: float = 0) -> PatientMean | None:
        return patient_mean(found[name], seed=seed, bounds=(lowest, 1))

    coverage, width_mean, rank = mean("brain"), mean("width"), mean("rank", -1)
    if coverage is None or width_mean is None or rank is None:
        raise ValueError("there is no voxel to measure on")
    return Uncertainty(
        level=calibration.level,
        passes=calibration.passes,
        calibrated_on=calibration.patients,
        coverage=coverage,
        coverage_lesion=mean("lesion"),
        width=width_mean,
        rank_correlation=rank,
    )


def _line(spread: Floats, error: Floats, level: float) -> tuple[list[float], list[float]]:
    """Points of the line: mean spread of a bin, and the half width that covers its errors."""
    order = np.argsort(spread, kind="stable")
    spread, error = spread[order], error[order]
    shares = [s for s in _SHARES if min(s, 1 - s) * spread.size >= _LEAST or s in (0, 1)]
    ends = np.round(np.array(shares) * spread.size).astype(int)
    points: list[float] = []
    widths: list[float] = []
    start = 0
    for end in ends[1:]:
        # Equal spreads stay together: a bin ends behind the last of its spread.
        stop = int(np.searchsorted(spread, spread[end - 1], side="right"))
        if stop - start < min(_LEAST, spread.size - start) or stop <= start:
            continue
        point = float(spread[start:stop].mean())
        width = _covering(error[start:stop], level)
        if points and point <= points[-1]:
            widths[-1] = max(widths[-1], width)
        else:
            points.append(point)
            widths.append(max(width, widths[-1]) if widths else width)
        start = stop
    return points, widths


def _covering(error: Floats, level: float) -> float:
    """The conformal quantile: of n errors the ceil((n + 1) level)-th, or the largest."""
    rank = min(math.ceil((error.size + 1) * level), error.size)
    return float(np.partition(error, rank - 1)[rank - 1])


def _share(values: NDArray[Any], mask: Mask) -> float | None:
    """Mean in a mask; None if it is empty."""
    return float(values[mask].mean(dtype=np.float64)) if mask.any() else None


def _spearman(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Rank correlation; 0 where one of the two does not vary."""
    from scipy.stats import rankdata

    if a.min() == a.max() or b.min() == b.max():
        return 0.0
    return float(np.clip(np.corrcoef(rankdata(a), rankdata(b))[0, 1], -1, 1))
