"""Measure the anatomy of synthetic images: arrays in, reliability and features out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.evidence import independent
from popgan.evidence.readers.holm import holm
from popgan.evidence.statistics import image_groups, members, subject_groups
from popgan.evidence.tissue.distances import (
    DRAWS,
    Sample,
    distance,
    kolmogorov_smirnov,
    mean_of_subjects,
    patients_permuted,
)
from popgan.evidence.tissue.facts import segmenter_facts
from popgan.evidence.tissue.figures import LIKENESS, TEXTS, Values, checks_of, coarse, features_of
from popgan.evidence.tissue.plausible import Maps, Nearest, Ranges, reliability
from popgan.evidence.tissue.results import FeatureName, TissueFeature, TissueResult
from popgan.evidence.tissue.segment import SMALLEST, SUPPORTED, outline, usable
from popgan.progress import Reporter, Task
from popgan.seeds import numpy_rng

MOST_REAL = 6000
"""Real images of a split above which whole patients are left out, by chance."""
FEWEST = 10
"""Plausible images of a set below which its features are not measured."""
FEW_DIVISIONS = 100
"""Ways to divide the patients below which a p-value of 1 % cannot be reached."""
UNIT_OF_TEST = (
    "Kolmogorov-Smirnov statistic; p from {} divisions of the patients into training and "
    "held-out ones, so that slices of one patient do not count as independent; Holm over features."
)
Images = NDArray[np.float32]


@dataclass(frozen=True)
class _Set:
    """One set of images, outlined: figures of plausibility, features, owners (none: synthetic)."""

    checks: dict[str, Values]
    maps: Maps
    features: dict[FeatureName, Values]
    owners: list[str]

    def kept(self, passed: NDArray[np.bool_]) -> _Set:
        """The images that passed."""
        return _Set(
            self.checks,
            self.maps,
            {name: values[passed] for name, values in self.features.items()},
            [owner for owner, good in zip(self.owners, passed, strict=True) if good]
            if self.owners
            else [],
        )

    def sample(self, name: FeatureName, seed: int) -> Sample | None:
        """One feature where it is known; None where hardly an image or patient has it."""
        values = self.features[name]
        known = np.isfinite(values)
        if known.sum() < FEWEST:
            return None
        if not self.owners:
            return Sample(values[known], image_groups(int(known.sum()), seed=seed))
        owners = [owner for owner, there in zip(self.owners, known, strict=True) if there]
        if len(set(owners)) < 2:
            return None
        return Sample(values[known], subject_groups(owners, seed=seed), len(set(owners)))


def measure_tissue(
    *,
    real_train: Images,
    real_reference: Images,
    synthetic: Images,
    train_subjects: Sequence[str],
    reference_subjects: Sequence[str],
    contrasts: Sequence[str],
    pixel: float | None,
    seed: int = 0,
    draws: int = DRAWS,
    reporter: Reporter | None = None,
) -> TissueResult:
    """Compare the tissues of synthetic images with those of real ones.

    Args:
        real_train: N x C x H x W in [-1, 1], of the training patients.
        real_reference: M x C x H x W, of held-out patients.
        synthetic: S x C x H x W; clipped to [-1, 1].
        train_subjects, reference_subjects: a name for each image; two or more different ones.
        contrasts: C names.
        pixel: area of a pixel in mm2; None where it is not known.
        seed: of groups, draws and divisions.
        draws: divisions of the patients for p-values.
        reporter: shows progress.

    Returns:
        Reliability and features; or why nothing was measured, where no contrast is supported
        or images are small.

    Raises:
        UserError: one patient in a real set, images of another shape, or NaN in them.
    """
    contrast = usable(contrasts)
    side = max(real_train.shape[2:])
    if contrast is None or side < SMALLEST:
        checked = f"{', '.join(SUPPORTED)} of {SMALLEST} pixels and more"
        return TissueResult(
            contrast=None,
            not_measured=f"these are images of {', '.join(contrasts)} of {side} pixels, and the "
            f"network that outlines tissues is for {checked}.",
        )
    for subjects in (train_subjects, reference_subjects):
        subject_groups(subjects, seed=seed)  # refuses one patient before any image is looked at
    channel = list(contrasts).index(contrast)
    some = _some_patients(train_subjects, seed)
    others = _some_patients(reference_subjects, seed)
    total = len(some) + len(others) + len(synthetic)
    with (reporter or Reporter()).task("tissues", total=total) as task:

        def read(images: Images, owners: Sequence[str]) -> _Set:
            return _outlined(images[:, [channel]], contrast, list(owners), pixel, task)

        train = read(real_train[some], [train_subjects[i] for i in some])
        real = read(real_reference[others], [reference_subjects[i] for i in others])
        drawn = read(synthetic, [])
    return _compared(train, real, drawn, contrast, pixel, seed, draws)


def _some_patients(subjects: Sequence[str], seed: int) -> NDArray[np.intp]:
    """Places of all images, or of those of so many patients that there are not too many."""
    names, whose = members(subjects)
    counts = np.bincount(whose)
    order = numpy_rng(seed, "patients to segment").permutation(len(names))
    fit = max(2, int((np.cumsum(counts[order]) <= MOST_REAL).sum()))
    return np.flatnonzero(np.isin(whose, order[:fit]))


def _outlined(
    images: Images, contrast: str, owners: list[str], pixel: float | None, task: Task
) -> _Set:
    found = outline(images, [contrast], advance=task.advance)
    assert found is not None
    clipped = np.clip(images[:, 0], -1, 1)
    features = features_of(clipped, found, pixel=pixel)
    return _Set(checks_of(found), coarse(found.codes), features, owners)


def _compared(
    train: _Set,
    real: _Set,
    drawn: _Set,
    contrast: str,
    pixel: float | None,
    seed: int,
    draws: int,
) -> TissueResult:
    nearest = Nearest(train.maps, np.asarray(train.owners, str))
    train.checks[LIKENESS] = nearest.distance(train.maps, train.owners)
    for part in (real, drawn):
        part.checks[LIKENESS] = nearest.distance(part.maps)
    ranges = Ranges.learnt(train.checks)
    trust = reliability(
        ranges,
        train=train.checks,
        real=real.checks,
        synthetic=drawn.checks,
        subjects=real.owners,
        seed=seed,
    )
    train, real, drawn = (part.kept(ranges.passed(part.checks)) for part in (train, real, drawn))
    features = _features(train, real, drawn, pixel, seed, draws)
    held_out, trained = len(set(real.owners)), len(set(train.owners))
    result = TissueResult(
        contrast=contrast,
        segmenter=segmenter_facts(contrast),
        reliability=trust,
        features=features,
        n_synthetic=len(drawn.features["grey"]),
        n_real=len(real.owners),
        n_subjects=held_out,
        n_train=len(train.owners),
        n_train_subjects=trained,
        unit_of_test=UNIT_OF_TEST.format(draws) if features else "",
    )
    return result.model_copy(update={"warnings": _warnings(result, pixel)})


def _features(
    train: _Set, real: _Set, drawn: _Set, pixel: float | None, seed: int, draws: int
) -> list[TissueFeature]:
    """All features that enough images of each set have, with p-values over them."""
    samples = {
        name: tuple(part.sample(name, seed) for part in (train, real, drawn)) for name in TEXTS
    }
    known = {
        name: (first, second, third)
        for name, (first, second, third) in samples.items()
        if first is not None and second is not None and third is not None
    }
    statistics: dict[str, float] = {
        name: kolmogorov_smirnov(third.values, second.values)
        for name, (_, second, third) in known.items()
    }
    if not known:
        return []
    p = patients_permuted(
        statistics,
        {name: np.concatenate([train.features[name], real.features[name]]) for name in known},
        [f"train {owner}" for owner in train.owners] + [f"test {owner}" for owner in real.owners],
        len(set(real.owners)),
        len(drawn.features["grey"]),
        seed=seed,
        draws=draws,
    )
    adjusted = dict(zip(known, holm([p[name] for name in known]), strict=True))
    found = []
    for name, (first, second, third) in known.items():
        mean = independent.mean(third.values)
        assert mean is not None
        found.append(
            TissueFeature(
                name=name,
                title=TEXTS[name].title,
                unit="mm2" if name == "ventricles" and pixel is not None else "",
                synthetic=mean,
                real=mean_of_subjects(second, (-math.inf, math.inf)),
                wasserstein=distance(third, second),
                floor=distance(first, second),
                ks=statistics[name],
                ks_floor=kolmogorov_smirnov(first.values, second.values),
                p=p[name],
                p_holm=adjusted[name],
                how_to_read=TEXTS[name].how_to_read,
            )
        )
    return found


def _warnings(result: TissueResult, pixel: float | None) -> list[str]:
    """What a reader must not overlook."""
    found = []
    trust = result.reliability
    assert trust is not None
    if not trust.reliable:
        found.append(
            f"Only {trust.synthetic.value:.1%} of the synthetic images segment plausibly, where "
            f"{trust.wanted:.0%} are wanted: the features speak for those alone."
        )
    if trust.real.value < trust.wanted:
        found.append(
            f"Only {trust.real.value:.1%} of the held-out real images segment plausibly: on images "
            "like these the segmenter is not at home."
        )
    if not result.features:
        found.append(
            "Too few images segment plausibly to measure their tissues: "
            f"{result.n_synthetic} synthetic, and {result.n_real} real ones of {result.n_subjects} "
            "held-out patients."
        )
    elif math.comb(result.n_subjects + result.n_train_subjects, result.n_subjects) < FEW_DIVISIONS:
        found.append(f"{result.n_subjects} held-out patients are too few for p-values below 1 %.")
    if pixel is None and result.features:
        found.append("The size of a pixel is not known: ventricles are a share of the brain.")
    return found
