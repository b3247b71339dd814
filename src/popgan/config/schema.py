"""The plan: everything a run does, as data, each value with where it came from.

A plan is a tree of pydantic models that maps to YAML and back. Beside the values stands
`decisions`: for every value, whether it is `fixed` (by popgan, a preset or the user), set by a
`rule` (with the reason, numbers included) or `tuned` (by a study). A training run reads nothing
but its plan, its cohort and its seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from popgan.config.augmentation import AugmentationPlan
from popgan.config.condition import Condition, condition_size
from popgan.config.masks import MaskLabel
from popgan.config.network import (
    KINDS,
    DrawingShape,
    MustGANNetwork,
    NetworkPlan,
    TranslatorShape,
    loss_problem,
)
from popgan.config.section import Section
from popgan.config.training import TrainPlan
from popgan.errors import UserError
from popgan.files import read_yaml, write_text


class Decision(Section):
    """Where one value of the plan comes from."""

    source: Literal["fixed", "rule", "tuned"]
    reason: str = Field(min_length=3)


class DataPlan(Section):
    """Facts of the cohort that the networks depend on; copied from it, never chosen here."""

    height: int = Field(ge=8, le=1024, description="rows of a slice, pixels")
    width: int = Field(ge=8, le=1024, description="columns of a slice, pixels")
    contrasts: list[str] = Field(min_length=1, description="contrasts, one image channel each")
    train_slices: int = Field(ge=1, description="slices of the training split")
    train_subjects: int = Field(ge=1, description="subjects of the training split")
    cohort: str = Field(description="SHA-256 of the cohort's manifest")
    skull: bool | None = Field(
        default=None, description="whether the slices show skulls; null where that is not known"
    )
    conditions: list[Condition] = Field(
        default_factory=list, description="what network.condition names, as found in the cohort"
    )
    label_map: str | None = Field(
        default=None, description="kind of label map that masks come from"
    )
    masks: list[MaskLabel] = Field(
        default_factory=list, description="what network.masks names, as found in the cohort"
    )
    slice_distance: float | None = Field(
        default=None, gt=0, description="mm between neighbouring slices, for translators"
    )
    unmapped: int = Field(
        default=0,
        ge=0,
        description="training slices left out, because masks are drawn and they have none",
    )


class GeneratePlan(Section):
    """The synthetic data set."""

    n: int = Field(ge=1, description="images written by the main line")


class EvaluatePlan(Section):
    """The measurements."""

    n: int = Field(ge=10, description="synthetic images measured")


class Plan(Section):
    """A complete, resolved plan of one model.

    Raises:
        pydantic.ValidationError: unknown names, values out of range, or levels that do not fit.
    """

    version: Literal[2] = 2
    recipe: str
    preset: str
    seed: int = Field(ge=0, le=2**31 - 1)
    data: DataPlan
    network: NetworkPlan
    augmentation: AugmentationPlan
    train: TrainPlan
    generate: GeneratePlan
    evaluate: EvaluatePlan
    decisions: dict[str, Decision] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _levels_fit(self) -> Plan:
        levels = self.network.levels
        if len(self.train.level_shares) != levels:
            raise ValueError(
                f"train.level_shares has {len(self.train.level_shares)} entries, and there are "
                f"{levels} levels (network.channels); one of each is needed a level"
            )
        parts = self.train.micro_batch
        if isinstance(parts, list) and len(parts) != levels:
            raise ValueError(
                f"train.micro_batch has {len(parts)} entries, and there are {levels} levels "
                "(network.channels); one number is for all of them"
            )
        if any(share < 0 for share in self.train.level_shares):
            raise ValueError("train.level_shares must not be negative")
        if abs(sum(self.train.level_shares) - 1) > 1e-6:
            raise ValueError(f"train.level_shares sums to {sum(self.train.level_shares):g}, not 1")
        if self.train.batch % self.network.minibatch_stddev:
            raise ValueError(
                f"train.batch {self.train.batch} is not a multiple of "
                f"network.minibatch_stddev {self.network.minibatch_stddev}"
            )
        return self

    @model_validator(mode="after")
    def _loss_fits(self) -> Plan:
        if problem := loss_problem(type(self.network), self.train.loss):
            raise ValueError(
                f"train.loss {self.train.loss} is not possible with recipe {self.recipe}: {problem}"
            )
        return self

    @model_validator(mode="after")
    def _sides_fit(self) -> Plan:
        network = self.network
        for side, size in (("height", self.data.height), ("width", self.data.width)):
            if isinstance(network, TranslatorShape):
                if size % 2**network.halvings or size // 2**network.halvings < 4:
                    raise ValueError(
                        f"data.{side} {size} cannot be halved {network.halvings} times "
                        "(network.halvings) down to 4 or more"
                    )
                if size // 2**network.judge_layers < 3:
                    raise ValueError(
                        f"data.{side} {size} is too small for {network.judge_layers} layers of the "
                        "discriminator (network.judge_layers): 3 pixels must be left"
                    )
                continue
            levels = network.levels
            factor = 2 ** (levels - 1) * network.patch
            base, rest = divmod(size, factor)
            if rest or not 3 <= base <= 8:
                raise ValueError(
                    f"data.{side} {size} is not 3..8 times {factor} ({levels} levels of "
                    f"network.channels, patch {network.patch})"
                )
        return self

    @model_validator(mode="after")
    def _conditions_are_found(self) -> Plan:
        found = [condition.name for condition in self.data.conditions]
        if found != self.network.condition:
            raise ValueError(
                f"network.condition names {self.network.condition}, data.conditions holds {found}"
            )
        return self

    @model_validator(mode="after")
    def _translator_fits(self) -> Plan:
        network, train = self.network, self.train
        if not isinstance(network, TranslatorShape):
            return self
        for name in [*network.sources, network.target]:
            if name not in self.data.contrasts:
                raise ValueError(
                    f"contrast {name} is not in the cohort, which has "
                    f"{', '.join(self.data.contrasts)}"
                )
        if self.augmentation.method not in ("none", "affine"):
            raise ValueError(
                f"augmentation.method {self.augmentation.method} is not for translators: source "
                "and target are moved together (affine) or not at all (none)"
            )
        if isinstance(network, MustGANNetwork):
            _stages_fit(network, train)
        return self

    @model_validator(mode="after")
    def _masks_are_found(self) -> Plan:
        found = [mask.value for mask in self.data.masks]
        if found != self.network.masks:
            raise ValueError(f"network.masks names {self.network.masks}, data.masks holds {found}")
        return self

    @property
    def image_channels(self) -> int:
        """Channels that networks see: contrasts first, then a mask for each label."""
        return len(self.data.contrasts) + len(self.data.masks)

    @property
    def translates(self) -> bool:
        """Whether the model makes one contrast of others, and nothing from noise."""
        return isinstance(self.network, TranslatorShape)

    @property
    def latent_dim(self) -> int:
        """Length of a latent vector; 0 where there is none."""
        return self.network.latent_dim if isinstance(self.network, DrawingShape) else 0

    @property
    def shown(self) -> slice:
        """Those channels of a training image that a sample shows as well.

        Masks come after the contrasts; a translator's target comes last.
        """
        return slice(-1, None) if self.translates else slice(0, len(self.data.contrasts))

    @property
    def condition_size(self) -> int:
        """Length of a condition vector; 0 = unconditional."""
        return condition_size(self.data.conditions)

    @property
    def base(self) -> tuple[int, int]:
        """Height and width of the lowest level's images, pixels."""
        scale = 2 ** (self.network.levels - 1)
        return self.data.height // scale, self.data.width // scale

    def save(self, path: str | Path) -> None:
        """Write the plan as YAML, atomically."""
        text = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, width=100)
        write_text(
            Path(path), "# A popgan plan: values first, then where each comes from.\n" + text
        )

    @classmethod
    def load(cls, path: str | Path) -> Plan:
        """Read a plan.

        Raises:
            UserError: the file is missing or is not a valid plan.
        """
        return parse_plan(read_yaml(Path(path)), where=path)


def _stages_fit(network: MustGANNetwork, train: TrainPlan) -> None:
    """Refuse a mustgan whose joint network, or search for its place, gets no step."""
    streams, search = train.stream_share or 0.0, train.search_share or 0.0
    if streams + search >= 1:
        raise ValueError("train.stream_share and train.search_share leave nothing to the rest")
    if len(network.fusion) > 1 and search == 0:
        raise ValueError(
            "train.search_share 0 leaves no time to choose among several places (network.fusion)"
        )
    if (-(-train.images // train.batch) - 1) * train.batch < round(streams * train.images):
        raise ValueError(
            f"train.images {train.images} is too short: streams (train.stream_share) take all steps"
        )


def parse_plan(data: Any, *, where: object = "plan") -> Plan:
    """Validate a plan; say in one line what is wrong with it.

    Raises:
        UserError: the data are not a valid plan.
    """
    try:
        return Plan.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        # The kind of network is no part of a name that a user writes.
        places = [str(p) for n, p in enumerate(first["loc"]) if n != 1 or str(p) not in KINDS]
        name = ".".join(places)
        message = first["msg"].removeprefix("Value error, ")
        got = f" (got {first['input']!r})" if name and not isinstance(first["input"], dict) else ""
        raise UserError(f"{name + ': ' if name else ''}{message}{got}", where=where) from error


def leaves(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a plan as ("train.batch", 32), in order; `decisions` left out.

    None stands for what a recipe has not, and is left out as well.
    """
    for name in type(model).model_fields:
        if name in ("decisions", "version"):
            continue
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from leaves(value, f"{prefix}{name}.")
        elif isinstance(value, list) and value and isinstance(value[0], Section):
            yield f"{prefix}{name}", [str(entry) for entry in value]
        elif value is not None:
            yield f"{prefix}{name}", value
