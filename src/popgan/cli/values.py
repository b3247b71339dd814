"""What the user typed as values of ingest and of the plan; what was not typed is left out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from popgan.errors import UserError


def ingest_values(
    contrast: str | None,
    resolution: int | None,
    subjects: str | None,
    slices: int | None,
    split: str | None,
    split_seed: int,
    contrast_map: str | None = None,
    keep_ids: bool = False,
    channels: str | None = None,
    label: str | None = None,
    covariate: str | None = None,
    label_map: str | None = None,
    intensity: str = "auto",
    preparation: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Options of ingest that the user gave.

    Raises:
        UserError: the shares of the split are not three percentages of a whole.
    """
    given: dict[str, Any] = {
        "fractions": split_fractions(split) if split is not None else None,
        "seed": split_seed,
        "contrasts": contrast.split(",") if contrast else None,
        "resolution": resolution,
        "subjects": subjects,
        "slices": slices,
        "contrast_map": contrast_map,
        "keep_ids": keep_ids or None,
        "channels": channels.split(",") if channels else None,
        "label": label,
        "covariates": covariate.split(",") if covariate else None,
        "label_map": label_map,
        "intensity": intensity if intensity != "auto" else None,
        **(preparation or {}),
    }
    return {name: value for name, value in given.items() if value is not None}


def split_fractions(text: str) -> tuple[float, ...]:
    """Shares of subjects from percentages: "50,10,40" is (0.5, 0.1, 0.4).

    Raises:
        UserError: not three positive numbers that sum to 100.
    """
    try:
        percent = [float(part) for part in text.split(",")]
    except ValueError:
        percent = []
    whole = math.isclose(sum(percent), 100, abs_tol=1e-4)
    if len(percent) != 3 or not whole or min(percent) <= 0:
        raise UserError(
            f"--split {text} is not possible",
            do="give three percentages that sum to 100, to train on, to choose by and to test "
            "with: 50,10,40",
        )
    return tuple(part / 100 for part in percent)


def preparation_values(bias_field: str, keep_skull: bool, space: str) -> dict[str, Any]:
    """Options of preparation.

    Raises:
        UserError: not one of the choices.
    """
    for option, given, choices in (
        ("--bias-field", bias_field, ("auto", "n4", "off")),
        ("--space", space, ("native", "mni")),
    ):
        if given not in choices:
            raise UserError(f"{option} {given} is not possible", do=f"give {', '.join(choices)}")
    return {"bias_field": bias_field, "keep_skull": keep_skull or None, "space": space}


def plan_values(
    settings: list[str] | None,
    condition: str | None,
    with_masks: bool = False,
    init: str | None = None,
    translation: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Values of the plan that the user set, by --set and by options of their own.

    Raises:
        UserError: an entry is not key=value, or `init` is neither phantom nor scratch.
    """
    from popgan.planning.draft import parse_overrides

    found = parse_overrides(settings or [])
    if condition is not None:
        found["network.condition"] = [name.strip() for name in condition.split(",") if name.strip()]
    if with_masks:  # --set network.masks says more exactly which
        found.setdefault("network.masks", "all")
    if init is not None:
        if init not in ("phantom", "scratch"):
            raise UserError(f"--init {init} is not possible", do="give phantom or scratch")
        found["train.init"] = init
    return found | (translation or {})


def translation_values(
    recipe: str, sources: str | None, target: str | None, *, drawing: Mapping[str, object]
) -> dict[str, Any]:
    """What to translate from and to, as values of the plan.

    Args:
        recipe: name of the recipe.
        sources: contrasts by commas, or None where it was not said.
        target: one contrast, or None.
        drawing: options that only recipes which draw images have, with what was given to them.

    Raises:
        UserError: the recipe does not translate, is unknown, or the names are no contrasts; or it
            does, and an option for drawing was given.
    """
    from popgan.cohort.options import contrast_names
    from popgan.planning.recipes import RULES, find_rules
    from popgan.planning.translation import SOURCES, TARGET

    translates = find_rules(recipe).translates
    for option, given in drawing.items():
        if translates and given:
            raise UserError(
                f"recipe {recipe} translates contrasts, and {option} is for recipes that draw "
                "images",
                do=f"leave {option} out",
            )
    if sources is None and target is None:
        return {}
    if not translates:
        able = " or ".join(name for name, rules in RULES.items() if rules.translates)
        raise UserError(
            f"recipe {recipe} draws images and translates nothing, so --from and --to are not for "
            "it",
            do=f"add --recipe {able}",
        )
    found: dict[str, Any] = {}
    if sources is not None:
        found[SOURCES] = contrast_names(sources.split(","), "--from")
    if target is not None:
        names = contrast_names(target.split(","), "--to")
        if len(names) > 1:
            raise UserError(f"--to {target} is more than one contrast", do="train a model for each")
        found[TARGET] = names[0]
    return found
