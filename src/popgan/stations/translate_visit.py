"""One visit translated: a stack in, a volume on the first source's voxels out, and what it is.

Nothing is read or written here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan.cohort.whole_work import WholeVisit
from popgan.evidence.paired.metrics import roughness
from popgan.evidence.paired.regions import brain_mask
from popgan.evidence.paired.registration import check_pair
from popgan.stations.domain import visit_traits
from popgan.stations.translate_model import Bench

_HEIGHT = 0.01  # share of the brain's height by which a slice may lie outside those of training
_DIGITS = 4

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class TranslatedVolume:
    """A translated volume, voxel upon voxel on its first source.

    Attributes:
        image: float32 of the source's shape and axes, grey values of the target.
        half_width: as large, in the same unit: half the width of the interval around `image`, or
            the spread where `calibrated` is False; None where it was not asked for.
        affine: of the first source, voxel indices to RAS+ mm, 4 x 4.
        calibrated: whether `half_width` was learnt on patients whose truth is known.
        background, brightest: grey values of the unit intensities 0 and 1.
        facts: what a reader of the image has to know; JSON, see the sidecars of `translate`.
        warnings: where this image may be worse than the evaluation says, one line each.
    """

    image: Floats
    half_width: Floats | None
    affine: NDArray[np.float64]
    calibrated: bool
    background: float
    brightest: float
    facts: dict[str, Any] = field(repr=False)
    warnings: tuple[str, ...] = ()


def not_registered(
    bench: Bench, visit: WholeVisit, contrasts: Sequence[str]
) -> tuple[str, str] | None:
    """A contrast that does not lie on the first source; None if all do.

    Preparation has aligned what it could; stacks of few slices it takes as they are.

    Returns:
        Its name, and what completes the sentence "the file ...".
    """
    images = (visit.stack[visit.taken] + 1) / 2
    for channel, name in enumerate(contrasts[1:], start=1):
        found = check_pair(images[:, 0], images[:, channel])
        if found.verdict != "registered":
            left = ", or leave one out (--from)" if bench.translator.may_miss else ""
            words = found.words(contrasts[0], name)
            return name, f"does not lie on the other source: {words}; register them first{left}"
    return None


def translate_stack(
    bench: Bench,
    visit: WholeVisit,
    contrasts: Sequence[str],
    *,
    advance: Callable[[int], None] | None = None,
) -> TranslatedVolume:
    """Translate a visit.

    Args:
        bench: the model and what is around it.
        visit: the visit, with some or all of the model's sources.
        contrasts: of the visit's stack, in its order; the first one gives the grid.
        advance: called with the number of slices done.

    Raises:
        UserError: see `Translator.__call__`.
    """
    sources, missing = bench.translator.sources, _missing(bench, contrasts)
    stack = np.full((len(visit.stack), len(sources), *visit.stack.shape[2:]), -1, np.float32)
    for channel, contrast in enumerate(contrasts):
        stack[:, sources.index(contrast)] = visit.stack[:, channel]
    distance = bench.slice_distance or visit.spacing[2]
    found = bench.translator(
        stack,
        gap=max(1, round(distance / visit.spacing[2])),
        missing=missing,
        passes=bench.passes,
        seed=bench.seed,
        advance=advance,
    )
    unit = np.asarray((found.images + 1) / 2, np.float32)
    volume, half = visit.back(unit), None
    if found.spread is not None:
        known = bench.calibrated_for(missing)
        half_unit = found.spread if known is None else known.apply(found.spread)
        # Where the model saw nothing, nothing is known: the whole range.
        half_volume = np.maximum(visit.back(half_unit), visit.unseen())
        half = bench.target.width(volume, half_volume)
    background, brightest = (float(v) for v in bench.target.restore(np.array([0.0, 1.0])))
    warnings = [
        *_unlike_training(bench, visit, contrasts),
        *_too_large(visit),
        *_not_calibrated(bench, missing),
    ]
    return TranslatedVolume(
        image=bench.target.restore(volume),
        half_width=half,
        affine=visit.file.affine,
        calibrated=half is not None and bench.calibrated_for(missing) is not None,
        background=background,
        brightest=brightest,
        facts=_facts(bench, visit, contrasts, unit) | {"Warnings": [*bench.remarks, *warnings]},
        warnings=tuple(warnings),
    )


def _missing(bench: Bench, contrasts: Sequence[str]) -> list[str]:
    return [name for name in bench.translator.sources if name not in contrasts]


def _unlike_training(bench: Bench, visit: WholeVisit, contrasts: Sequence[str]) -> list[str]:
    """What in a visit is unlike the visits that the model was trained on; see `Domain`."""
    if bench.domain is None:
        return []
    # Of the slices that training would have had.
    images = (visit.stack[visit.taken] + 1) / 2
    first = bench.translator.sources[0]
    fact = visit.facts[contrasts.index(first) if first in contrasts else 0]
    traits = visit_traits(
        {name: images[:, channel] for channel, name in enumerate(contrasts)},
        fact.spacing if visit.spacing_known else None,
    )
    return [f"unlike the training scans: {text}" for text in bench.domain.judge(traits)]


def _too_large(visit: WholeVisit) -> list[str]:
    largest = max(visit.extent)
    if largest <= visit.field:
        return []
    return [
        f"the head is {largest:.0f} mm large and the model's field {visit.field:.0f} mm: what is "
        "outside is background"
    ]


def _not_calibrated(bench: Bench, missing: Sequence[str]) -> list[str]:
    """A map that says less than those of other visits do."""
    if not bench.passes or bench.calibration is None or bench.calibrated_for(missing) is not None:
        return []
    return [
        f"without {' and '.join(missing)} the uncertainty is not calibrated: its map holds the "
        "bare spread of passes, which is far too narrow"
    ]


def _facts(
    bench: Bench, visit: WholeVisit, contrasts: Sequence[str], unit: Floats
) -> dict[str, Any]:
    """For the sidecar."""
    shown = np.flatnonzero(visit.shown)
    low, high = bench.rules.heights
    heights = visit.heights[shown]
    outside = (heights < low - _HEIGHT) | (heights > high + _HEIGHT)
    first = (visit.stack[:, 0] + 1) / 2
    rough = None
    if len(shown) > 1:
        rows = slice(int(shown[0]), int(shown[-1]) + 1)
        mask = brain_mask(unit[rows, None]) & visit.shown[rows, None, None]
        rough = roughness(first[rows], unit[rows], mask)
    return {
        "SourceContrasts": list(contrasts),
        "MissingSources": _missing(bench, contrasts),
        "ResampledSources": [fact.contrast for fact in visit.facts if fact.regridded],
        "Preparation": {
            fact.contrast: [f"{step.name}: {step.choice} ({step.reason})" for step in fact.steps]
            for fact in visit.facts
        },
        "Target": bench.translator.target,
        "IntensityRange": [
            round(float(v), _DIGITS) for v in bench.target.restore(np.array([0.0, 1.0]))
        ],
        "IntensityOf": f"median of {bench.target.scans} training scans",
        "Uncertainty": _uncertainty(bench, _missing(bench, contrasts)),
        "Slices": len(visit.stack),
        "SlicesLeftBackground": len(visit.stack) - len(shown),
        "SlicesOutsideTrainedHeights": round(float(outside.mean()) if len(shown) else 1.0, _DIGITS),
        "TrainedHeights": [round(low, _DIGITS), round(high, _DIGITS)],
        "ThroughPlaneRoughness": None if rough is None else round(rough, _DIGITS),
        "SkullStripped": visit.kept is not None,
    }


def _uncertainty(bench: Bench, missing: Sequence[str]) -> dict[str, Any] | None:
    if not bench.uncertain:
        return None
    told: dict[str, Any] = {"Passes": bench.passes, "Seed": bench.seed}
    known = bench.calibrated_for(missing)
    if known is None:
        meaning = "standard deviation over passes with dropout; not calibrated, so no interval"
        return {"Meaning": meaning, "Calibrated": False, "Level": None, **told}
    without = f" without {' and '.join(missing)}" if missing else ""
    meaning = (
        f"half the width of the interval around the image that is to hold {100 * known.level:g} % "
        f"of the true intensities, calibrated on {known.patients} tuning subjects{without}; on "
        "average, not in a lesion"
    )
    return {"Meaning": meaning, "Calibrated": True, "Level": known.level, **told}
