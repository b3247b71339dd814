"""Presets: named starting points of a plan, as YAML files in a folder for each recipe.

A preset gives fixed values (each with a reason) and the parameters of the rules that adapt the
rest to a cohort and a machine. One may extend another: it then says only what differs.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from popgan.errors import UserError


class Preset(BaseModel):
    """One preset file.

    Attributes:
        name: of the file; another one where values were changed.
        summary: one line for the command line's help.
        resolution: side of the images in pixels.
        budget: training time such as "6m", or None where `images` is fixed.
        images: images seen, where no time is given.
        batch: images a step before the cohort's size caps it.
        channel_base: channels x grid side of a level, before `channel_max` caps it; of recipes
            that grow through levels.
        channel_max: most channels of a level.
        gamma_at_64: weight of the gradient penalty at 64 x 64; scaled by the recipe's rule.
        gamma_start: what gamma starts at, in units of itself, where the recipe lets it fall.
        ema_share: half-life of the averaged generator as a share of the run's images; None leaves
            it to the recipe's rule or to `values`.
        level_weights: relative images of each level, TOP level first; missing ones get none.
        low_levels: share of the images on all levels below the top one; None leaves it to the
            weights.
        generate: images of the synthetic data set.
        evaluate: synthetic images measured.
        values: dotted name of a plan value -> (value, reason).
        tuned: what a study has found: name of a value, or of a parameter of this class with
            `preset.` before it -> which study, with its numbers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    summary: str
    resolution: int
    budget: str | None
    images: int | None
    images_reason: str = "fixed by the preset"
    batch: int
    batch_reason: str = "small batches: many updates for few images seen"
    channel_base: int = 0
    channel_max: int = 0
    channel_reason: str = "so that every level costs about the same arithmetic"
    gamma_at_64: float = 0.0
    gamma_start: float = 1.0
    gamma_reason: str = "a gradient by pixels shrinks with their number"
    ema_share: float | None = Field(default=None, gt=0, le=1)
    level_weights: list[float] = Field(default_factory=lambda: [1.0])
    low_levels: float | None = Field(default=None, ge=0, le=0.9)
    level_reason: str = "most images where the detail is, after a short climb"
    generate: int
    evaluate: int
    values: dict[str, tuple[bool | int | float | str | list[str], str]]
    tuned: dict[str, str] = Field(default_factory=dict)


PARAMETER = "preset."
"""Before the name of a preset's own parameter, beside dotted names of plan values."""


def changed(
    preset: Preset, setting: Mapping[str, bool | int | float | str], *, reason: str, tuned: bool
) -> Preset:
    """A preset with other values.

    Args:
        preset: the starting point.
        setting: name -> value; names of plan values ("train.batch"), or of parameters of the
            preset ("preset.channel_base"). The batch counts as either.
        reason: where the values come from, in words.
        tuned: whether a study has found them.

    Raises:
        UserError: a parameter that presets do not have, or a value out of its range.
    """
    data = preset.model_dump()
    for name, value in setting.items():
        parameter = "batch" if name == "train.batch" else name.removeprefix(PARAMETER)
        if name.startswith(PARAMETER) or name == "train.batch":
            if parameter not in Preset.model_fields:
                raise UserError(f"a preset has no parameter {name}")
            data[parameter] = value
        else:
            data["values"][name] = (value, reason)
        if tuned:
            data["tuned"][name] = reason
    try:
        return Preset.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UserError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def preset_names(recipe: str) -> list[str]:
    """Names of a recipe's presets, in alphabetical order."""
    files = _folder(recipe).iterdir()
    return sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml"))


@functools.cache
def load_preset(name: str, recipe: str) -> Preset:
    """Read a preset of a recipe.

    Raises:
        UserError: the recipe has no preset of that name.
    """
    known = preset_names(recipe)
    if name not in known:
        raise UserError(
            f"unknown preset {name!r} of recipe {recipe!r}", do=f"choose one of {', '.join(known)}"
        )
    return Preset.model_validate({**_read(recipe, name), "name": name})


def _read(recipe: str, name: str) -> dict[str, Any]:
    own = yaml.safe_load((_folder(recipe) / f"{name}.yaml").read_text("utf-8"))
    if "extends" not in own:
        return dict(own)
    base = _read(*own.pop("extends").split("/"))
    values = base["values"] | own.pop("values", {})
    # A value of the base that the networks of another recipe do not have is taken back by null.
    values = {name: value for name, value in values.items() if value is not None}
    return base | own | {"values": values}


def _folder(recipe: str) -> Traversable:
    return resources.files("popgan.config").joinpath("presets", recipe)
