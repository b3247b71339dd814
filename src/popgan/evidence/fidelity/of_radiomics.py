"""Frechet radiomics distance of the head, where there are more images than features."""

from __future__ import annotations

import numpy as np

from popgan.errors import UserError
from popgan.evidence.features import cached_features
from popgan.evidence.fidelity.frechet import frechet_distance
from popgan.evidence.fidelity.inputs import ImageSet, LeftOutError, Material
from popgan.evidence.fidelity.metric import estimate, metric
from popgan.evidence.fidelity.results import Metric
from popgan.evidence.radiomics.distance import ROWS_A_FEATURE, Standard, learn
from popgan.evidence.radiomics.head import HeadRadiomics
from popgan.evidence.statistics import Replicates


def radiomics_distance(material: Material) -> list[Metric]:
    """Frechet distance of standardised radiomics of the head.

    Scale and, with fewer than three images a feature, principal axes are learnt from the held-out
    real images and held fixed; see `evidence/radiomics/distance.py`. Floor and ceilings are
    measured on the same scale.

    Raises:
        LeftOutError: not more images than features, or no feature differs between real images.
    """
    extractor = HeadRadiomics()
    names = extractor.names(material.train.images.shape[1])
    smallest = min(len(material.reference.images), len(material.matched_synthetic.images))
    if smallest <= len(names):
        raise LeftOutError(
            f"Frechet radiomics distance not measured: it takes more images than features, and "
            f"there are {smallest} images for {len(names)} features."
        )
    parts = {
        "reference": material.reference,
        "synthetic": material.matched_synthetic,
        "floor": material.matched_train,
    }
    junk = {"mean image": material.mean_image.images[:1], "noise": material.noise.images}
    sets = {name: part.images for name, part in parts.items()} | junk
    with material.reporter.task("radiomics", total=sum(map(len, sets.values()))) as task:
        values = {
            name: cached_features(images, extractor, material.cache, advance=task.advance)
            for name, images in sets.items()
        }
    try:
        scale = learn(values["reference"], max(1, smallest // ROWS_A_FEATURE))
    except UserError as error:
        raise LeftOutError(f"Frechet radiomics distance not measured: {error}") from error
    scaled = {name: scale(part) for name, part in values.items()}
    scaled["mean image"] = np.repeat(scaled["mean image"], 2, 0)  # a set without any spread
    real, made = scaled.pop("reference"), scaled.pop("synthetic")
    others = {name: frechet_distance(real, part) for name, part in scaled.items()}
    found = estimate(
        material,
        frechet_distance(real, made),
        [
            _replicates(real, material.reference, made),
            _replicates(made, material.matched_synthetic, real),
        ],
        bounds=(0, np.inf),
        matched=True,
        remark="; scale held fixed; without the bias that the floor shows",
    )
    floor, basis = others.pop("floor"), _basis(scale, len(names))
    return [metric(material, "frechet_radiomics", "lower", found, floor, others, basis=basis)]


def _replicates(left: np.ndarray, part: ImageSet, other: np.ndarray) -> Replicates:
    """The distance without each group of one side."""
    groups = range(int(part.groups.max()) + 1)
    values = [frechet_distance(left[part.groups != g], other) for g in groups]
    return Replicates(np.array(values), np.bincount(part.groups))


def _basis(scale: Standard, count: int) -> str:
    """Which features the distance was measured in: values in other ones do not compare."""
    if scale.axes is None:
        return f"{len(scale.kept)} of {count} radiomics of the head"
    return (
        f"{scale.axes.shape[1]} principal axes of {len(scale.kept)} radiomics of the head, with "
        f"{scale.explained:.0%} of their variance"
    )
