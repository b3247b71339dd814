"""What a search tries first: other presets of the recipe, and what earlier studies found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from popgan.config.augmentation import AugmentationPlan
from popgan.config.preset import load_preset, preset_names
from popgan.config.preset_model import PARAMETER
from popgan.evidence.experiments.results import SearchSpace, Setting, TuneResult
from popgan.tuning.fitting import fitted


def warm_starts(
    space: Sequence[SearchSpace],
    default: Setting,
    recipe: str,
    earlier: Sequence[TuneResult],
) -> list[Setting]:
    """Settings that are tried first.

    Each as near as the space comes to it (`fitting.fitted`), if that differs from the default. What
    a study found is meant beside the values that its own default had.

    Args:
        space: what is searched.
        default: of the study.
        recipe: whose presets are tried.
        earlier: studies of the recipe.
    """
    found: list[dict[str, Any]] = []
    for name in preset_names(recipe):
        preset = load_preset(name, recipe)
        # Where a preset has no word of it, a plan augments by this one.
        method = AugmentationPlan.model_fields["method"].default
        own: dict[str, Any] = {"augmentation.method": method}
        own |= {key: value for key, (value, _) in preset.values.items()}
        own |= {"train.batch": preset.batch}
        parameters = [one.name for one in space if one.name.startswith(PARAMETER)]
        shaped = {name: getattr(preset, name.removeprefix(PARAMETER)) for name in parameters}
        # Where a preset has none, a rule decides; a trial has the default's then.
        own |= {name: value for name, value in shaped.items() if value is not None}
        found.append(own)
    for study in earlier:
        best = _found(study)
        if best is not None:
            found.append({**{one.name: one.default for one in study.space}, **best})
    kept: list[Setting] = []
    for values in found:
        changes = fitted(space, values, default)
        if changes and changes not in kept:
            kept.append(changes)
    return kept


def _found(study: TuneResult) -> Setting | None:
    """What a study found, as it differs from its own default; None where that is nothing yet."""
    if study.finals is not None:
        return study.finals.candidates[study.finals.chosen].setting
    scored = [
        (trial.kid, trial.number, trial.setting)
        for trial in study.trials
        if trial.kid is not None and trial.state == "complete" and trial.purpose != "final"
    ]
    return min(scored)[2] if scored else None
