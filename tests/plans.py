"""A tiny plan for tests of the engine: 16 x 16, two levels, seconds to train."""

from __future__ import annotations

from typing import Any

from popgan.config.preset import Preset
from popgan.config.schema import DataPlan, Plan, parse_plan
from popgan.planning.rules import MachineFacts, build_plan
from popgan.planning.start import LookUp


def tiny_plan(**changes: Any) -> Plan:
    """A valid plan; `changes` are dotted names with double underscores, train__batch=4."""
    tree: dict[str, Any] = {
        "recipe": "popgan",
        "preset": "quick",
        "seed": 3,
        "data": {
            "height": 16,
            "width": 16,
            "contrasts": ["T1w"],
            "train_slices": 24,
            "train_subjects": 4,
            "cohort": "0" * 64,
        },
        "network": {
            "kind": "progressive",
            "latent_dim": 8,
            "channels": [16, 8],
            "dropout": 0.0,
            "patch": 2,
            "pixel_norm": True,
            "minibatch_stddev": 4,
        },
        "augmentation": {
            "probability": 0.6,
            "flip": True,
            "shift": 0.1,
            "rotation": 3.0,
            "scale": 0.05,
        },
        "train": {
            "images": 160,
            "batch": 8,
            "loss": "rpgan",
            "lr_generator": 2e-3,
            "lr_discriminator": 2e-3,
            "lr_end": 0.1,
            "beta1": 0.0,
            "beta2": 0.99,
            "gamma": 1.0,
            "r2": True,
            "penalty_interval": 4,
            "diversity": 2.0,
            "ema_half_life": 100.0,
            "ema_ramp": 0.05,
            "level_shares": [0.4, 0.6],
            "fade": 0.2,
            "shuffle_buffer": 24,
            "ticks": 5,
            "precision": "fp32",
            "threads": 1,
        },
        "generate": {"n": 8},
        "evaluate": {"n": 16},
    }
    for name, value in changes.items():
        section, _, leaf = name.partition("__")
        if leaf:
            tree[section][leaf] = value
        else:
            tree[section] = value
    return parse_plan(tree)


NETWORKS: dict[str, dict[str, Any]] = {
    "popgan": {},
    "cgan": {},
    "stylegan2": {
        "kind": "stylegan2",
        "latent_dim": 8,
        "channels": [16, 16, 8],
        "patch": 1,
        "minibatch_stddev": 4,
        "mapping_layers": 2,
    },
    "r3gan": {
        "kind": "r3gan",
        "latent_dim": 8,
        "channels": [16, 16, 8],
        "patch": 1,
        "minibatch_stddev": 1,
        "blocks": 1,
    },
    "dcgan": {
        "kind": "dcgan",
        "latent_dim": 8,
        "channels": [16, 8],
        "patch": 2,
        "minibatch_stddev": 1,
        "dropout": 0.3,
    },
}
TRAINING: dict[str, dict[str, Any]] = {
    "popgan": {},
    "cgan": {},
    "stylegan2": {
        "loss": "logistic",
        "r2": False,
        "diversity": 0.0,
        "style_mixing": 0.9,
        "path_length": 2.0,
        "path_length_interval": 2,
        "level_shares": [0.0, 0.0, 1.0],
    },
    "r3gan": {
        "penalty_interval": 1,
        "diversity": 0.0,
        "gamma_start": 10.0,
        "beta2_start": 0.9,
        "ema_start": 0.0,
        "augment_start": 0.0,
        "level_shares": [0.0, 0.0, 1.0],
    },
    "dcgan": {
        "loss": "logistic",
        "gamma": 0.0,
        "diversity": 0.0,
        "beta1": 0.5,
        "level_shares": [0.0, 1.0],
    },
}
_TRANSLATOR = {
    "sources": ["T1w", "T2w"],
    "target": "FLAIR",
    "neighbours": 0,
    "width": 4,
    "halvings": 2,
    "blocks": 2,
    "skips": True,
    "norm": "none",
    "dropout": 0.2,
    "judge_width": 4,
    "judge_layers": 1,
    "minibatch_stddev": 1,
}
NETWORKS |= {
    "pix2pix": {"kind": "pix2pix", **_TRANSLATOR},
    "mustgan": {
        "kind": "mustgan",
        **_TRANSLATOR,
        "fusion": ["encoder 1", "bottleneck", "decoder 2"],
    },
}
_PAIRED = {
    "loss": "lsgan",
    "reconstruction": 50.0,
    "perceptual": 0.0,
    "beta1": 0.5,
    "gamma": 0.0,
    "r2": False,
    "penalty_interval": 1,
    "diversity": 0.0,
    "fade": 0.0,
    "level_shares": [1.0],
}
TRAINING |= {
    "pix2pix": {**_PAIRED, "source_dropout": 0.0},
    "mustgan": {
        **_PAIRED,
        "source_dropout": 0.3,
        "stream_share": 0.5,
        "search_share": 0.2,
        "clip": 2.0,
    },
}
TRANSLATORS = ("pix2pix", "mustgan")
DRAWING = ("popgan", "cgan", "stylegan2", "r3gan", "dcgan")  # from noise
CONDITIONS = [
    {"name": "label", "kind": "class", "classes": ["big", "small"]},
    {"name": "height", "kind": "number", "mean": 0.5, "deviation": 0.25, "low": 0.0, "high": 1.0},
]


MASKS = [
    {"value": 4, "name": "disc", "slices": 20, "left": 0.5},
    {"value": 9, "name": "never drawn", "slices": 4, "left": 0.5},
]


def recipe_plan(
    recipe: str, *, conditional: bool = False, masks: bool = False, **changes: Any
) -> Plan:
    """A tiny plan of any recipe, told a label and a height if asked; `changes` as above.

    A translator is told nothing. With masks it has two contrasts and the labels of `MASKS`.
    """
    whole: dict[str, Any] = {"recipe": recipe}
    if NETWORKS[recipe]:
        whole["network"] = dict(NETWORKS[recipe])
    whole |= {f"train__{name}": value for name, value in TRAINING[recipe].items()}
    if recipe in TRANSLATORS:
        whole["data__contrasts"], conditional = ["T1w", "T2w", "FLAIR"], False
    if conditional:
        whole["network__condition"] = ["label", "height"]
        whole["data__conditions"] = CONDITIONS
    if masks:
        whole |= {"data__contrasts": ["T1w", "FLAIR"], "data__label_map": "dseg"}
        whole |= {"data__masks": MASKS, "network__masks": [mask["value"] for mask in MASKS]}
    if recipe in ("stylegan2", "r3gan"):
        whole |= {"augmentation__method": "ada", "augmentation__probability": 0.3}
    return tiny_plan(**(whole | changes))


def make_plan(
    preset: str = "quick",
    *,
    side: int = 64,
    width: int | None = None,
    slices: int = 600,
    budget: str | None = None,
    overrides: dict[str, Any] | None = None,
    bf16: bool = True,
    recipe: str = "popgan",
    prior: LookUp | None = None,
    chosen: Preset | None = None,
    **more: Any,
) -> Plan:
    """A plan by the rules, as a machine with two cores would make it.

    `chosen` takes the place of the preset of that name; `more` goes to `build_plan`.
    """
    overrides = dict(overrides or {})
    if recipe in TRANSLATORS:
        overrides.setdefault("network.target", "FLAIR")
    data = DataPlan(
        height=side,
        width=width or side,
        contrasts=["T1w", "T2w", "FLAIR"] if recipe in TRANSLATORS else ["T1w"],
        train_slices=slices,
        train_subjects=28,
        cohort="0" * 64,
        slice_distance=5.0 if recipe in TRANSLATORS else None,
    )
    return build_plan(
        data,
        preset_name=preset,
        recipe=recipe,
        seed=0,
        budget=budget,
        overrides=overrides,
        probe=lambda plan: [400.0 / 2**k for k in range(plan.network.levels)],
        prior=prior,
        preset=chosen,
        **({"machine": MachineFacts(cores=2, device="CPU", bf16=bf16)} | more),
    )
