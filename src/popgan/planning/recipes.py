"""What rules know about each recipe: kind of networks, gamma, half-life of the average.

One row a recipe. A new recipe is a new row here, a folder of presets, and a row in
`popgan.recipes.table`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from popgan.config.preset import Preset
from popgan.config.schema import DataPlan
from popgan.errors import UserError

Decided = tuple[float, str]
"""A value and its reason."""


@dataclass(frozen=True)
class RecipeRules:
    """How the rules treat a recipe.

    Attributes:
        kind: of network (`config/network.py`).
        patch: pixels a side of a feature vector; None leaves it to the preset.
        group: whether there is minibatch standard deviation.
        gamma: weight of the gradient penalties at the end, from preset, data and batch.
        half_life: of the averaged generator in images, from images of the run and batch, where
            the preset leaves it open.
        condition: what the recipe is told unless the user says otherwise.
        multiple: feature maps of a level are a multiple of this.
        prior: whether there is a physics prior for such networks.
        translates: whether it makes one contrast of others.
    """

    kind: str
    patch: int | None
    group: bool
    gamma: Callable[[Preset, DataPlan, int], Decided]
    half_life: Callable[[int, int], Decided]
    condition: list[str] = field(default_factory=list)
    multiple: int = 8
    prior: bool = False
    translates: bool = False


def _gamma_by_area(preset: Preset, data: DataPlan, batch: int) -> Decided:
    area = data.height * data.width / 64**2
    reason = f"{preset.gamma_at_64:g} at 64 x 64, scaled with the area: {preset.gamma_reason}"
    return preset.gamma_at_64 * area, reason


def _gamma_by_batch(preset: Preset, data: DataPlan, batch: int) -> Decided:
    """StyleGAN2-ADA's rule 0.0002 * pixels / batch; a preset gives its value at 64 and batch 32."""
    area = data.height * data.width / 64**2
    value = preset.gamma_at_64 * area * 32 / batch
    return value, f"{preset.gamma_at_64:g} x pixels / 64^2 x 32 / batch: {preset.gamma_reason}"


def _gamma_by_side(preset: Preset, data: DataPlan, batch: int) -> Decided:
    """R3GAN: 0.2 at 64 and 15 at 256 are published; a straight line between on log scales."""
    doublings = math.log2(math.sqrt(data.height * data.width) / 64)
    growth = math.sqrt(75)
    reason = f"{preset.gamma_at_64:g} at 64, x {growth:.3g} a doubling: {preset.gamma_reason}"
    reason += "; nothing is published above 256" if doublings > 2 else ""
    return preset.gamma_at_64 * growth**doublings, reason


def _half_life_by_length(images: int, batch: int) -> Decided:
    value = max(100.0, min(10_000.0, math.floor(images * 0.03)))
    return value, "3 % of the images of the run, 100 to 10 000"


def _half_life_by_batch(images: int, batch: int) -> Decided:
    return batch * 10_000 / 32, "batch x 10 / 32 thousand images (StyleGAN2-ADA)"


RULES = {
    "popgan": RecipeRules(
        "progressive", None, True, _gamma_by_area, _half_life_by_length, prior=True
    ),
    "cgan": RecipeRules(
        "progressive",
        None,
        True,
        _gamma_by_area,
        _half_life_by_length,
        condition=["label"],
        prior=True,
    ),
    "stylegan2": RecipeRules(
        "stylegan2", 1, True, _gamma_by_batch, _half_life_by_batch, multiple=1
    ),
    "r3gan": RecipeRules("r3gan", 1, False, _gamma_by_side, _half_life_by_length),
    "dcgan": RecipeRules("dcgan", 2, False, _gamma_by_area, _half_life_by_length),
    "pix2pix": RecipeRules(
        "pix2pix", None, False, _gamma_by_area, _half_life_by_length, translates=True
    ),
    "mustgan": RecipeRules(
        "mustgan", None, False, _gamma_by_area, _half_life_by_length, translates=True
    ),
}


def find_rules(recipe: str) -> RecipeRules:
    """Look the rules of a recipe up.

    Raises:
        UserError: there is no such recipe.
    """
    if recipe not in RULES:
        raise UserError(f"unknown recipe {recipe!r}", do=f"choose one of {', '.join(RULES)}")
    return RULES[recipe]
