"""Presets: named starting points of a plan, as YAML files in a folder for each recipe.

A preset gives fixed values (each with a reason) and the parameters of the rules that adapt the
rest to a cohort and a machine. One may extend another: it then says only what differs. What a study
has found is a preset, too, in a file of the same form outside of this package; that may have been
written on another machine or by hand, so it is bounded and checked like everything that is read.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from popgan.config.preset_model import PARAMETER as PARAMETER
from popgan.config.preset_model import SHAPED, checked, parameter_of, plan_value
from popgan.config.preset_model import Preset as Preset
from popgan.errors import UserError
from popgan.files import read_yaml, write_text

MOST_BYTES = 2**18
_TOP = (
    "# Found by a study; `tuned` says what. The whole preset, so that it means the same with\n"
    "# another popgan, whose own presets may have other values.\n"
)
_AGAIN = "repair it, or remove it and run `popgan tune` again"


def changed(
    preset: Preset, setting: Mapping[str, bool | int | float | str], *, reason: str, tuned: bool
) -> Preset:
    """A preset with other values.

    Args:
        preset: the starting point.
        setting: name -> value; names of plan values ("train.batch"), or of parameters of the
            preset ("preset.channel_base"). The batch counts as either.
        reason: where the values come from, in words.
        tuned: whether a study has found them.

    Raises:
        UserError: a parameter that presets do not have, or a value out of its range.
    """
    data = preset.model_dump()
    for name, value in setting.items():
        parameter = parameter_of(name)
        if parameter is None:
            data["values"][name] = (value, reason)
            if name == "train.ema_half_life":  # else a share would take its place
                data["ema_share"] = None
        elif parameter not in Preset.model_fields:
            raise UserError(f"a preset has no parameter {name}")
        else:
            data[parameter] = value
            if field := SHAPED.get(parameter, ("", ""))[1]:
                data[field] = reason
        if tuned:
            data["tuned"][name] = reason
        else:  # what a study had found there does not count any more
            value = plan_value(name)
            data["tuned"] = {n: why for n, why in data["tuned"].items() if plan_value(n) != value}
    return checked(data)


def preset_names(recipe: str) -> list[str]:
    """Names of a recipe's presets, in alphabetical order."""
    files = _folder(recipe).iterdir()
    return sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml"))


@functools.cache
def load_preset(name: str, recipe: str) -> Preset:
    """Read a preset of a recipe.

    Raises:
        UserError: the recipe has no preset of that name.
    """
    known = preset_names(recipe)
    if name not in known:
        raise UserError(
            f"unknown preset {name!r} of recipe {recipe!r}", do=f"choose one of {', '.join(known)}"
        )
    return Preset.model_validate({**_read(recipe, name), "name": name})


def _read(recipe: str, name: str) -> dict[str, Any]:
    own = yaml.safe_load((_folder(recipe) / f"{name}.yaml").read_text("utf-8"))
    if "extends" not in own:
        return dict(own)
    base = _read(*own.pop("extends").split("/"))
    return extended(base, own)


def extended(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a preset that says only what differs from another.

    A value of the base that is not wanted, for instance because the networks of another recipe do
    not have it, is taken back by null.
    """
    values = {**base["values"], **own.get("values", {})}
    values = {name: value for name, value in values.items() if value is not None}
    return {**base, **own, "values": values}


def save_preset(path: Path, preset: Preset, extends: str) -> None:
    """Write a preset whole, with the reasons, so that it does not change with the one it extends.

    Args:
        path: the file; replaced atomically.
        preset: as `popgan.config.preset.changed` makes it.
        extends: recipe and preset that it started from, such as "popgan/standard".

    Raises:
        UserError: there is no such preset to extend, or the file cannot be written.
    """
    recipe, _, name = extends.partition("/")
    base = load_preset(name, recipe).model_dump(mode="json")
    fields = preset.model_dump(mode="json")
    own: dict[str, Any] = {"extends": extends}
    own |= {field: value for field, value in fields.items() if field not in ("name", "values")}
    own["values"] = {**dict.fromkeys(base["values"]), **fields["values"]}
    write_text(path, _TOP + yaml.safe_dump(own, sort_keys=False, width=100, allow_unicode=True))


def read_preset(path: Path, recipe: str, *, name: str | None = None) -> Preset:
    """Read a preset that a study has found.

    Args:
        path: the file.
        recipe: that is to be planned.
        name: what the preset is called in the plan; the file's by default.

    Raises:
        UserError: there is no such file, it belongs to another recipe, or it is no valid preset.
    """
    own = _bounded(path)
    base = _base(own, recipe, path)
    fields = {field: value for field, value in own.items() if field not in ("extends", "name")}
    if not isinstance(fields.get("values", {}), dict):
        raise UserError("is no preset (values: no table)", where=path, do=_AGAIN)
    try:
        data = extended(base.model_dump(), fields)
        preset = checked({**data, "name": name or path.stem})
    except UserError as error:
        text = str(error).rstrip(".")
        raise UserError(f"is no preset ({text})", where=path, do=_AGAIN) from error
    for one in preset.tuned:
        parameter = parameter_of(one)
        known = preset.values if parameter is None else Preset.model_fields
        if (one if parameter is None else parameter) not in known:
            raise UserError(f"is no preset (tuned.{one}: no such value)", where=path, do=_AGAIN)
    return preset


def _bounded(path: Path) -> dict[str, Any]:
    """The file as a table."""
    if path.exists() and (not path.is_file() or path.stat().st_size > MOST_BYTES):
        raise UserError(f"is no preset: no file of at most {MOST_BYTES >> 10} KiB", where=path)
    own = read_yaml(path)
    if not isinstance(own, dict) or not all(isinstance(field, str) for field in own):
        raise UserError("is no preset (no table of values)", where=path, do=_AGAIN)
    return own


def _base(own: dict[str, Any], recipe: str, path: Path) -> Preset:
    """The preset that a file extends; only names of popgan's own are looked up."""
    whose, _, name = str(own.get("extends", "")).partition("/")
    if "extends" not in own or not whose or not name:
        raise UserError("is no preset (extends: RECIPE/PRESET is missing)", where=path, do=_AGAIN)
    if whose != recipe:
        raise UserError(
            f"was found for recipe {whose}, and this is recipe {recipe}",
            where=path,
            do=f"add --recipe {whose}, or run `popgan tune` for recipe {recipe}",
        )
    if name not in preset_names(recipe):
        known = ", ".join(preset_names(recipe))
        raise UserError(f"extends {whose}/{name}, which is none of {known}", where=path, do=_AGAIN)
    return load_preset(name, recipe)


def _folder(recipe: str) -> Traversable:
    return resources.files("popgan.config").joinpath("presets", recipe)
