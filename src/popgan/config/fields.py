"""What the schema says of every value of a plan: its meaning, its kind, its range."""

from __future__ import annotations

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from popgan.config.network import KINDS
from popgan.config.schema import Plan

_SKIPPED = ("version", "decisions")


def fields_of(kind: str, *, facts: bool = False) -> dict[str, FieldInfo]:
    """The values that a plan with networks of a kind can have, by dotted name, in order.

    Args:
        kind: of the networks, see `popgan.config.network.KINDS`.
        facts: also those that no rule decides: recipe, preset, seed and what is copied from the
            cohort.
    """
    found: dict[str, FieldInfo] = {}
    for name, field in Plan.model_fields.items():
        section = KINDS[kind] if name == "network" else field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            if facts or name != "data":
                found |= {f"{name}.{leaf}": one for leaf, one in section.model_fields.items()}
        elif facts and name not in _SKIPPED:
            found[name] = field
    return found


def problem_with(field: FieldInfo, value: Any) -> str | None:
    """What is wrong with a value, in words; None if nothing is."""
    kind: Any = field.annotation
    if field.metadata:
        kind = Annotated[kind, *field.metadata]
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        return str(error.errors(include_url=False)[0]["msg"])
    return None


def allowed(field: FieldInfo) -> str:
    """Which values are possible, in words: "a number, 0 to 1", "one of none, affine"."""
    return _allowed(field.annotation, field.metadata)


def _allowed(kind: Any, metadata: list[Any]) -> str:
    if get_origin(kind) is Annotated:
        inner, *more = get_args(kind)
        # A bound of a list's elements is within a field of their own.
        flat = [one for part in more for one in getattr(part, "metadata", [part])]
        return _allowed(inner, [*metadata, *flat])
    options = get_args(kind)
    if get_origin(kind) in (Union, types.UnionType):
        left = [option for option in options if option is not type(None)]
        return " or ".join(_allowed(option, metadata) for option in left)
    if get_origin(kind) is Literal:
        words = [str(option) for option in options]
        return words[0] if len(words) == 1 else f"one of {', '.join(words)}"
    if get_origin(kind) is list:
        return f"a list, each {_allowed(options[0], [])}"
    if kind is bool:
        return "true or false"
    if kind in (int, float):
        noun = "a whole number" if kind is int else "a number"
        return ", ".join([noun, *_bounds(metadata)])
    return "text" if kind is str else "set by popgan"


def _bounds(metadata: list[Any]) -> list[str]:
    """Bounds in words: ["0 to 1"], ["more than 0", "less than 1"]; none where there are none."""
    limits = {
        name: getattr(one, name)
        for one in metadata
        for name in ("ge", "gt", "le", "lt")
        if getattr(one, name, None) is not None
    }
    if "ge" in limits and "le" in limits:
        return [f"{limits['ge']:g} to {_whole(limits['le'])}"]
    words = {"gt": "more than {}", "ge": "{} or more", "lt": "less than {}", "le": "{} or less"}
    return [text.format(_whole(limits[name])) for name, text in words.items() if name in limits]


def _whole(limit: float) -> str:
    return str(limit) if isinstance(limit, int) else f"{limit:g}"
