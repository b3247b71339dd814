"""The shape of the networks, a model for each kind; `kind` says which one a plan holds.

What every kind has stands in `NetworkShape`, so that the loop, the rules and the report need no
cases: a lowest level, feature maps at each level, pixels drawn by a feature vector.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from popgan.config.section import Section


class NetworkShape(Section):
    """What all kinds of networks have."""

    latent_dim: int = Field(ge=2, le=2048, description="length of the latent vector z")
    channels: list[Annotated[int, Field(ge=1, le=4096)]] = Field(
        min_length=1, description="feature maps at each level, from the base resolution upward"
    )
    patch: int = Field(description="pixels a side that one feature vector draws")
    minibatch_stddev: int = Field(ge=1, description="group size of minibatch stddev; 1 = none")
    condition: list[str] = Field(
        default_factory=list,
        description="what is told to both networks: label, height, or a covariate of the cohort",
    )
    masks: list[int] = Field(
        default_factory=list, description="labels of the map that are drawn beside the image"
    )


class ProgressiveNetwork(NetworkShape):
    """The growing networks of `popgan` and `cgan`."""

    kind: Literal["progressive"]
    dropout: float = Field(ge=0, lt=1, description="dropout in the discriminator's dense head")
    patch: Literal[1, 2] = Field(description="pixels a side that one feature vector draws")
    pixel_norm: bool = Field(description="normalise each pixel's feature vector in the generator")


class StyleGAN2Network(NetworkShape):
    """The networks of `stylegan2`; w is as long as z."""

    kind: Literal["stylegan2"]
    patch: Literal[1] = Field(description="pixels a side that one feature vector draws")
    mapping_layers: int = Field(ge=1, le=16, description="dense layers from z to w")


class R3GANNetwork(NetworkShape):
    """The networks of `r3gan`."""

    kind: Literal["r3gan"]
    patch: Literal[1] = Field(description="pixels a side that one feature vector draws")
    minibatch_stddev: Literal[1] = Field(description="this kind has no minibatch stddev")
    blocks: int = Field(ge=1, le=8, description="residual blocks a level")

    @model_validator(mode="after")
    def _whole_groups(self) -> R3GANNetwork:
        if any(maps % 8 for maps in self.channels):
            raise ValueError(
                "channels must be multiples of 8: twice as many are in groups of 16 features"
            )
        return self


class DCGANNetwork(NetworkShape):
    """The networks of `dcgan`."""

    kind: Literal["dcgan"]
    patch: Literal[2] = Field(description="pixels a side that one feature vector draws")
    minibatch_stddev: Literal[1] = Field(description="this kind has no minibatch stddev")
    dropout: float = Field(ge=0, lt=1, description="dropout before the discriminator's logit")


NetworkPlan = Annotated[
    ProgressiveNetwork | StyleGAN2Network | R3GANNetwork | DCGANNetwork,
    Field(discriminator="kind"),
]

KINDS: dict[str, type[NetworkShape]] = {
    "progressive": ProgressiveNetwork,
    "stylegan2": StyleGAN2Network,
    "r3gan": R3GANNetwork,
    "dcgan": DCGANNetwork,
}
