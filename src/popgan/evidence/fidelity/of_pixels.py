"""Metrics on pixels: variety, twins, spectrum, the air around the head, nearest training images."""

from __future__ import annotations

import numpy as np

from popgan.evidence.fidelity import air, msssim, nearest, spectrum, twins
from popgan.evidence.fidelity.inputs import ImageSet, LeftOutError, Material
from popgan.evidence.fidelity.metric import estimate, means_without, metric, without_interval
from popgan.evidence.fidelity.results import Metric
from popgan.evidence.statistics import Replicates, interval

PIXELS = "pixels"
PAIRS = 2000
JUNK_PAIRS = 200
MANY = 256  # junk images that are measured one by one


def diversity(material: Material) -> list[Metric]:
    """MS-SSIM of random pairs."""
    value, left = _similarity(material.synthetic, material.seed)
    floor, floor_left = _similarity(material.train, material.seed)
    low, high = interval(floor, floor_left, bounds=(0, 1))
    ceilings = {
        name: _similarity(bad, material.seed, JUNK_PAIRS)[0] for name, bad in material.junk.items()
    }
    found = estimate(
        material, value, [left], bounds=(0, 1), who="synthetic images only", real=material.train
    )
    more = {"floor_low": low, "floor_high": high, "basis": PIXELS}
    return [metric(material, "ms_ssim", "reference", found, floor, ceilings, **more)]


def _similarity(part: ImageSet, seed: int, count: int = PAIRS) -> tuple[float, Replicates]:
    """Mean MS-SSIM of random pairs; of different subjects where subjects are known."""
    pairs = msssim.random_pairs(len(part.images), count, seed=seed, subjects=part.subjects)
    return msssim.mean_with_replicates(
        msssim.pair_similarity(part.images, pairs), pairs, part.groups
    )


def most_alike(material: Material) -> list[Metric]:
    """The most alike two of 64 images."""
    synthetic, train = material.synthetic.images, material.train.images
    size = min(twins.SET, len(synthetic), len(train))
    found = twins.most_alike_of_sets(
        synthetic, twins.disjoint_sets(len(synthetic), size, seed=material.seed)
    )
    real = twins.most_alike_of_sets(
        train, twins.random_sets(len(train), size, twins.FLOOR_SETS, seed=material.seed)
    )
    value, sets = float(found.mean()), f"disjoint sets of {size} synthetic images"
    if len(found) < 3:
        known = without_interval(
            material, value, f"no interval: {len(found)} {sets}", matched=False, real=material.train
        )
    else:
        # Synthetic images are independent draws, so every disjoint set is a fresh measurement.
        left = means_without(found, np.arange(len(found)))
        known = estimate(material, value, [left], bounds=(-1, 1), who=sets, real=material.train)
    ceilings = {name: twins.most_alike(bad.images[:size]) for name, bad in material.junk.items()}
    floor = float(real.mean())
    return [metric(material, "most_alike", "reference", known, floor, ceilings, basis=PIXELS)]


def power_spectrum(material: Material) -> list[Metric]:
    """Distance of the mean radial spectra."""
    reference, synthetic = material.reference, material.matched_synthetic
    real, fake = material.reference_spectra, material.synthetic_spectra[material.matched_rows]
    value, *left = spectrum.distance_with_replicates(real, reference.groups, fake, synthetic.groups)
    floor = spectrum.spectrum_distance(real, spectrum.radial_spectra(material.matched_train.images))
    junk = {"mean image": material.mean_image.images[:1], "noise": material.noise.images}
    ceilings = {
        name: spectrum.spectrum_distance(real, spectrum.radial_spectra(bad))
        for name, bad in junk.items()
    }
    found = estimate(material, value, left, bounds=(0, np.inf), matched=True)
    return [metric(material, "spectrum", "lower", found, floor, ceilings, unit="dB", basis=PIXELS)]


def background(material: Material) -> list[Metric]:
    """Noise and brightness of the air around the head.

    Raises:
        LeftOutError: hardly a pixel is air in all training images.
    """
    train = material.train
    common = air.common_air(train.images)
    if air.squares(common) < air.FEWEST:
        raise LeftOutError(
            "Air around the head not measured: the heads of the training images fill the picture."
        )
    real = air.measure_air(train.images, common)
    made = air.measure_air(material.synthetic.images, common)
    junk = {
        "mean image": air.measure_air(material.mean_image.images[:1], common),
        "noise": air.measure_air(material.noise.images, common),
    }
    metrics = []
    for name, column in (("air_noise", 0), ("air_level", 1)):
        fake, true = 100 * made[:, column], 100 * real[:, column]
        floor = float(true.mean())
        low, high = interval(floor, means_without(true, train.groups), bounds=(0, 100))
        found = estimate(
            material,
            float(fake.mean()),
            [means_without(fake, material.synthetic.groups)],
            bounds=(0, 100),
            who="synthetic images only",
            real=train,
        )
        ceilings = {bad: float(100 * values[:, column].mean()) for bad, values in junk.items()}
        more = {"floor_low": low, "floor_high": high, "unit": "% of range", "basis": PIXELS}
        metrics.append(metric(material, name, "reference", found, floor, ceilings, **more))
    return metrics


def nearness(material: Material) -> list[Metric]:
    """Whether images keep nearer to training than to held-out subjects: in features, in pixels."""
    train, reference = material.train, material.reference

    def ratio(features: np.ndarray) -> nearest.Ratio:
        return nearest.train_test_ratio(
            features,
            train.features,
            train.subjects or [],
            reference.features,
            reference.subjects or [],
            seed=material.seed,
        )

    result = ratio(material.synthetic.features)
    junk = {name: ratio(bad.features[:MANY]) for name, bad in material.junk.items()}
    who = f"subjects only; {result.subjects} a side"
    metrics = []
    for name, value, left, bounds, floor in (
        ("nearest_ratio", result.ratio, result.ratio_replicates, (0.0, np.inf), 1.0),
        ("nearest_share", result.share, result.share_replicates, (0.0, 1.0), 0.5),
    ):
        found = estimate(material, value, [left], bounds=bounds, who=who)
        ceilings = {bad: r.ratio if floor == 1.0 else r.share for bad, r in junk.items()}
        metrics.append(metric(material, name, "reference", found, floor, ceilings))
    return [*metrics, _correlation(material)]


def _correlation(material: Material) -> Metric:
    train, synthetic = material.train.images, material.synthetic
    found = material.nearest_training.nearness
    known = estimate(
        material,
        float(found.mean()),
        [means_without(found, synthetic.groups)],
        bounds=(-1, 1),
        who="synthetic images only",
        real=material.train,
    )
    floor = float(nearest.nearest_pixels(material.reference.images, train).nearness.mean())
    junk = {"mean image": material.mean_image.images[:1], "noise": material.noise.images}
    ceilings = {
        name: float(nearest.nearest_pixels(bad, train).nearness.mean())
        for name, bad in junk.items()
    }
    return metric(
        material, "nearest_correlation", "reference", known, floor, ceilings, basis=PIXELS
    )
