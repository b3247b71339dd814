"""A plan in the making: what was decided so far, where each value comes from, what the user set.

A value that the user sets with `--set` replaces the rule's, and later rules see the user's value.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from popgan.config.preset import Preset
from popgan.config.preset_model import found_values
from popgan.config.schema import Plan, parse_plan
from popgan.errors import UserError

USERS = "set by the user"
"""The reason of such a value."""


class Draft:
    """A plan in the making: values by dotted name, each with its decision.

    Args:
        overrides: values that the user set.
        preset: its values are decided at once.

    Attributes:
        given: names of the preset's values; they take the place of what a rule would decide.
        found: values that a study has found, or that follow from what it has found.
    """

    def __init__(self, overrides: Mapping[str, Any], preset: Preset) -> None:
        self.overrides = dict(overrides)
        self.values: dict[str, Any] = {}
        self.decisions: dict[str, dict[str, str]] = {}
        self.given, self.found = set(preset.values), found_values(preset)
        for name, (value, reason) in preset.values.items():
            self.decide(name, value, "tuned" if name in self.found else "fixed", reason)

    def decide(self, name: str, value: Any, source: str, reason: str) -> Any:
        """Set a value unless the user has; returns the value that holds."""
        if name in self.overrides:
            value, source, reason = self.overrides[name], "fixed", USERS
        self.values[name] = value
        self.decisions[name] = {"source": source, "reason": reason}
        return value

    def fixed(self, name: str, value: Any, reason: str) -> Any:
        """A value given by popgan, unless the preset has another."""
        return self._unless_given(name, value, "fixed", reason)

    def rule(self, name: str, value: Any, reason: str) -> Any:
        """A value computed from facts, unless the preset has one."""
        return self._unless_given(name, value, "rule", reason)

    def follows(self, name: str, value: Any, source: str, reason: str) -> Any:
        """A value that follows from a parameter of the preset: tuned if a study has found that."""
        return self._unless_given(name, value, "tuned" if name in self.found else source, reason)

    def cap(self, name: str, value: Any, reason: str) -> Any:
        """A value computed from facts that takes the place of the preset's."""
        return self.decide(name, value, "rule", reason)

    def _unless_given(self, name: str, value: Any, source: str, reason: str) -> Any:
        if name in self.given:
            return self.values[name]
        return self.decide(name, value, source, reason)

    def plan(self, **top: Any) -> Plan:
        """Validate the draft as a plan.

        Raises:
            UserError: a value is out of range, or the user named one that this plan has not.
        """
        tree: dict[str, Any] = {**top, "decisions": self.decisions}
        for name, value in self.values.items():
            section, _, leaf = name.partition(".")
            tree.setdefault(section, {})[leaf] = value
        plan = parse_plan(tree, where="plan")
        refuse_unknown(self.overrides, list(self.values))
        return plan


def refuse_unknown(
    overrides: Mapping[str, Any], known: Sequence[str], option: str = "--set"
) -> None:
    """Refuse the name of a value that a plan of this recipe, or a search, does not have.

    Raises:
        UserError: there is one; the message has the nearest known name.
    """
    for name in overrides:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
            what, listed = "not searched", f"choose one of {', '.join(known)}"
            if option == "--set":
                what, listed = "the plan has no such value", "`popgan plan RUN` lists the names"
            hint = f"did you mean {close[0]}?" if close else listed
            raise UserError(f"{option} {name}: {what}", do=hint)


def parse_overrides(settings: list[str]) -> dict[str, Any]:
    """Turn ["train.batch=8", ...] into values, read as YAML scalars or lists.

    Raises:
        UserError: an entry is not key=value.
    """
    found: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not name.strip():
            raise UserError(f"--set {setting!r} is not key=value", do="write --set train.batch=8")
        try:
            found[name.strip()] = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError) as error:  # 2024-13-01 is the second
            raise UserError(f"--set {setting!r} is not a readable value") from error
    return found
