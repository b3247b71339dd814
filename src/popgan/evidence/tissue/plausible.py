"""Which images segment plausibly, by a rule learnt from real training images.

The rule is about outlines as such and not about what is compared afterwards. Most of its figures
ask whether there is one brain without holes, with both kinds of matter, drawn with certainty; each
has a range, where the middle 98 % of the training images lie, widened by half of its width at
either end. A texture without anatomy can pass all of those, because the network outlines something
in anything. It fails the last: its coarse outline is unlike that of any training patient, more so
than 99 % of training images are unlike all other patients. How strict the whole rule is can be
seen from the share of held-out real images that pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.evidence import independent
from popgan.evidence.statistics import subject_groups
from popgan.evidence.tissue.distances import Sample, mean_of_subjects
from popgan.evidence.tissue.figures import CHECKS, LIKENESS, Values
from popgan.evidence.tissue.results import PlausibilityCheck, Reliability

MIDDLE = (1.0, 99.0)
WIDENED = 0.5
RULE = (
    "Every figure of the outline lies where the middle 98 % of the real training images lie, the "
    "range widened by half of its width at either end; and the coarse outline is as near to one of "
    "a training patient as 99 % of training images are to one of another patient."
)
NOTHING = 10.0
"""Distance of an image without an outline: more than any other has."""
_BLOCK = 512
Maps = NDArray[np.float32]
_Passed = NDArray[np.bool_]


@dataclass(frozen=True)
class Nearest:
    """Coarse outlines of training images, to find the nearest one of another patient.

    Attributes:
        maps: n x D, of `figures.coarse`.
        owners: n patients.
    """

    maps: Maps
    owners: NDArray[np.str_]

    def distance(self, maps: Maps, owners: Sequence[str] | None = None) -> Values:
        """Distance to the nearest, relative to the size of the outline itself.

        Args:
            maps: m x D.
            owners: m patients, whose own images do not count; None for images of nobody here.

        Returns:
            m; Euclidean, divided by the length of the map; `NOTHING` for an empty one.
        """
        own = np.asarray(list(owners), str) if owners is not None else None
        found = np.empty(len(maps))
        for start in range(0, len(maps), _BLOCK):
            block = maps[start : start + _BLOCK]
            size = (block**2).sum(1)
            squares = size[:, None] + (self.maps**2).sum(1) - 2 * block @ self.maps.T
            if own is not None:
                squares[own[start : start + _BLOCK, None] == self.owners[None]] = np.inf
            nearest = np.sqrt(squares.min(1).clip(min=0))
            found[start : start + _BLOCK] = nearest / np.sqrt(size + 1.0)
            found[start : start + _BLOCK][size == 0] = NOTHING
        return found


@dataclass(frozen=True)
class Ranges:
    """The range of each figure of `CHECKS`."""

    low: Mapping[str, float]
    high: Mapping[str, float]

    @classmethod
    def learnt(cls, figures: Mapping[str, Values]) -> Ranges:
        """From the figures of real training images; all but likeness are shares, 0 to 1."""
        low, high = {}, {}
        for name in CHECKS:
            if name == LIKENESS:
                low[name], high[name] = 0.0, float(np.percentile(figures[name], MIDDLE[1]))
                continue
            first, last = np.percentile(figures[name], MIDDLE)
            more = WIDENED * (last - first)
            low[name], high[name] = max(0.0, float(first - more)), min(1.0, float(last + more))
        return cls(low, high)

    def within(self, name: str, figures: Mapping[str, Values]) -> _Passed:
        """Whether each image is in the range of one figure."""
        values = figures[name]
        # Rounding must not put a value outside the range of values like itself.
        return np.asarray((values >= self.low[name] - 1e-6) & (values <= self.high[name] + 1e-6))

    def passed(self, figures: Mapping[str, Values]) -> _Passed:
        """Whether each image is in all ranges."""
        return np.asarray(np.all([self.within(name, figures) for name in CHECKS], axis=0))


def reliability(
    ranges: Ranges,
    *,
    train: Mapping[str, Values],
    real: Mapping[str, Values],
    synthetic: Mapping[str, Values],
    subjects: list[str],
    seed: int,
) -> Reliability:
    """How many images segment plausibly.

    Args:
        ranges: the rule.
        train, real, synthetic: figures of the training, the held-out and the synthetic images.
        subjects: patient of each held-out image; two or more.
        seed: of the groups of the jackknife.
    """
    groups = subject_groups(subjects, seed=seed)
    shown = Sample(ranges.passed(real).astype(np.float64), groups, len(set(subjects)))
    return Reliability(
        rule=RULE,
        checks=[
            PlausibilityCheck(
                name=name,
                title=title,
                low=ranges.low[name],
                high=ranges.high[name],
                share_synthetic=float(ranges.within(name, synthetic).mean()),
                share_real=float(ranges.within(name, real).mean()),
            )
            for name, title in CHECKS.items()
        ],
        synthetic=independent.share(ranges.passed(synthetic)),
        real=mean_of_subjects(shown, (0.0, 1.0)),
        train=float(ranges.passed(train).mean()),
    )
