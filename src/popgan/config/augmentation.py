"""The part of a plan that says what images undergo before a discriminator sees them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from popgan.config.section import Section


class AugmentationPlan(Section):
    """What both real and synthetic images undergo before the discriminator sees them.

    `affine` moves a fixed share of the images; `ada` applies every transform on its own with a
    probability that follows the discriminator's overfitting; `diffaugment` shifts and cuts
    every image as published and reads none of the ranges.
    """

    method: Literal["none", "affine", "diffaugment", "ada"] = Field(
        "affine", description="which images are transformed, and how it is decided"
    )
    probability: float = Field(
        ge=0, le=1, description="affine: share of images moved; ada: probability at the start"
    )
    flip: bool = Field(description="mirror left and right (affine: half of all images)")
    shift: float = Field(ge=0, le=0.5, description="largest shift, as a fraction of the side")
    rotation: float = Field(ge=0, le=45, description="largest rotation, degrees")
    scale: float = Field(ge=0, le=0.5, description="largest change of size, as a fraction")
    brightness: float = Field(0.0, ge=0, le=1, description="ada: largest change of gain")
    contrast: float = Field(0.0, ge=0, lt=1, description="ada: largest change of contrast")
    noise: float = Field(
        0.0, ge=0, le=0.5, description="ada: largest standard deviation of noise, of a range of 2"
    )
    cutout: float = Field(0.0, ge=0, le=0.75, description="ada: side of the hole, as a fraction")
    target: float = Field(
        0.6, gt=0, lt=1, description="ada: overfitting to hold, 0 none .. 1 all reals recognised"
    )
    interval: int = Field(4, ge=1, description="ada: steps between changes of the probability")
    speed: float = Field(
        500.0, gt=0, description="ada: thousand images in which the probability moves by 1"
    )
