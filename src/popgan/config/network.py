"""The shape of the networks, a model for each kind; `kind` says which one a plan holds.

What every kind has stands in `NetworkShape`, so that the loop needs no cases. Two families follow:
networks that draw images from latent vectors, level by level (`DrawingShape`), and networks that
translate contrasts into another one (`TranslatorShape`).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from popgan.config.section import Section


class NetworkShape(Section):
    """What all kinds of networks have.

    Attributes:
        whole: why their batch cannot be divided over processes and micro-batches; empty: it can.
        losses: adversarial losses that they can be trained with.
        other_losses: why no other.
    """

    whole: ClassVar[str] = ""
    losses: ClassVar[tuple[str, ...]] = ("logistic", "rpgan", "lsgan")
    other_losses: ClassVar[str] = "only recipes popgan and cgan have its penalty"
    minibatch_stddev: int = Field(ge=1, description="group size of minibatch stddev; 1 = none")
    condition: list[str] = Field(
        default_factory=list,
        description="what is told to both networks: label, height, or a covariate of the cohort",
    )
    masks: list[int] = Field(
        default_factory=list, description="labels of the map that are drawn beside the image"
    )

    @property
    @abstractmethod
    def levels(self) -> int:
        """Resolutions that training grows through; 1 where it does not grow."""


class DrawingShape(NetworkShape):
    """Networks that draw images from a latent vector, level by level."""

    latent_dim: int = Field(ge=2, le=2048, description="length of the latent vector z")
    channels: list[Annotated[int, Field(ge=1, le=4096)]] = Field(
        min_length=1, description="feature maps at each level, from the base resolution upward"
    )
    patch: int = Field(description="pixels a side that one feature vector draws")

    @property
    def levels(self) -> int:
        """Resolutions that training grows through."""
        return len(self.channels)


class ProgressiveNetwork(DrawingShape):
    """The growing networks of `popgan` and `cgan`."""

    losses: ClassVar[tuple[str, ...]] = ("logistic", "rpgan", "wgan-gp", "lsgan")
    kind: Literal["progressive"]
    dropout: float = Field(ge=0, lt=1, description="dropout in the discriminator's dense head")
    patch: Literal[1, 2] = Field(description="pixels a side that one feature vector draws")
    pixel_norm: bool = Field(description="normalise each pixel's feature vector in the generator")
    kernel: Literal[3, 5] | None = Field(
        None, description="side of the convolutions between feature maps; null = 3"
    )


class StyleGAN2Network(DrawingShape):
    """The networks of `stylegan2`; w is as long as z."""

    kind: Literal["stylegan2"]
    patch: Literal[1] = Field(description="pixels a side that one feature vector draws")
    mapping_layers: int = Field(ge=1, le=16, description="dense layers from z to w")


class R3GANNetwork(DrawingShape):
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


class DCGANNetwork(DrawingShape):
    """The networks of `dcgan`."""

    whole: ClassVar[str] = "its batch norm takes its statistics from the whole batch"
    kind: Literal["dcgan"]
    patch: Literal[2] = Field(description="pixels a side that one feature vector draws")
    minibatch_stddev: Literal[1] = Field(description="this kind has no minibatch stddev")
    dropout: float = Field(ge=0, lt=1, description="dropout before the discriminator's logit")


class TranslatorShape(NetworkShape):
    """Networks that translate some contrasts of a slice into another one."""

    losses: ClassVar[tuple[str, ...]] = ("lsgan", "logistic")
    other_losses: ClassVar[str] = (
        "translators judge patches one by one, and have no penalty of their discriminator"
    )
    minibatch_stddev: Literal[1] = Field(description="this kind has no minibatch stddev")
    condition: list[str] = Field(default_factory=list, max_length=0, description="nothing is told")
    masks: list[int] = Field(default_factory=list, max_length=0, description="no masks are drawn")
    sources: list[str] = Field(min_length=1, max_length=8, description="contrasts translated from")
    target: str = Field(min_length=1, description="the contrast translated to")
    neighbours: int = Field(
        ge=0, le=3, description="slices below, and above, that networks see beside the slice"
    )
    width: int = Field(ge=4, le=256, description="feature maps at full size; doubled by halving")
    halvings: int = Field(ge=1, le=5, description="how often height and width are halved")
    blocks: int = Field(ge=1, le=16, description="residual blocks at the smallest size")
    skips: bool = Field(description="direct paths from the way down to the way up (U-Net)")
    norm: Literal["instance", "none"] = Field(description="normalisation of feature maps")
    dropout: float = Field(
        ge=0,
        lt=1,
        description="share of maps dropped in blocks and on the way up; spread comes of it",
    )
    judge_width: int = Field(ge=4, le=256, description="feature maps of the discriminator's first")
    judge_layers: int = Field(ge=1, le=4, description="layers with step 2 of the discriminator")

    @model_validator(mode="after")
    def _target_is_no_source(self) -> TranslatorShape:
        if len(set(self.sources)) != len(self.sources):
            raise ValueError(f"sources names a contrast twice: {', '.join(self.sources)}")
        if self.target in self.sources:
            raise ValueError(f"{self.target} is both a source and the target")
        return self

    @property
    def levels(self) -> int:
        """A translator does not grow."""
        return 1


class Pix2PixNetwork(TranslatorShape):
    """One generator from all sources at once."""

    kind: Literal["pix2pix"]


class MustGANNetwork(TranslatorShape):
    """A stream for each source, one for all, and a joint network behind their fusion."""

    kind: Literal["mustgan"]
    fusion: list[str] = Field(
        min_length=1, description="where streams may be fused; of several the best is searched"
    )

    @model_validator(mode="after")
    def _positions_exist(self) -> MustGANNetwork:
        if len(self.sources) < 2:
            raise ValueError("mustgan takes two sources or more; pix2pix takes one")
        known = fusions(self.halvings)
        wrong = [name for name in self.fusion if name not in known]
        if wrong or len(set(self.fusion)) != len(self.fusion):
            shown = wrong[0] if wrong else ", ".join(self.fusion)
            raise ValueError(f"fusion {shown} is not possible; there are {', '.join(known)}")
        return self


def loss_problem(kind: type[NetworkShape], loss: str) -> str | None:
    """Why networks of a kind cannot be trained with a loss, in words; None if they can."""
    if loss in kind.losses:
        return None
    *most, last = kind.losses
    return f"{kind.other_losses}; take {', '.join(most)} or {last}"


def fusions(halvings: int) -> list[str]:
    """Names of all places where streams with so many halvings can be fused, in their order."""
    down = [f"encoder {depth + 1}" for depth in range(halvings + 1)]
    return [*down, "bottleneck", *(f"decoder {depth + 1}" for depth in range(halvings))]


NetworkPlan = Annotated[
    ProgressiveNetwork
    | StyleGAN2Network
    | R3GANNetwork
    | DCGANNetwork
    | Pix2PixNetwork
    | MustGANNetwork,
    Field(discriminator="kind"),
]

KINDS: dict[str, type[NetworkShape]] = {
    "progressive": ProgressiveNetwork,
    "stylegan2": StyleGAN2Network,
    "r3gan": R3GANNetwork,
    "dcgan": DCGANNetwork,
    "pix2pix": Pix2PixNetwork,
    "mustgan": MustGANNetwork,
}
