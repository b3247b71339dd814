"""What a plan of a translator decides: from which contrasts to which, the shape of its pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from popgan.config.network import fusions
from popgan.config.schema import DataPlan
from popgan.errors import UserError
from popgan.planning.draft import USERS, Draft

SOURCES, TARGET = "network.sources", "network.target"
SMALLEST = 8  # pixels a side of the smallest feature maps
SMALLEST_JUDGED = 4  # the same of the discriminator, whose last layers take two of them
NEAR = 8.0
"""Slices farther apart than this (mm) tell next to nothing of each other: a cortical fold is 3 to 4
mm thick, and a sulcus leaves the plane within two of them."""


def check_contrasts(overrides: Mapping[str, Any], contrasts: list[str]) -> tuple[list[str], str]:
    """Refuse what cannot be translated before anything is measured.

    Args:
        overrides: values that the user set, by dotted name.
        contrasts: of the cohort.

    Returns:
        Sources and target.

    Raises:
        UserError: no target is named, a contrast is not in the cohort, or no source is left.
    """
    target = overrides.get(TARGET)
    there = ", ".join(contrasts)
    if target is None:
        raise UserError(
            "it is not said which contrast to translate to", do=f"add --to, one of {there}"
        )
    for name in [target, *_sources(overrides, contrasts)]:
        if name not in contrasts:
            raise UserError(
                f"contrast {name} is not in the cohort, which has {there}",
                do="name contrasts of the cohort, or ingest them with --contrast NAMES",
            )
    if target in _sources(overrides, contrasts):
        raise UserError(f"{target} is both a source and the target", do="leave it out of --from")
    if not _sources(overrides, contrasts):
        raise UserError(
            f"the cohort has no contrast but {target}",
            do="ingest the sources as well: --contrast NAMES",
        )
    return _sources(overrides, contrasts), str(target)


def translator_rules(draft: Draft, data: DataPlan, recipe: str) -> None:
    """Decide what the presets leave open.

    Args:
        draft: the plan in the making, with the preset's values.
        data: facts of the cohort.
        recipe: name of the recipe.
    """
    draft.fixed(TARGET, draft.overrides.get(TARGET), USERS)
    sources = _sources(draft.overrides, data.contrasts)
    draft.rule(SOURCES, sources, "all other contrasts of the cohort")
    draft.fixed("network.minibatch_stddev", 1, "these networks have none")
    draft.fixed("network.condition", [], "nothing is told")
    _halvings_rule(draft, data)
    _judge_rule(draft, data)
    distance = data.slice_distance or 0.0
    if "network.neighbours" not in draft.values:
        near = distance <= NEAR
        words = "near enough" if near else "too far"
        draft.rule(
            "network.neighbours",
            1 if near else 0,
            f"slices are {distance:g} mm apart: {words} to tell of each other (up to {NEAR:g} mm)",
        )
    if recipe == "mustgan":
        _fusion_rules(draft)
    else:
        draft.rule("train.source_dropout", 0.0, "a single generator is trained with all sources")


def _halvings_rule(draft: Draft, data: DataPlan) -> None:
    """Fewer halvings than the preset has, where the smallest size would be below `SMALLEST`."""
    wanted, most = draft.values["network.halvings"], 0
    while all(
        side % 2 ** (most + 1) == 0 and side // 2 ** (most + 1) >= SMALLEST
        for side in (data.height, data.width)
    ):
        most += 1
    if isinstance(wanted, int) and wanted > max(1, most):
        reason = f"images of {data.height} x {data.width} are halved down to {SMALLEST} pixels"
        draft.cap("network.halvings", max(1, most), reason)


def _judge_rule(draft: Draft, data: DataPlan) -> None:
    """Fewer layers of the discriminator than the preset has, where hardly a patch would be left."""
    wanted, side = draft.values["network.judge_layers"], min(data.height, data.width)
    most = max(1, (side // SMALLEST_JUDGED).bit_length() - 1)
    if isinstance(wanted, int) and wanted > most:
        reason = f"images of {data.height} x {data.width} leave no room for patches of more layers"
        draft.cap("network.judge_layers", most, reason)


def _fusion_rules(draft: Draft) -> None:
    halvings = draft.values["network.halvings"]
    known = fusions(halvings) if isinstance(halvings, int) and 1 <= halvings <= 5 else []
    reason = "all places compete for the tuning split; see train.search_share"
    places = draft.rule("network.fusion", known, reason)
    if isinstance(places, list) and len(places) == 1:
        draft.cap("train.search_share", 0.0, "a single place of fusion: nothing to search")


def _sources(overrides: Mapping[str, Any], contrasts: list[str]) -> list[str]:
    target = overrides.get(TARGET)
    given = overrides.get(SOURCES)
    if isinstance(given, list):
        return [str(name) for name in given]
    return [name for name in contrasts if name != target]
