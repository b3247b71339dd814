"""The search space: which values are tried, within which bounds, and when they count.

A space is data: a YAML file for each recipe in `spaces/`. It always contains the default, so that
a search can find that nothing is better.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import resources
from typing import TYPE_CHECKING, Any

import yaml

from popgan.config.preset import PARAMETER, Preset
from popgan.config.preset_model import plan_value
from popgan.config.schema import Plan, leaves
from popgan.errors import UserError
from popgan.evidence.experiments.results import SearchSpace, Setting, Value
from popgan.planning.draft import refuse_unknown
from popgan.planning.length import LEAST_HALF_LIFE

if TYPE_CHECKING:
    import optuna


def recipes() -> list[str]:
    """Recipes that there is a space for."""
    files = resources.files("popgan.tuning").joinpath("spaces").iterdir()
    return sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml"))


def load_space(recipe: str) -> list[SearchSpace]:
    """The dimensions of a recipe.

    Raises:
        UserError: there are none for this recipe.
    """
    if recipe not in recipes():
        raise UserError(
            f"recipe {recipe!r} cannot be tuned", do=f"choose one of {', '.join(recipes())}"
        )
    return list(_read(recipe))


@functools.cache
def _read(recipe: str) -> tuple[SearchSpace, ...]:
    file = resources.files("popgan.tuning").joinpath("spaces", f"{recipe}.yaml")
    data = yaml.safe_load(file.read_text("utf-8"))
    return tuple(SearchSpace(name=name, **fields) for name, fields in data.items())


def narrowed(space: Sequence[SearchSpace], wishes: Sequence[str]) -> list[SearchSpace]:
    """The space with bounds as the user wants them.

    Args:
        space: of the recipe.
        wishes: "train.gamma=0.1:2", "train.batch=8,16" or "network.dropout=" (not searched), or
            names alone; with names alone, only what is named is searched.

    Raises:
        UserError: an unknown name, or bounds that are not possible.
    """
    parts = [wish.partition("=") for wish in wishes]
    names = [name.strip() for name, _, _ in parts]
    followed = {plan_value(one.name): one.name for one in space}
    for name in names:
        if name in followed and name != followed[name]:
            raise UserError(
                f"--search {name}: it follows from {followed[name]}, which is searched instead",
                do=f"write --search {followed[name]}",
            )
    refuse_unknown(dict.fromkeys(names), [one.name for one in space], option="--search")
    alone = {name.strip() for name, equals, _ in parts if not equals}
    texts = {name.strip(): text.strip() for name, equals, text in parts if equals}
    found = []
    for one in space:
        if one.name in texts:
            if texts[one.name]:
                found.append(_bounded(one, texts[one.name]))
        elif not alone or one.name in alone:
            found.append(one)
    if not found:
        raise UserError("nothing is left to search", do="leave some --search out")
    return found


def without(space: Sequence[SearchSpace], names: set[str]) -> list[SearchSpace]:
    """The space less some names, and less what depends on them being searched."""
    return [one for one in space if one.name not in names]


def defaults(space: Sequence[SearchSpace], preset: Preset, plan: Plan) -> Setting:
    """What the default plan has for each name; names that it has not are left out."""
    values = dict(leaves(plan))
    found: Setting = {}
    for one in space:
        value: Any
        if one.name.startswith(PARAMETER):
            parameter = one.name.removeprefix(PARAMETER)
            value = getattr(preset, parameter)
            if value is None and parameter == "ema_share":
                # A half-life longer than the run is no share of it; this is the nearest one.
                value = min(1.0, plan.train.ema_half_life / plan.train.images)
            elif value is None and parameter == "low_levels":
                value = round(sum(plan.train.level_shares[:-1]), 4)
        else:
            value = values.get(one.name)
            if value is None and one.name == "network.kernel":
                value = 3
        if isinstance(value, bool | int | float | str):
            found[one.name] = value
    return rounded(found)


def including(space: Sequence[SearchSpace], setting: Setting) -> list[SearchSpace]:
    """The space, widened where a setting lies outside; names that the setting lacks go."""
    found = []
    for one in space:
        if one.name not in setting:
            continue
        value = setting[one.name]
        if one.choices:
            choices = one.choices if value in one.choices else [*one.choices, value]
            found.append(one.model_copy(update={"choices": choices}))
            continue
        (low, high), number = _ends(one), float(value)
        low, high = min(low, number), max(high, number)
        # A logarithm has no zero: then the scale is linear.
        log = one.log and low > 0
        found.append(one.model_copy(update={"low": low, "high": high, "log": log}))
    return found


def distinct(space: Sequence[SearchSpace], plan: Plan) -> list[SearchSpace]:
    """The space less values that make the same plan as others: trials of them would be wasted.

    A half-life has a least length and grows with the ramp; no more than all slices are shuffled.

    Args:
        space: dimensions; those of which nothing is left go.
        plan: of the default, at the length of a trial.
    """
    train, slices = plan.train, plan.data.train_slices
    # The default's own share stays inside even where the ramp makes it the same as a lower one.
    longest = max(train.ema_ramp, min(1.0, train.ema_half_life / train.images))
    whole = max(slices, train.shuffle_buffer)
    found = []
    for one in space:
        if one.name == "preset.ema_share" and not one.choices:
            low, high = _ends(one)
            low, high = max(low, LEAST_HALF_LIFE / train.images), min(high, longest)
            if not low < high:
                continue
            one = one.model_copy(update={"low": low, "high": high})
        elif one.name == "train.shuffle_buffer" and one.choices:
            own = (whole if float(choice) >= slices else choice for choice in one.choices)
            one = one.model_copy(update={"choices": list(dict.fromkeys(own))})
        found.append(one)
    return found


def active(one: SearchSpace, chosen: Mapping[str, Value], held: Mapping[str, Value]) -> bool:
    """Whether a dimension counts, given what was chosen and what is held."""
    known = {**held, **chosen}
    if any(known.get(name) == value for name, value in one.unless.items()):
        return False
    return all(known.get(name) == value for name, value in one.when.items())


def can_count(one: SearchSpace, space: Sequence[SearchSpace], values: Mapping[str, Any]) -> bool:
    """Whether a dimension counts in some setting.

    Args:
        one: the dimension.
        space: all that are searched.
        values: of the default's plan, by name; they hold where they are not searched.
    """
    choices = {other.name: [*other.choices, values.get(other.name)] for other in space}
    for name, value in one.when.items():
        if value not in choices.get(name, [values.get(name)]):
            return False
    return all(
        any(choice != value for choice in choices.get(name, [values.get(name)]))
        for name, value in one.unless.items()
    )


def fits(space: Sequence[SearchSpace], setting: Setting) -> bool:
    """Whether all values of a setting lie in the space."""
    known = {one.name: one for one in space}
    for name, value in setting.items():
        one = known.get(name)
        if one is None:
            return False
        if one.choices:
            if value not in one.choices:
                return False
        else:
            low, high = _ends(one)
            if not isinstance(value, int | float) or not low <= value <= high:
                return False
    return True


def suggest(
    trial: optuna.trial.Trial, space: Sequence[SearchSpace], held: Mapping[str, Value]
) -> Setting:
    """Values of a trial, in the order of the space; only those that count."""
    chosen: Setting = {}
    for one in space:
        if not active(one, chosen, held):
            continue
        if one.choices:
            value: Any = trial.suggest_categorical(one.name, one.choices)
            chosen[one.name] = value
            continue
        low, high = _ends(one)
        if one.whole:
            chosen[one.name] = trial.suggest_int(one.name, round(low), round(high), log=one.log)
        else:
            chosen[one.name] = trial.suggest_float(one.name, low, high, log=one.log)
    return chosen


def differing(setting: Setting, default: Setting) -> Setting:
    """What a setting changes; so that the default's plan is the default's, to the last digit."""
    return {name: value for name, value in setting.items() if default.get(name) != value}


def rounded(setting: Setting) -> Setting:
    """Three digits are more than a search can tell apart, and can be read and written."""
    return {
        name: float(f"{value:.3g}") if isinstance(value, float) else value
        for name, value in setting.items()
    }


def _bounded(one: SearchSpace, text: str) -> SearchSpace:
    """One dimension with other bounds or choices.

    Raises:
        UserError: they are not possible.
    """
    where = f"--search {one.name}={text}"
    if ":" in text:
        ends = [_number(part, where) for part in text.split(":")]
        if len(ends) != 2 or not ends[0] < ends[1]:
            raise UserError(f"{where}: no range", do="write LOW:HIGH, the lower end first")
        if any(isinstance(choice, str | bool) for choice in one.choices):
            kinds = ",".join(map(str, one.choices))
            raise UserError(f"{where}: this value has no range", do=f"write some of {kinds}")
        log = one.log and ends[0] > 0
        update = {"low": ends[0], "high": ends[1], "log": log, "choices": []}
        whole = bool(one.choices) and all(isinstance(choice, int) for choice in one.choices)
        return one.model_copy(update={**update, "whole": whole or one.whole})
    choices = [_choice(part.strip()) for part in text.split(",")]
    kinds_known = {type(choice) for choice in one.choices if isinstance(choice, str | bool)}
    numbers = not any(isinstance(choice, str | bool) for choice in choices)
    if None in choices or not (kinds_known or numbers):
        raise UserError(f"{where}: not a list of values", do="write values by commas, or LOW:HIGH")
    for choice in choices:
        if kinds_known and type(choice) not in kinds_known:
            raise UserError(f"{where}: {choice!r} is no such value")
    choices = list(dict.fromkeys(choices))
    return one.model_copy(update={"choices": choices, "low": None, "high": None})


def _choice(text: str) -> Value | None:
    """A value as it is written: true or false, a number, or else text; None for no value.

    YAML would make lists of brackets, and text of 1e-3.
    """
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    with suppress(ValueError):
        return int(text)
    with suppress(ValueError):
        value = float(text)
        return value if math.isfinite(value) else None
    return text or None


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{where}: {text!r} is no number")
    return value


def _ends(one: SearchSpace) -> tuple[float, float]:
    assert one.low is not None and one.high is not None
    return one.low, one.high
