"""What values of a plan would be with the other presets of its recipe; nothing is measured for it.

The rules are asked twice, as if the machine were very slow and very fast. What comes out alike both
times does not depend on its speed; what does not would have to be measured, and is not guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from popgan.config.preset import Preset
from popgan.config.schema import Plan, leaves
from popgan.errors import UserError
from popgan.planning.draft import USERS
from popgan.planning.facts import CohortFacts, MachineFacts
from popgan.planning.origins import ORIGINS
from popgan.planning.rules import build_plan
from popgan.planning.start import LookUp, Start
from popgan.planning.trial import Trial

SLOW = (1.0, 1e1, 1e2, 1e3, 1e4, 1e5)  # images/s; the first that a budget is enough for
FAST = 1e8
_SLOW_SNAPSHOT, _FAST_SNAPSHOT = 1e3, 1e-3  # seconds
TIED = ("network.target", "network.condition", "network.masks")
"""What the user set of these is part of the plan's facts."""
_BY_PRIOR = ("train.init", "train.level_shares")


@dataclass(frozen=True)
class Alternative:
    """A value with another preset.

    Attributes:
        preset: its name.
        value: None where there is none, or it would have to be measured.
        source: fixed, rule or tuned; "measured" where it depends on the machine's speed;
            "impossible" where such a plan is refused.
        reason: in words.
    """

    preset: str
    value: Any
    source: str
    reason: str


@dataclass(frozen=True)
class Circumstances:
    """What other presets are asked under, beside the plan's own facts.

    Attributes:
        budget: training time that the user granted; None takes each preset's.
        machine: that the plan was made on.
        facts: what reasons say about the cohort.
        tuning_subjects: subjects of the tuning split.
        prior: tells what of the physics prior fits; None where nobody asks for it.
    """

    budget: str | None
    machine: MachineFacts
    facts: CohortFacts
    tuning_subjects: int
    prior: LookUp | None = None


def alternatives(
    plan: Plan, names: Sequence[str], presets: Iterable[Preset], around: Circumstances
) -> dict[str, list[Alternative]]:
    """Each value with each preset.

    Args:
        plan: that there is; what the user set in it stays set, but not the value in question.
        names: of values.
        presets: others of its recipe.
        around: circumstances.
    """
    users = set(set_by_user(plan, list(plan.decisions)))
    values = dict(leaves(plan))
    found: dict[str, list[Alternative]] = {name: [] for name in names}
    for preset in presets:
        made: dict[str, _Pair | str] = {}
        for name in names:
            # Without the value in question, where it is the user's; else all plans are alike.
            left = name if name in users and name not in TIED else ""
            kept = {one: values[one] for one in users - {left} if one in values}
            asks = around.prior if name in _BY_PRIOR else None
            key = f"{left} {asks is not None}"
            if key not in made:
                made[key] = _pair(plan, preset, kept, around, asks)
            found[name].append(_alternative(name, preset, made[key]))
    return found


def set_by_user(plan: Plan, names: Sequence[str]) -> list[str]:
    """Those of some values that the user set."""
    known = plan.decisions
    return [name for name in names if name in known and known[name].reason == USERS]


@dataclass(frozen=True)
class _Pair:
    """The plan of a slow and of a fast machine."""

    slow: Plan
    fast: Plan


def _pair(
    plan: Plan,
    preset: Preset,
    overrides: Mapping[str, Any],
    around: Circumstances,
    prior: LookUp | None,
) -> _Pair | str:
    """Both plans; or why there are none, in words."""
    remembered: dict[str, Start | None] = {}

    def look_up(provisional: Plan) -> Start | None:
        assert prior is not None
        key = provisional.network.model_dump_json()
        if key not in remembered:
            remembered[key] = prior(provisional)
        return remembered[key]

    def ask(speed: float, snapshot: float) -> Plan:
        return build_plan(
            plan.data,
            preset_name=preset.name,
            preset=preset,
            recipe=plan.recipe,
            seed=plan.seed,
            budget=around.budget,
            overrides=overrides,
            machine=around.machine,
            facts=around.facts,
            probe=lambda provisional: [speed] * provisional.network.levels,
            trial=Trial(around.tuning_subjects, lambda: snapshot, lambda: None),
            prior=look_up if prior else None,
        )

    problem = ""
    for speed in SLOW:
        try:
            return _Pair(ask(speed, _SLOW_SNAPSHOT), ask(FAST, _FAST_SNAPSHOT))
        except UserError as error:
            problem = str(error)
    return problem


def _alternative(name: str, preset: Preset, found: _Pair | str) -> Alternative:
    if isinstance(found, str):
        return Alternative(preset.name, None, "impossible", found)
    slow, fast = dict(leaves(found.slow)).get(name), dict(leaves(found.fast)).get(name)
    rule = ORIGINS[name].rule if name in ORIGINS else ""
    if slow != fast:
        return Alternative(preset.name, None, "measured", f"{rule}: measured when it is planned")
    one, other = found.slow.decisions.get(name), found.fast.decisions.get(name)
    if one is None or other is None:
        return Alternative(preset.name, slow, "fixed", "an option, or a fact of the cohort")
    # A reason with numbers of a machine that there is not would be a lie.
    reason = one.reason if one == other else rule
    return Alternative(preset.name, slow, one.source, reason)
