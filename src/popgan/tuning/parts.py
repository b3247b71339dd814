"""The parts that a default can be made of: what it is without one, and with one that it lacks.

A part is a setting: values that take it out, values that put it in. Which parts a recipe has is one
table. Whether a default has a part is asked of its plan, because rules and `--set` decide as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.evidence.experiments.results import Setting

GROWING, PRIOR, DROPOUT = "growing", "prior", "dropout"


@dataclass(frozen=True)
class Part:
    """One part of a default.

    Attributes:
        name: in words, as in "no growing".
        has: whether a plan has it.
        out: values that take it out.
        without: what is done instead, in words.
        put: values that put it into a default that lacks it; empty: that cannot be done.
        added: name of the variant that puts it in.
        tells: the plan values in which a part that is lacking shows; empty: none does.
        shaped: whether the networks of the physics prior have it, so that their weights mean
            nothing without it.
    """

    name: str
    has: Callable[[Plan], bool]
    out: Setting
    without: str
    put: Setting = field(default_factory=dict)
    added: str = ""
    tells: tuple[str, ...] = ()
    shaped: bool = False


def _averages(plan: Plan) -> bool:
    """A half-life below the images of a step keeps the last weights."""
    return plan.train.ema_half_life > plan.train.batch


def _augments(plan: Plan) -> bool:
    how = plan.augmentation
    return how.method in ("ada", "diffaugment") or (how.method == "affine" and how.probability > 0)


def _penalises_synthetic(plan: Plan) -> bool:
    return plan.train.r2 and plan.train.gamma > 0 and plan.train.loss != "wgan-gp"


_PARTS = [
    Part(
        PRIOR,
        lambda plan: plan.train.init == "phantom",
        {"train.init": "scratch"},
        "from random weights, which then grow through the levels as planned without a prior",
        {"train.init": "phantom"},
        "physics prior",
    ),
    Part(
        GROWING,
        lambda plan: any(plan.train.level_shares[:-1]),
        {"preset.low_levels": 0.0},
        "all images at full size",
        {"preset.low_levels": 0.2},
        "with growing",
    ),
    Part(
        DROPOUT,
        lambda plan: getattr(plan.network, "dropout", 0.0) > 0,
        {"network.dropout": 0.0},
        "no dropout in the discriminator",
        {"network.dropout": 0.3},
        "dropout 0.3",
        ("network.dropout",),
    ),
    Part(
        "augmentation",
        _augments,
        {"augmentation.method": "none"},
        "the discriminator sees images as they are",
        {
            "augmentation.method": "affine",
            "augmentation.probability": 0.4,
            "augmentation.flip": True,
            "augmentation.shift": 0.06,
            "augmentation.rotation": 3.0,
            "augmentation.scale": 0.05,
        },
        "with augmentation",
        ("augmentation.method", "augmentation.probability"),
    ),
    Part(
        "EMA",
        _averages,
        {"train.ema_half_life": 1.0, "train.ema_ramp": 1.0},
        "the generator's last weights instead of their running average",
        {"preset.ema_share": 0.03, "train.ema_ramp": 0.05},
        "with EMA",
        ("train.ema_half_life",),
    ),
    Part(
        "likeness matching",
        lambda plan: plan.train.diversity > 0,
        {"train.diversity": 0.0},
        "nothing asks for pairs as alike as real ones",
        {"train.diversity": 2.0},
        "with likeness matching",
        ("train.diversity",),
    ),
    Part(
        "relativistic loss",
        lambda plan: plan.train.loss == "rpgan",
        {"train.loss": "logistic"},
        "logistic loss, which judges real and synthetic images apart",
        {"train.loss": "rpgan"},
        "relativistic loss",
        ("train.loss",),
    ),
    Part(
        "R2",
        _penalises_synthetic,
        {"train.r2": False},
        "gradients are penalised at real images alone",
        {"train.r2": True},
        "with R2",
        ("train.r2",),
    ),
    Part(
        "decay of the rates",
        lambda plan: plan.train.lr_end < 1,
        {"train.lr_end": 1.0},
        "constant learning rates",
        {"train.lr_end": 0.2},
        "rates that decay",
        ("train.lr_end",),
    ),
    Part(
        "pixel norm",
        lambda plan: bool(getattr(plan.network, "pixel_norm", False)),
        {"network.pixel_norm": False},
        "the generator's features are not normalised",
        {"network.pixel_norm": True},
        "with pixel norm",
        ("network.pixel_norm",),
        shaped=True,
    ),
    Part(
        "style mixing",
        lambda plan: bool(plan.train.style_mixing),
        {"train.style_mixing": 0.0},
        "every image is drawn with one style",
        {"train.style_mixing": 0.9},
        "with style mixing",
        ("train.style_mixing",),
    ),
    Part(
        "path length",
        lambda plan: bool(plan.train.path_length),
        {"train.path_length": 0.0},
        "no penalty on uneven paths",
        {"train.path_length": 2.0, "train.path_length_interval": 4},
        "with path length",
        ("train.path_length",),
    ),
    Part(
        "gradient penalty",
        lambda plan: plan.train.gamma > 0,
        {"preset.gamma_at_64": 0.0},
        "no penalty on the discriminator's gradients",
        {"preset.gamma_at_64": 0.25, "train.penalty_interval": 8},
        "with gradient penalty",
        ("train.gamma",),
    ),
    Part(
        "falling penalty",
        lambda plan: (plan.train.gamma_start or 0.0) > plan.train.gamma,
        {"preset.gamma_start": 1.0},
        "gradient penalties are as weak from the start as they end",
        {"preset.gamma_start": 10.0},
        "with a falling penalty",
        ("train.gamma_start",),
    ),
    Part(
        "momentum",
        lambda plan: plan.train.beta1 > 0,
        {"train.beta1": 0.0},
        "Adam without momentum",
        {"train.beta1": 0.5},
        "with momentum",
        ("train.beta1",),
    ),
]
"""All parts; those that matter most a priori first."""

_COMMON = {
    *("augmentation", "EMA", "likeness matching", "relativistic loss", "decay of the rates"),
}
_GROWS = _COMMON | {PRIOR, GROWING, DROPOUT, "R2", "pixel norm"}
_OF = {
    "popgan": _GROWS,
    "cgan": _GROWS,
    "stylegan2": _COMMON | {"style mixing", "path length", "gradient penalty"},
    "r3gan": _COMMON | {"R2", "falling penalty"},
    "dcgan": _COMMON | {DROPOUT, "gradient penalty", "momentum"},
}

ALWAYS = {
    PRIOR: "there is no physics prior for networks of recipe {recipe}",
    GROWING: "networks of recipe {recipe} do not grow",
    DROPOUT: "networks of recipe {recipe} have no dropout",
}
"""Parts that every ablation speaks of, and why a recipe may not have them."""


def parts_of(recipe: str) -> list[Part]:
    """The parts of a recipe, those that matter most a priori first.

    Raises:
        UserError: the recipe draws no images.
    """
    if recipe not in _OF:
        raise UserError(
            f"recipe {recipe!r} cannot be ablated", do=f"choose one of {', '.join(_OF)}"
        )
    return [one for one in _PARTS if one.name in _OF[recipe]]


def find_parts(recipe: str, names: Sequence[str]) -> list[str]:
    """Names of parts as the table has them; spelt with other cases, or - or _, as well.

    Raises:
        UserError: the recipe has no such part.
    """
    known = {one.name.lower(): one.name for one in parts_of(recipe)}
    found = []
    for name in names:
        plain = " ".join(name.lower().replace("-", " ").replace("_", " ").split())
        if plain not in known:
            raise UserError(
                f"--factors {name}: no part of recipe {recipe}",
                do=f"choose of {', '.join(known.values())}",
            )
        if known[plain] in found:
            raise UserError(f"--factors {name} is given twice")
        found.append(known[plain])
    return found
