"""Assess a translator: its images against the true ones, beside every trivial way to get them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.paired import remarks, uncertainty
from popgan.evidence.paired.baselines import Baseline
from popgan.evidence.paired.metrics import measure
from popgan.evidence.paired.patients import compare, patient_mean, slices_of
from popgan.evidence.paired.regions import brain_mask
from popgan.evidence.paired.results import (
    CoverageWithout,
    MethodRow,
    MetricName,
    PairedResult,
    Region,
    Score,
    Uncertainty,
)
from popgan.evidence.paired.uncertainty import Calibration
from popgan.progress import Reporter

Images = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]
Values = dict[tuple[MetricName, Region], float | None]

_ERRORS: tuple[MetricName, ...] = ("mse", "mae", "nrmse", "psnr", "ssim")
MEASURED: dict[Region, tuple[MetricName, ...]] = {
    "brain": (*_ERRORS, "ms_ssim", "roughness", "sharpness"),
    "field": (*_ERRORS, "ms_ssim"),
    # At the coarse scales of MS-SSIM a lesion is smaller than a pixel.
    "lesion": _ERRORS,
    "outside lesion": _ERRORS,
}
COMPARED: tuple[tuple[MetricName, Region], ...] = (
    ("psnr", "brain"),
    ("mae", "brain"),
    ("mae", "lesion"),
)
"""What the model is compared by; the first is the headline."""
_BOUNDS: dict[MetricName, tuple[float, float]] = {
    "psnr": (-np.inf, np.inf),
    "ssim": (-1, 1),
    "ms_ssim": (0, 1),
}
_POSITIVE = (0.0, float(np.inf))


def assess_pairs(
    *,
    truth: Images,
    sources: Images,
    subjects: Sequence[str],
    names: Sequence[str],
    target: str,
    predictions: Mapping[str, Images],
    baselines: Sequence[Baseline],
    lesions: Mask | None = None,
    heights: Sequence[float] | None = None,
    calibration: Calibration | None = None,
    spreads: Mapping[str, Images] | None = None,
    fusion: Sequence[str] = (),
    seed: int = 0,
    reporter: Reporter = Reporter(),
) -> PairedResult:
    """Measure a translator on test patients.

    Arrays are read a patient at a time, so memory maps do.

    Args:
        truth: N x H x W, the true target, unit intensities (0..1).
        sources: N x K x H x W, the source contrasts, unit intensities.
        subjects: N pseudonyms, one a slice. Results hold patients in the order of first slices.
        names: K contrasts, of `sources`. target: the contrast of `truth`.
        predictions: N x H x W by name of the row; the model first, then the model without a source.
        baselines: see `fit_baselines`; they are given one patient's sources at a time.
        lesions: N x H x W, where the lesion is; None if no mask exists.
        heights: N heights of the slices, 0 bottom to 1 top; None if not known, and slices of a
            patient then have to stand in their order.
        calibration: half width from spread, learnt on tuning patients; None: no uncertainty.
        spreads: N x H x W by name of the row, unit intensities, over the passes of `calibration`.
        fusion: how the model chose its fusion, in words.
        seed: of intervals and sampled tests.
        reporter: shows progress.

    Raises:
        ValueError: sizes do not fit, or an image is not finite.
    """
    pairs = _Pairs(truth, sources, slices_of(subjects), lesions, heights)
    spreads = spreads or {}
    pairs.check(len(subjects), len(names), predictions, spreads)
    values = pairs.measured(predictions, baselines, reporter)
    rows = [
        MethodRow(name=name, kind=_kind(i, len(predictions)), scores=_scores(found, seed))
        for i, (name, found) in enumerate(values.items())
    ]
    comparisons = compare(rows[0], rows[1:], COMPARED, seed=seed)
    measured = None
    if calibration is not None and rows[0].name in spreads:
        measured = _uncertainty(calibration, pairs, subjects, predictions, spreads, seed)
    return PairedResult(
        model=rows[0].name,
        sources=list(names),
        target=target,
        normalisation=remarks.NORMALISATION,
        n_patients=len(pairs.patients),
        n_slices=len(truth),
        n_patients_with_lesion=pairs.sick or 0,
        image_shape=list(truth.shape[1:]),
        seed=seed,
        rows=rows,
        comparisons=comparisons,
        uncertainty=measured,
        fusion=list(fusion),
        notes=remarks.notes(len(pairs.patients), pairs.sick, comparisons),
        warnings=remarks.warnings(rows, len(pairs.patients), _outside(predictions[rows[0].name])),
    )


@dataclass(frozen=True)
class _Pairs:
    """True images of test patients; see `assess_pairs`."""

    truth: Images
    sources: Images
    patients: dict[str, NDArray[np.intp]]
    lesions: Mask | None
    heights: Sequence[float] | None

    def check(
        self,
        subjects: int,
        names: int,
        predictions: Mapping[str, Images],
        spreads: Mapping[str, Images],
    ) -> None:
        """ValueError if a size does not fit."""
        count, *shape = self.truth.shape
        sizes = {
            "sources": (self.sources.shape, (count, names, *shape)),
            "subjects": ((subjects,), (count,)),
            **{name: (image.shape, self.truth.shape) for name, image in predictions.items()},
        }
        stacks = {f"spread of {name}": stack for name, stack in spreads.items()}
        for name, stack in (("lesions", self.lesions), *stacks.items()):
            if stack is not None:
                sizes[name] = (stack.shape, self.truth.shape)
        if self.heights is not None:
            sizes["heights"] = ((len(self.heights),), (count,))
        wrong = [f"{name} {has}, not {due}" for name, (has, due) in sizes.items() if has != due]
        if wrong or not predictions or not count:
            raise ValueError("; ".join(wrong) or "there are no images")

    @property
    def sick(self) -> int | None:
        """Patients with a lesion; None if that is not known."""
        if self.lesions is None:
            return None
        return sum(bool(self.lesions[own].any()) for own in self.patients.values())

    def brain(self, own: NDArray[np.intp]) -> Mask:
        """The brain in some slices, from all true contrasts."""
        true = np.asarray(self.truth[own])[:, None]
        return brain_mask(np.concatenate([np.asarray(self.sources[own]), true], axis=1))

    def inside(self) -> Mask:
        """The brain in all slices."""
        found = np.zeros(self.truth.shape, np.bool_)
        for own in self.patients.values():
            found[own] = self.brain(own)
        return found

    def measured(
        self, predictions: Mapping[str, Images], baselines: Sequence[Baseline], reporter: Reporter
    ) -> dict[str, list[Values]]:
        """Metrics of each method, a patient after the other."""
        found: dict[str, list[Values]] = {name: [] for name in predictions}
        found |= {baseline.name: [] for baseline in baselines}
        with reporter.task("paired metrics", total=len(self.patients) * len(found)) as task:
            for own in map(self._in_order, self.patients.values()):
                true, given = np.asarray(self.truth[own]), np.asarray(self.sources[own])
                masks = _masks(self.brain(own), None if self.lesions is None else self.lesions[own])
                levels = None if self.heights is None else [self.heights[i] for i in own]
                for name, images in predictions.items():
                    found[name].append(measure(true, np.asarray(images[own]), masks, MEASURED))
                    task.advance()
                for baseline in baselines:
                    image = baseline(given, levels)
                    found[baseline.name].append(measure(true, image, masks, MEASURED))
                    task.advance()
        return found

    def _in_order(self, own: NDArray[np.intp]) -> NDArray[np.intp]:
        """Slices of a patient from the bottom up."""
        if self.heights is None:
            return own
        return own[np.argsort([self.heights[i] for i in own], kind="stable")]


def _uncertainty(
    calibration: Calibration,
    pairs: _Pairs,
    subjects: Sequence[str],
    predictions: Mapping[str, Images],
    spreads: Mapping[str, Images],
    seed: int,
) -> Uncertainty:
    """What became of the intervals, with all sources and without each that may be missing."""
    name, inside = next(iter(predictions)), pairs.inside()

    def measured(known: Calibration, row: str) -> Uncertainty:
        return uncertainty.measure(
            known,
            truth=pairs.truth,
            image=predictions[row],
            spread=spreads[row],
            inside=inside,
            subjects=subjects,
            lesions=pairs.lesions,
            seed=seed,
        )

    without = {}
    for source, known in calibration.without.items():
        if (row := row_without(name, source)) in spreads:
            found = measured(known, row)
            without[source] = CoverageWithout(coverage=found.coverage, width=found.width)
    return measured(calibration, name).model_copy(update={"without": without})


def row_without(name: str, source: str) -> str:
    """Title of a model's row where a source is missing."""
    return f"{name} without {source}"


def _masks(brain: Mask, lesions: Mask | None) -> dict[Region, Mask | None]:
    """Mask of each region; those about lesions are empty without one, as then nothing is apart."""
    masks: dict[Region, Mask | None] = {"brain": brain, "field": None}
    if lesions is not None:
        masks["lesion"] = lesions
        masks["outside lesion"] = brain & ~lesions & bool(lesions.any())
    return masks


def _kind(place: int, predictions: int) -> Literal["model", "without a source", "baseline"]:
    if place == 0:
        return "model"
    return "without a source" if place < predictions else "baseline"


def _scores(values: Sequence[Values], seed: int) -> list[Score]:
    """Each metric over patients; those that no patient has are left out."""
    found = []
    for region, metrics in MEASURED.items():
        for metric in metrics:
            bounds = _BOUNDS.get(metric, _POSITIVE)
            numbers = [patient.get((metric, region)) for patient in values]
            mean = patient_mean(numbers, seed=seed, bounds=bounds)
            if mean is not None:
                found.append(Score(metric=metric, region=region, value=mean))
    return found


def _outside(images: Images) -> float:
    """Share of intensities beyond 0..1, a slice at a time."""
    return float(np.mean([((image < 0) | (image > 1)).mean() for image in images]))
