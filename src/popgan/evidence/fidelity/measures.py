"""Each metric of the suite, from `Material` to `Metric`: value, interval, floor and ceilings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from popgan.evidence.fidelity import msssim, nearest, spectrum, twins
from popgan.evidence.fidelity.frechet import frechet_distance
from popgan.evidence.fidelity.inputs import ImageSet, Material
from popgan.evidence.fidelity.kid import kid, kid_with_replicates
from popgan.evidence.fidelity.prdc import NAMES as PRDC_NAMES
from popgan.evidence.fidelity.prdc import prdc
from popgan.evidence.fidelity.results import Metric
from popgan.evidence.fidelity.texts import HOW_TO_READ, TITLES
from popgan.evidence.statistics import Estimate, Replicates, interval

NEIGHBOURS = 5
PAIRS = 2000
JUNK_PAIRS = 200
MANY = 256  # junk images to search neighbours of


def _kid(material: Material) -> list[Metric]:
    reference, synthetic, train = material.reference, material.synthetic, material.train
    value, *left = kid_with_replicates(
        reference.features, reference.groups, synthetic.features, synthetic.groups
    )
    floor, *floor_left = kid_with_replicates(
        reference.features, reference.groups, train.features, train.groups
    )
    low, high = interval(floor, *floor_left)
    ceilings = {name: kid(reference.features, bad.features) for name, bad in material.junk.items()}
    estimate = _estimate(material, value, left)
    return [_metric("kid", "lower", estimate, floor, ceilings, floor_low=low, floor_high=high)]


def _frechet(material: Material) -> list[Metric]:
    reference, synthetic = material.reference.features, material.matched_synthetic
    estimate = _without_interval(
        material,
        frechet_distance(reference, synthetic.features),
        "no interval: at this size the value is mostly bias, which no resampling removes; "
        "the floor at the same size takes its place",
    )
    floor = frechet_distance(reference, material.matched_train.features)
    ceilings = {
        name: frechet_distance(reference, bad.features) for name, bad in material.junk.items()
    }
    return [_metric("frechet", "lower", estimate, floor, ceilings)]


def _prdc(material: Material) -> list[Metric]:
    reference, synthetic = material.reference, material.matched_synthetic
    # Without its largest group a set must still hold more than k images.
    enough = all(
        len(part.groups) - np.bincount(part.groups).max() > NEIGHBOURS
        for part in (reference, synthetic)
    )
    result = prdc(
        reference.features,
        synthetic.features,
        k=NEIGHBOURS,
        real_groups=reference.groups if enough else None,
        synthetic_groups=synthetic.groups if enough else None,
    )
    floor = prdc(reference.features, material.matched_train.features, k=NEIGHBOURS).value
    junk = {
        name: prdc(reference.features, bad.features, k=NEIGHBOURS).value
        for name, bad in material.junk.items()
    }
    metrics = []
    for name in PRDC_NAMES:
        left = [result.without_real[name], result.without_synthetic[name]]
        bounds = (0.0, np.inf if name == "density" else 1.0)
        estimate = (
            _estimate(material, result.value[name], left, bounds=bounds, matched=True)
            if enough
            else _without_interval(material, result.value[name], "no interval: too few images")
        )
        ceilings = {bad: values[name] for bad, values in junk.items()}
        metrics.append(_metric(name, "higher", estimate, floor[name], ceilings))
    return metrics


def _diversity(material: Material) -> list[Metric]:
    value, left = _similarity(material.synthetic, material.seed)
    floor, floor_left = _similarity(material.train, material.seed)
    low, high = interval(floor, floor_left, bounds=(0, 1))
    ceilings = {
        name: _similarity(bad, material.seed, JUNK_PAIRS)[0] for name, bad in material.junk.items()
    }
    estimate = _estimate(
        material, value, [left], bounds=(0, 1), who="synthetic images only", real=material.train
    )
    return [
        _metric("ms_ssim", "reference", estimate, floor, ceilings, floor_low=low, floor_high=high)
    ]


def _twins(material: Material) -> list[Metric]:
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
        estimate = _without_interval(
            material, value, f"no interval: {len(found)} {sets}", matched=False, real=material.train
        )
    else:
        # Synthetic images are independent draws, so every disjoint set is a fresh measurement.
        left = np.array([np.delete(found, i).mean() for i in range(len(found))])
        replicates = Replicates(left, np.ones(len(found)))
        estimate = _estimate(
            material, value, [replicates], bounds=(-1, 1), who=sets, real=material.train
        )
    ceilings = {name: twins.most_alike(bad.images[:size]) for name, bad in material.junk.items()}
    return [_metric("most_alike", "reference", estimate, float(real.mean()), ceilings)]


def _similarity(part: ImageSet, seed: int, count: int = PAIRS) -> tuple[float, Replicates]:
    """Mean MS-SSIM of random pairs; of different subjects where subjects are known."""
    pairs = msssim.random_pairs(len(part.images), count, seed=seed, subjects=part.subjects)
    return msssim.mean_with_replicates(
        msssim.pair_similarity(part.images, pairs), pairs, part.groups
    )


def _spectrum(material: Material) -> list[Metric]:
    reference, synthetic = material.reference, material.matched_synthetic
    real = spectrum.radial_spectra(reference.images)
    fake = spectrum.radial_spectra(synthetic.images)
    value, *left = spectrum.distance_with_replicates(real, reference.groups, fake, synthetic.groups)
    floor = spectrum.spectrum_distance(real, spectrum.radial_spectra(material.matched_train.images))
    ceilings = {
        name: spectrum.spectrum_distance(real, spectrum.radial_spectra(bad.images))
        for name, bad in material.junk.items()
    }
    estimate = _estimate(material, value, left, bounds=(0, np.inf), matched=True)
    return [_metric("spectrum", "lower", estimate, floor, ceilings, unit="dB")]


def _copies(material: Material) -> list[Metric]:
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
        estimate = _estimate(material, value, [left], bounds=bounds, who=who)
        ceilings = {bad: r.ratio if floor == 1.0 else r.share for bad, r in junk.items()}
        metrics.append(_metric(name, "reference", estimate, floor, ceilings))
    return [*metrics, _correlation(material)]


def _correlation(material: Material) -> Metric:
    train, synthetic = material.train.images, material.synthetic
    found = nearest.nearest_pixels(synthetic.images, train).nearness
    left = [found[synthetic.groups != g].mean() for g in np.unique(synthetic.groups)]
    replicates = Replicates(np.array(left), np.bincount(synthetic.groups))
    estimate = _estimate(
        material,
        float(found.mean()),
        [replicates],
        bounds=(-1, 1),
        who="synthetic images only",
        real=material.train,
    )
    floor = float(nearest.nearest_pixels(material.reference.images, train).nearness.mean())
    ceilings = {
        name: float(nearest.nearest_pixels(bad.images[:MANY], train).nearness.mean())
        for name, bad in material.junk.items()
    }
    return _metric("nearest_correlation", "reference", estimate, floor, ceilings)


def _estimate(
    material: Material,
    value: float,
    left: Sequence[Replicates],
    *,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    matched: bool = False,
    who: str = "real subjects and synthetic images",
    real: ImageSet | None = None,
) -> Estimate:
    low, high = interval(value, *left, bounds=bounds)
    if low == high:
        # Every group left out gives the same number, as shares at 0 or 1 do: the jackknife sees
        # no uncertainty where there is some, so no interval is claimed.
        method = "no interval: the value is the same without any one group"
        return _without_interval(material, value, method, matched=matched, real=real)
    groups = " + ".join(str(len(part.values)) for part in left)
    method = f"delete-a-group jackknife, {groups} groups ({who}), Student t, 95 %"
    return _without_interval(material, value, method, matched=matched, real=real).model_copy(
        update={"low": low, "high": high}
    )


def _without_interval(
    material: Material,
    value: float,
    method: str,
    *,
    matched: bool = True,
    real: ImageSet | None = None,
) -> Estimate:
    """`real`: the real images of the comparison, by default the held-out ones."""
    reference = real or material.reference
    synthetic = material.matched_synthetic if matched else material.synthetic
    return Estimate(
        value=value,
        low=None,
        high=None,
        n_real=len(reference.images),
        n_synthetic=len(synthetic.images),
        n_subjects=len(set(reference.subjects or [])),
        method=method,
    )


def _metric(
    name: str,
    better: Literal["lower", "higher", "reference"],
    value: Estimate,
    floor: float,
    ceilings: dict[str, float],
    **more: Any,
) -> Metric:
    return Metric(
        name=name,
        title=TITLES[name],
        better=better,
        value=value,
        floor=floor,
        ceilings=ceilings,
        how_to_read=HOW_TO_READ[name],
        **{"unit": "", **more},
    )


MEASURES: tuple[Callable[[Material], list[Metric]], ...] = (
    _kid,
    _frechet,
    _prdc,
    _diversity,
    _twins,
    _spectrum,
    _copies,
)
