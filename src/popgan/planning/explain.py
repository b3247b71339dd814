"""Everything that is known about single values of a plan, for `popgan plan RUN --explain`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic.fields import FieldInfo

from popgan.config.fields import allowed, fields_of
from popgan.config.preset_model import PARAMETER, Preset
from popgan.config.schema import Plan, leaves
from popgan.errors import UserError
from popgan.planning.alternatives import Alternative
from popgan.planning.draft import USERS
from popgan.planning.origins import ORIGINS, Origin
from popgan.planning.recipes import find_rules

OPTIONS = {"recipe": "--recipe NAME", "preset": "--preset NAME", "seed": "--seed N"}
HANDIER = {
    "network.condition": "--condition NAMES",
    "network.masks": "--with-masks",
    "network.sources": "--from NAMES",
    "network.target": "--to NAME",
    "train.init": "--init scratch",
    "train.images": "--budget TIME",
}
"""Options that say the same as `--set`, but shorter."""
INGESTED = {
    "data.height": "--resolution SIDE",
    "data.width": "--resolution SIDE",
    "data.contrasts": "--contrast NAMES",
    "data.train_slices": "--slices N",
    "data.skull": "--keep-skull",
    "data.label_map": "--label-map NAME",
}
"""Options of ingest that change a fact."""


@dataclass(frozen=True)
class Explanation:
    """One value.

    Attributes:
        name: of it.
        value: None where it is not set, and a default holds.
        source: fixed, rule, tuned; "option" or "fact" where no rule has a say.
        reason: in words, with the numbers.
        meaning, allowed: what it is, and which values are possible.
        by, rule: who decides such a value in general, and how.
        facts: what this one follows from, with their values; nothing where the user set it.
        evidence: what was measured about it with popgan's own benchmarks.
        presets: with the others of the recipe; with its own as well where the user set it.
        change: how to change it, ready to be pasted.
        measured: what studies of this run have found about it.
    """

    name: str
    value: Any
    source: str
    reason: str
    meaning: str
    allowed: str
    by: str
    rule: str
    facts: dict[str, Any]
    evidence: str
    presets: list[Alternative] = field(default_factory=list)
    change: str = ""
    measured: list[str] = field(default_factory=list)


def named_values(plan: Plan, asked: Sequence[str]) -> list[str]:
    """The values that the user means, sections taken apart; each once.

    Args:
        plan: that there is.
        asked: names of values, or of sections such as "train".

    Raises:
        UserError: a name that this plan does not have; has the nearest that it has.
    """
    return _meant(asked, _names(plan))


def refuse_unknown_names(asked: Sequence[str], recipe: str) -> None:
    """Refuse what no plan of a recipe has, before one is made.

    Raises:
        UserError: a name that there cannot be; has the nearest that there is.
    """
    _meant(asked, list(fields_of(find_rules(recipe).kind, facts=True)))


def _meant(asked: Sequence[str], names: Sequence[str]) -> list[str]:
    sections = list(dict.fromkeys(name.partition(".")[0] for name in names if "." in name))
    found: dict[str, None] = {}
    for one in (name.strip() for name in asked):
        if one in sections:
            found |= dict.fromkeys(name for name in names if name.startswith(f"{one}."))
        elif one in names:
            found[one] = None
        else:
            close = difflib.get_close_matches(one, [*names, *sections], n=1, cutoff=0.6)
            do = f"did you mean {close[0]}?" if close else f"name one of {', '.join(sections)}"
            raise UserError(f"--explain {one}: the plan has no such value", do=do)
    return list(found)


def explain(
    plan: Plan,
    name: str,
    *,
    preset: Preset | None,
    around: Mapping[str, Any],
    presets: Sequence[Alternative] = (),
    command: str,
    measured: Sequence[str] = (),
) -> Explanation:
    """What is known about one value.

    Args:
        plan: that there is.
        name: of the value.
        preset: of the plan; None where it is not known any more.
        around: facts that do not stand in the plan: "budget", "cohort.*", "machine.*".
        presets: the value with the other presets.
        command: the one that made the plan, to which a change can be added.
        measured: what studies of this run have found.
    """
    value, decision = dict(leaves(plan)).get(name), plan.decisions.get(name)
    known = fields_of(find_rules(plan.recipe).kind, facts=True)[name]
    fact, users = name.startswith("data."), decision is not None and decision.reason == USERS
    origin = ORIGINS.get(name, Origin("you", evidence=""))
    return Explanation(
        name=name,
        value=value,
        source=decision.source if decision else "fact" if fact else "option",
        reason=decision.reason if decision else _undecided(name, fact),
        meaning=(known.description or "").replace("`", ""),
        allowed="as the cohort has it" if fact else _allowed(plan, name, known),
        by="" if fact else origin.by,
        rule=origin.rule,
        facts={} if users else _facts(plan, origin, preset, around),
        evidence=origin.evidence,
        presets=list(presets),
        change=_change(name, command),
        measured=list(measured),
    )


def _allowed(plan: Plan, name: str, known: FieldInfo) -> str:
    """Which values are possible; of the losses those that the networks can be trained with."""
    return f"one of {', '.join(plan.network.losses)}" if name == "train.loss" else allowed(known)


def _names(plan: Plan) -> list[str]:
    """Values of a plan in order, those that could be set included."""
    kept = dict.fromkeys(name for name, _ in leaves(plan))
    return [
        name
        for name in fields_of(find_rules(plan.recipe).kind, facts=True)
        if name in kept or name in plan.decisions
    ]


def _undecided(name: str, fact: bool) -> str:
    if fact:
        return "of the cohort, copied when the plan was made"
    return "an option of the command line" if name in OPTIONS else "not decided by a rule"


def _facts(
    plan: Plan, origin: Origin, preset: Preset | None, around: Mapping[str, Any]
) -> dict[str, Any]:
    """What a rule looked at, with the values it found; what is not known is left out."""
    known: dict[str, Any] = {**dict(leaves(plan)), **around}
    if preset is not None:
        known |= {f"{PARAMETER}{name}": value for name, value in preset.model_dump().items()}
    names = origin.facts_of(plan.recipe)
    return {name: known[name] for name in names if known.get(name) is not None}


def _change(name: str, command: str) -> str:
    if name in INGESTED:
        return f"ingest again: popgan ingest SCANS -o RUN {INGESTED[name]}"
    if name.startswith("data."):
        return "only with another cohort: it is counted or measured by ingest"
    option = OPTIONS.get(name)
    if option:
        return f"{command} {option}"
    words = f"{command} --set {name}=VALUE"
    return f"{words} (or {HANDIER[name]})" if name in HANDIER else words
