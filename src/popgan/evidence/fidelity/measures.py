"""Every measure of the suite, in the order of the report."""

from __future__ import annotations

from collections.abc import Callable

from popgan.evidence.fidelity import of_features, of_pixels, of_radiomics
from popgan.evidence.fidelity.inputs import Material
from popgan.evidence.fidelity.results import Metric

MEASURES: tuple[Callable[[Material], list[Metric]], ...] = (
    of_features.kernel,
    of_features.frechet,
    of_features.infinity,
    of_radiomics.radiomics_distance,
    of_features.neighbourhoods,
    of_features.clipped_neighbourhoods,
    of_pixels.diversity,
    of_pixels.most_alike,
    of_pixels.power_spectrum,
    of_pixels.background,
    of_pixels.nearness,
)
"""From `Material` to `Metric`s; a measure that the material does not carry raises LeftOutError."""
