"""Assess a synthetic set against real images: every metric, each between a floor and ceilings.

The floor is the same metric of real training images against the real held-out ones (disjoint
subjects, as many images as the synthetic set where the metric's bias depends on the number); the
ceilings are the mean training image, which is what a collapsed generator gives, and noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from popgan.evidence.features import Extractor
from popgan.evidence.fidelity import nearest, spectrum
from popgan.evidence.fidelity.inputs import LeftOutError, Material, blocks, cautions, gather
from popgan.evidence.fidelity.measures import MEASURES
from popgan.evidence.fidelity.results import FidelityResult, Metric, NearestPair, Spectra
from popgan.progress import Reporter


def assess(
    *,
    real_train: np.ndarray,
    real_reference: np.ndarray,
    synthetic: np.ndarray,
    train_subjects: Sequence[str],
    reference_subjects: Sequence[str],
    extractor: Extractor,
    seed: int = 0,
    cache: Path | None = None,
    reporter: Reporter = Reporter(),
) -> FidelityResult:
    """Measure how close synthetic images are to real ones.

    Args:
        real_train: N x C x H x W in [-1, 1], the images that the generator was trained on.
        real_reference: M x C x H x W, held-out images of subjects that touched neither training
            nor tuning.
        synthetic: S x C x H x W; values outside [-1, 1] are clipped, as the writers do, and a
            warning tells how many.
        train_subjects: N names, one an image. reference_subjects: M names.
        extractor: the feature network.
        seed: decides subsets, pairs, groups and noise; the result is a function of the arguments.
        cache: folder for computed features, or None.
        reporter: shows progress.

    Returns:
        All metrics with their uncertainty, floor and ceilings; of measures that this material
        does not carry, a warning that says so.

    Raises:
        UserError: too few images, one subject, sets of different size, NaN, overlapping subjects.
    """
    material = gather(
        real_train,
        real_reference,
        synthetic,
        train_subjects,
        reference_subjects,
        extractor,
        seed=seed,
        cache=cache,
        reporter=reporter,
    )
    metrics: list[Metric] = []
    left_out: list[str] = []
    with reporter.task("metrics", total=len(MEASURES)) as task:
        for measure in MEASURES:
            try:
                metrics += measure(material)
            except LeftOutError as reason:
                left_out.append(str(reason))
            task.advance()
    images = material.synthetic.images
    mean = images.mean(0, dtype=np.float64)
    variance = sum(((block - mean) ** 2).sum(0) for block in blocks(images)) / len(images)
    return FidelityResult(
        backbone=extractor.identity,
        seed=seed,
        image_shape=list(images.shape[1:]),
        n_train=len(real_train),
        n_reference=len(real_reference),
        n_synthetic=len(synthetic),
        n_matched=len(material.matched_synthetic.images),
        n_train_subjects=len(set(map(str, train_subjects))),
        n_reference_subjects=len(set(map(str, reference_subjects))),
        metrics=metrics,
        warnings=cautions(material) + left_out,
        spectra=_spectra(material),
        nearest=_pairs(material),
        synthetic_mean=_plain(mean),
        synthetic_std=_plain(np.sqrt(variance)),
    )


def _spectra(material: Material) -> Spectra:
    def mean(spectra: np.ndarray) -> list[float]:
        return np.round(spectra.mean(0), 3).tolist()

    height, width = material.train.images.shape[2:]
    return Spectra(
        frequency=np.round(spectrum.frequencies(height, width), 5).tolist(),
        synthetic=mean(material.synthetic_spectra),
        reference=mean(material.reference_spectra),
        mean_image=mean(spectrum.radial_spectra(material.mean_image.images[:1])),
    )


def _pairs(material: Material) -> list[NearestPair]:
    by_feature = nearest.nearest_features(material.synthetic.features, material.train.features)
    by_pixel = material.nearest_training
    return [
        NearestPair(
            synthetic=i,
            train=int(by_feature.index[i]),
            distance=round(float(by_feature.nearness[i]), 5),
            train_by_pixels=int(by_pixel.index[i]),
            correlation=round(float(by_pixel.nearness[i]), 5),
        )
        for i in range(len(by_feature.index))
    ]


def _plain(image: np.ndarray) -> list[list[list[float]]]:
    """Nested lists, rounded to a hundredth of an 8-bit step."""
    return np.round(image, 4).tolist()
