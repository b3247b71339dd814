"""Assess a translator: its images against the true ones, beside every trivial way to get them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.paired.baselines import Baseline
from popgan.evidence.paired.results import PairedResult
from popgan.evidence.paired.uncertainty import Calibration
from popgan.progress import Reporter

Images = NDArray[np.floating[Any]]


def assess_pairs(
    *,
    truth: Images,
    sources: Images,
    subjects: Sequence[str],
    names: Sequence[str],
    target: str,
    predictions: Mapping[str, Images],
    baselines: Sequence[Baseline],
    lesions: NDArray[np.bool_] | None = None,
    heights: Sequence[float] | None = None,
    calibration: Calibration | None = None,
    spread: Images | None = None,
    passes: int = 0,
    fusion: Sequence[str] = (),
    seed: int = 0,
    reporter: Reporter = Reporter(),
) -> PairedResult:
    """Measure a translator on test patients.

    Args:
        truth: N x H x W, the true target, unit intensities (0..1).
        sources: N x K x H x W, the source contrasts, unit intensities.
        subjects: N pseudonyms, one a slice. Slices of one patient stand from the bottom up.
        names: K contrasts, of `sources`. target: the contrast of `truth`.
        predictions: N x H x W by name of the row; the model first, then the model without a source.
        baselines: see `fit_baselines`; they are given one patient's sources at a time.
        lesions: N x H x W, where the lesion is; None if no mask exists.
        heights: N heights of the slices, 0 bottom to 1 top; None if not known.
        calibration, spread, passes: half width from spread (N x H x W, unit intensities, of the
            model's images over so many dropout passes); None: no uncertainty is measured.
        fusion: how the model chose its fusion, in words.
        seed: of intervals and sampled tests.
        reporter: shows progress.
    """
    raise NotImplementedError
