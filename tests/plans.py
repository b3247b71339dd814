"""A tiny plan for tests of the engine: 16 x 16, two levels, seconds to train."""

from __future__ import annotations

from typing import Any

from popgan.config.schema import Plan, parse_plan


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
