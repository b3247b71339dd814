"""The part of a plan that says how networks are trained."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from popgan.config.section import Section

Part = Annotated[int, Field(ge=0, le=4096)]


class TrainPlan(Section):
    """How the networks are trained. The only clock is images seen by the discriminator."""

    init: Literal["scratch", "phantom"] = Field(
        "scratch", description="what training starts from: random weights, or the physics prior"
    )
    images: int = Field(ge=1, description="real images shown in all; the length of the run")
    batch: int = Field(ge=2, le=4096, description="images a step")
    micro_batch: Part | list[Part] = Field(
        0,
        description="images of a batch that networks work on at once, the same at all levels or "
        "one number for each; 0 = all",
    )
    loss: Literal["logistic", "rpgan", "wgan-gp", "lsgan"] = Field(description="adversarial loss")
    lr_generator: float = Field(gt=0, le=1, description="learning rate of the generator (Adam)")
    lr_discriminator: float = Field(gt=0, le=1, description="learning rate of the discriminator")
    lr_end: float = Field(gt=0, le=1, description="both rates fall to this share of themselves")
    beta1: float = Field(ge=0, lt=1, description="Adam beta1")
    beta2: float = Field(ge=0, lt=1, description="Adam beta2")
    gamma: float = Field(
        ge=0, description="weight of the gradient penalties at full resolution; wgan-gp: lambda"
    )
    r2: bool = Field(description="penalise gradients at synthetic images too (R2), not only R1")
    penalty_interval: int = Field(ge=1, description="steps between gradient penalties (lazy)")
    diversity: float = Field(
        ge=0, description="weight of likeness matching: pairs as alike as real ones; 0 = off"
    )
    ema_half_life: float = Field(gt=0, description="half-life of the averaged generator, images")
    ema_ramp: float = Field(
        ge=0, le=1, description="half-life is at most this share of images seen"
    )
    level_shares: list[float] = Field(description="share of `images` at each level; sums to 1")
    fade: float = Field(ge=0, le=1, description="share of `images` over which a level fades in")
    shuffle_buffer: int = Field(ge=1, description="slices held for shuffling; all = full shuffle")
    ticks: int = Field(ge=1, le=1000, description="samples, log and checkpoint this often a run")
    snapshots: int = Field(
        0, ge=0, le=100, description="times the averaged generator is measured on the tuning split"
    )
    precision: Literal["bf16", "fp32"] = Field(description="arithmetic of convolutions")
    threads: int = Field(ge=1, le=1024, description="CPU threads of one process")
    # What only some recipes have; None where a recipe has it not. A start is where a value
    # comes from while the learning rates fall: half a cosine leads from it to the value above.
    style_mixing: float | None = Field(
        None, ge=0, le=1, description="share of images drawn with two styles"
    )
    path_length: float | None = Field(None, ge=0, description="weight of path length; 0 = off")
    path_length_interval: int | None = Field(
        None, ge=1, description="steps between path length penalties (lazy)"
    )
    gamma_start: float | None = Field(None, ge=0, description="gamma at the start")
    beta2_start: float | None = Field(None, ge=0, lt=1, description="beta2 at the start")
    ema_start: float | None = Field(None, ge=0, description="ema_half_life at the start")
    reconstruction: float | None = Field(
        None, ge=0, description="weight of the mean absolute error (L1); translators only"
    )
    perceptual: float | None = Field(
        None, ge=0, description="weight of the error in features of the backbone; 0 = off"
    )
    source_dropout: float | None = Field(
        None, ge=0, lt=1, description="share of images shown without one or more of their sources"
    )
    stream_share: float | None = Field(
        None, gt=0, lt=1, description="share of `images` in which mustgan trains its streams"
    )
    search_share: float | None = Field(
        None, ge=0, lt=1, description="share after that in which places of fusion compete"
    )
    augment_start: float | None = Field(
        None, ge=0, le=1, description="augmentation.probability at the start"
    )
    clip: float | None = Field(
        None, ge=1, description="gradients are shortened to so many times their usual norm"
    )
