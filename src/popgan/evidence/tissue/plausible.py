"""Which images segment plausibly, by a rule learnt from real training images.

The rule is about outlines as such (is there one brain without holes, with both kinds of matter,
drawn with certainty?) and not about what is compared afterwards. It is a range for each figure:
where the middle 98 % of the training images lie, widened by half of its width at either end. How
strict that is can be seen from the share of held-out real images that pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.evidence import independent
from popgan.evidence.statistics import subject_groups
from popgan.evidence.tissue.distances import Sample, mean_of_subjects
from popgan.evidence.tissue.figures import CHECKS, Values
from popgan.evidence.tissue.results import PlausibilityCheck, Reliability

MIDDLE = (1.0, 99.0)
WIDENED = 0.5
RULE = (
    "Every figure of the outline lies where the middle 98 % of the real training images lie, the "
    "range widened by half of its width at either end."
)
_Passed = NDArray[np.bool_]


@dataclass(frozen=True)
class Ranges:
    """The range of each figure of `CHECKS`."""

    low: Mapping[str, float]
    high: Mapping[str, float]

    @classmethod
    def learnt(cls, figures: Mapping[str, Values]) -> Ranges:
        """From the figures of real training images; all figures are shares, 0 to 1."""
        low, high = {}, {}
        for name in CHECKS:
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
