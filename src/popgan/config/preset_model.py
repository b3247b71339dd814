"""A preset as data: fixed values with reasons, and the parameters of the rules.

Names of a setting, which is what a study varies, are names of plan values ("train.batch"), or of a
preset's own parameters with `preset.` before them ("preset.channel_base").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from popgan.errors import UserError

Words = Annotated[str, Field(max_length=2000)]
Listed = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=64)]


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
        images_reason, batch_reason, channel_reason, gamma_reason, ema_reason, level_reason: of the
            parameters beside them; part of the reasons that a plan gives.
        level_weights: relative images of each level, TOP level first; missing ones get none.
        low_levels: share of the images on all levels below the top one; None leaves it to the
            weights.
        generate: images of the synthetic data set.
        evaluate: synthetic images measured.
        values: dotted name of a plan value -> (value, reason).
        tuned: what a study has found: name of a value, or of a parameter of this class with
            `preset.` before it -> which study, with its numbers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    name: Words
    summary: Words
    resolution: int = Field(ge=8, le=1024)
    budget: Words | None
    images: int | None = Field(ge=1, le=10**10)
    images_reason: Words = "fixed by the preset"
    batch: int = Field(ge=2, le=4096)
    batch_reason: Words = "small batches: many updates for few images seen"
    channel_base: int = Field(0, ge=0, le=2**20)
    channel_max: int = Field(0, ge=0, le=4096)
    channel_reason: Words = "so that every level costs about the same arithmetic"
    gamma_at_64: float = Field(0.0, ge=0)
    gamma_start: float = Field(1.0, ge=0)
    gamma_reason: Words = "a gradient by pixels shrinks with their number"
    ema_share: float | None = Field(default=None, gt=0, le=1)
    ema_reason: Words = ""
    level_weights: list[Annotated[float, Field(ge=0)]] = Field(
        default_factory=lambda: [1.0], min_length=1, max_length=16
    )
    low_levels: float | None = Field(default=None, ge=0, le=0.9)
    level_reason: Words = "most images where the detail is, after a short climb"
    generate: int = Field(ge=1, le=10**7)
    evaluate: int = Field(ge=10, le=10**7)
    values: dict[Words, tuple[bool | int | float | Words | Listed, Words]] = Field(max_length=200)
    tuned: dict[Words, Words] = Field(default_factory=dict, max_length=200)


PARAMETER = "preset."
"""Before the name of a preset's own parameter, beside dotted names of plan values."""

SHAPED = {
    "batch": ("train.batch", "batch_reason"),
    "images": ("train.images", "images_reason"),
    "channel_base": ("network.channels", "channel_reason"),
    "channel_max": ("network.channels", "channel_reason"),
    "gamma_at_64": ("train.gamma", "gamma_reason"),
    "gamma_start": ("train.gamma_start", "gamma_reason"),
    "ema_share": ("train.ema_half_life", "ema_reason"),
    "level_weights": ("train.level_shares", "level_reason"),
    "low_levels": ("train.level_shares", "level_reason"),
    "generate": ("generate.n", ""),
    "evaluate": ("evaluate.n", ""),
}
"""Parameter -> the plan value that follows from it, and the field that holds its reason."""


def parameter_of(name: str) -> str | None:
    """The parameter of a preset that a name of a setting means; None for a value of the plan."""
    if name == "train.batch":  # the batch counts as either
        return "batch"
    return name.removeprefix(PARAMETER) if name.startswith(PARAMETER) else None


def can_hold(value: object) -> bool:
    """Whether presets can have a value of a plan: lists of numbers follow from their parameters."""
    texts = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return texts or isinstance(value, bool | int | float | str)


def plan_value(name: str) -> str:
    """The value of a plan that a name of a setting is about; the name itself if it is one."""
    parameter = parameter_of(name)
    return name if parameter is None else SHAPED.get(parameter, (name, ""))[0]


def found_values(preset: Preset) -> set[str]:
    """Plan values that a study has found, or that follow from a parameter it has found."""
    return {plan_value(name) for name in preset.tuned}


def reasoned(preset: Preset) -> Preset:
    """The preset with the study's reason at everything that a study has found."""
    data = preset.model_dump()
    for name, reason in preset.tuned.items():
        parameter = parameter_of(name)
        if parameter is None:
            data["values"][name] = (data["values"][name][0], reason)
        elif field := SHAPED.get(parameter, ("", ""))[1]:
            data[field] = reason
    return Preset.model_validate(data)


def checked(data: Mapping[str, Any], *, where: object = None) -> Preset:
    """A preset from its fields.

    Args:
        data: all of them, the name included.
        where: the file, for the message.

    Raises:
        UserError: a field is missing, unknown, or out of its range.
    """
    try:
        return Preset.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        places = ".".join(str(place) for place in first["loc"])
        raise UserError(f"{places}: {first['msg']}", where=where) from error
