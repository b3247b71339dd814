"""Metrics in the features of a network: from `Material` to `Metric`s with floor and ceilings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from popgan.evidence.fidelity.clipped import NAMES as CLIPPED_NAMES
from popgan.evidence.fidelity.clipped import clipped
from popgan.evidence.fidelity.frechet import frechet_distance
from popgan.evidence.fidelity.infinity import (
    FULL_RANK,
    LEAST,
    FrechetInfinity,
    frechet_infinity,
)
from popgan.evidence.fidelity.infinity_jackknife import infinity_replicates
from popgan.evidence.fidelity.inputs import ImageSet, LeftOutError, Material
from popgan.evidence.fidelity.kid import kid, kid_with_replicates
from popgan.evidence.fidelity.metric import estimate, metric, without_interval
from popgan.evidence.fidelity.prdc import NAMES as PRDC_NAMES
from popgan.evidence.fidelity.prdc import prdc
from popgan.evidence.fidelity.results import Metric
from popgan.evidence.statistics import Estimate, Replicates, interval

NEIGHBOURS = 5
SIZES = 8  # of samples that the line to infinity goes through
GROUPS = 16  # of subjects, so that the smallest of these, a quarter, has four
FEW_COPIES = 2  # of the mean image are as good as any number, where only mean and spread count


def kernel(material: Material) -> list[Metric]:
    """KID, the headline."""
    reference, synthetic, train = material.reference, material.synthetic, material.train
    held, owners = (reference.features, reference.groups), reference.owners
    value, *left = kid_with_replicates(*held, synthetic.features, synthetic.groups, x_owners=owners)
    floor, *floor_left = kid_with_replicates(
        *held, train.features, train.groups, x_owners=owners, y_owners=train.owners
    )
    low, high = interval(floor, *floor_left)
    ceilings = {
        name: kid(reference.features, bad, x_owners=owners) for name, bad in _junk(material).items()
    }
    found = estimate(material, value, left)
    return [
        metric(material, "kid", "lower", found, floor, ceilings, floor_low=low, floor_high=high)
    ]


def frechet(material: Material) -> list[Metric]:
    """The Frechet distance as everybody prints it, FID with the features of FID."""
    reference, synthetic = material.reference.features, material.matched_synthetic
    found = without_interval(
        material,
        frechet_distance(reference, synthetic.features),
        "no interval: at this size the value is mostly bias, which no resampling removes; "
        "the floor at the same size takes its place",
    )
    floor = frechet_distance(reference, material.matched_train.features)
    ceilings = {n: frechet_distance(reference, bad) for n, bad in _junk(material).items()}
    return [metric(material, "frechet", "lower", found, floor, ceilings)]


def infinity(material: Material) -> list[Metric]:
    """The Frechet distance extrapolated to infinitely many images.

    Raises:
        LeftOutError: fewer than 80 images on a side.
    """
    reference, synthetic = material.reference, material.matched_synthetic
    count = min(len(reference.features), len(synthetic.features))
    if count < LEAST:
        raise LeftOutError(
            f"Frechet distance not extrapolated: it takes {LEAST} images on either side, and there "
            f"are {count}."
        )

    def line(features: np.ndarray, groups: np.ndarray | None = None) -> FrechetInfinity:
        return frechet_infinity(
            reference.features,
            features,
            x_groups=reference.groups,
            y_groups=groups,
            sizes=SIZES,
            seed=material.seed,
        )

    value = line(synthetic.features).value
    floor = line(material.matched_train.features, material.matched_train.groups).value
    ceilings = {
        "mean image": line(material.mean_image.features).value,
        "noise": line(material.noise.features).value,
    }
    found = _infinity_estimate(material, value, count)
    return [metric(material, "frechet_infinity", "lower", found, floor, ceilings)]


def _infinity_estimate(material: Material, value: float, count: int) -> Estimate:
    """With an interval only where simulations show that it covers the truth."""
    dimension = material.reference.features.shape[1]
    if count < FULL_RANK * dimension:
        return without_interval(
            material,
            value,
            f"no interval: {count} images for {dimension} features leave bias in the line, which "
            f"is straight from {FULL_RANK} images a feature on; the floor has the same bias",
        )
    reference, synthetic = material.reference, material.matched_synthetic
    groups = int(reference.groups.max()) + 1
    if groups < GROUPS:
        return without_interval(
            material,
            value,
            f"no interval: without one of {groups} groups of subjects hardly anything is left of "
            f"the smallest sample on the line; it takes {GROUPS} subjects",
        )
    left = infinity_replicates(
        reference.features,
        synthetic.features,
        x_groups=reference.groups,
        y_groups=synthetic.groups,
        x_whole=True,
        sizes=SIZES,
        seed=material.seed,
    )
    return estimate(material, value, left, matched=True)


def neighbourhoods(material: Material) -> list[Metric]:
    """Precision, recall, density and coverage."""
    reference, synthetic = material.reference, material.matched_synthetic
    groups = _groups(material)
    result = prdc(reference.features, synthetic.features, k=NEIGHBOURS, **groups)
    others = {
        name: prdc(reference.features, part.features, k=NEIGHBOURS).value
        for name, part in _others(material).items()
    }
    left = {n: [result.without_real[n], result.without_synthetic[n]] for n in PRDC_NAMES}
    return _shares(material, result.value, left if groups else {}, others)


def clipped_neighbourhoods(material: Material) -> list[Metric]:
    """Density and coverage that one far image cannot move."""
    reference, synthetic = material.reference, material.matched_synthetic
    groups = _groups(material)
    result = clipped(reference.features, synthetic.features, k=NEIGHBOURS, **groups)
    others = {
        name: clipped(reference.features, part.features, k=NEIGHBOURS).value
        for name, part in _others(material).items()
    }
    left = {n: [result.without_real[n], result.without_synthetic[n]] for n in CLIPPED_NAMES}
    return _shares(material, result.value, left if groups else {}, others)


def _shares(
    material: Material,
    value: Mapping[str, float],
    left: Mapping[str, list[Replicates]],
    others: Mapping[str, Mapping[str, float]],
) -> list[Metric]:
    """Metrics of a family that is computed at once; only density may exceed 1."""
    metrics = []
    for name, number in value.items():
        bounds = (0.0, np.inf if name == "density" else 1.0)
        found = (
            estimate(material, number, left[name], bounds=bounds, matched=True)
            if left
            else without_interval(material, number, "no interval: too few images")
        )
        ceilings = {bad: others[bad][name] for bad in material.junk}
        metrics.append(metric(material, name, "higher", found, others["floor"][name], ceilings))
    return metrics


def _groups(material: Material) -> dict[str, Any]:
    """Groups for the jackknife; none where a set without its largest one has too few images."""
    parts = (material.reference, material.matched_synthetic)
    rest = min(len(part.groups) - np.bincount(part.groups).max() for part in parts)
    if rest <= NEIGHBOURS + 1:
        return {}
    return {"real_groups": parts[0].groups, "synthetic_groups": parts[1].groups}


def _others(material: Material) -> dict[str, ImageSet]:
    """What the synthetic images stand between."""
    return {"floor": material.matched_train, **material.junk}


def _junk(material: Material) -> dict[str, np.ndarray]:
    """Features of the ceilings, the mean image only so often as it must be."""
    return {
        "mean image": material.mean_image.features[:FEW_COPIES],
        "noise": material.noise.features,
    }
