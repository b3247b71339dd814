"""Variants of a default: each part out, each alone in a bare model, and the published cell.

What a variant is follows from the default's plan, and every variant is planned before it is listed:
one that is not possible, or would be the default under another name, is listed with the reason, and
with what is trained in its place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from popgan.config.preset_model import plan_value
from popgan.config.schema import Plan, leaves
from popgan.errors import UserError
from popgan.evidence.experiments.results import Setting, Variant
from popgan.tuning.parts import ALWAYS, DROPOUT, GROWING, PRIOR, Part, parts_of

DEFAULT, BARE, PAPER = "default", "bare", "paper"
PUBLISHED: Setting = {
    "train.batch": 256,
    "train.lr_generator": 0.0001,
    "train.lr_discriminator": 0.0001,
    "network.dropout": 0.3,
    "train.shuffle_buffer": 6000,
}
"""The cell that the paper publishes."""

_SCRATCH: Setting = {"train.init": "scratch"}
_NOTHING = (0, False, "none")

Drafter = Callable[[Setting], Plan]
"""Plans a setting, of any length."""


@dataclass(frozen=True)
class Standing:
    """A part of this default.

    Attributes:
        part: which.
        present: whether the default has it.
        apart: it cannot be varied beside the physics prior that the default starts from, so it is
            looked at in networks from random weights.
    """

    part: Part
    present: bool
    apart: bool

    @property
    def name(self) -> str:
        """Of the part."""
        return self.part.name


class Default:
    """A default and what can be varied about it.

    Args:
        recipe: of it.
        draft: plans a setting of it.
        held: names that `--set` holds.

    Raises:
        UserError: the default itself cannot be planned, or the recipe draws no images.
    """

    def __init__(self, recipe: str, draft: Drafter, held: list[str]) -> None:
        self.recipe, self._draft, self.held = recipe, draft, held
        self._plans: dict[str, Plan | UserError] = {}
        self.plan = self.draft({})
        self.starts_from_prior = self.plan.train.init == "phantom"
        scratch = self.draft(_SCRATCH) if self.starts_from_prior else self.plan
        self.parts = [self._standing(part, scratch) for part in parts_of(recipe)]

    def draft(self, setting: Setting) -> Plan:
        """The plan of a setting, made once.

        Raises:
            UserError: there is none.
        """
        key = key_of(setting)
        if key not in self._plans:
            try:
                self._plans[key] = self._draft(setting)
            except UserError as error:
                self._plans[key] = error
        found = self._plans[key]
        if isinstance(found, UserError):
            raise found
        return found

    def _standing(self, part: Part, scratch: Plan) -> Standing:
        present = part.has(self.plan)
        apart = self.starts_from_prior and (
            part.shaped or (part.name == GROWING and not present and part.has(scratch))
        )
        return Standing(part, part.has(scratch) if apart else present, apart)

    def out(self) -> list[Variant]:
        """Each part out of the default; those that it lacks, put into it."""
        found: list[Variant] = []
        standing = {one.name: one for one in self.parts}
        for name, why in ALWAYS.items():
            if name not in standing:
                reason = why.format(recipe=self.recipe)
                found.append(_impossible(f"no {name}", reason, "the default is without it anyway"))
        for one in self.parts:
            found += [self._without(one)] if one.present else self._lacking(one)
        return with_bases(found)

    def bare(self) -> list[Variant]:
        """All parts out, then each alone in that model."""
        setting: Setting = {}
        present = [one for one in self.parts if one.present]
        stuck = [one for one in present if self._without(one).impossible]
        for one in present:
            setting |= {} if one in stuck else one.part.out
        about = f"without {', '.join(one.name for one in present if one not in stuck)}"
        if stuck:
            about += f"; with {', '.join(one.name for one in stuck)}, which cannot be taken out"
        bare = Variant(name=BARE, kind="bare", setting=setting, about=about)
        found = [self.checked(bare, self.plan)]
        if not found[0].impossible:
            for one in self.parts:
                found += self._alone(one, setting)
        return with_bases(found)

    def paper(self) -> Variant:
        """The published cell: its values in the default, as far as they can be."""
        has = dict(leaves(self.plan))
        setting = {name: value for name, value in PUBLISHED.items() if name in has}
        notes = [] if DROPOUT in _leaves_of(setting) else ["these networks have no dropout"]
        try:
            got = dict(leaves(self.draft(setting)))
        except UserError:
            got = setting
        reasons = self._reasons(setting)
        for name, value in setting.items():
            if got.get(name) != value:
                why = "held by --set" if name in self.held else reasons.get(name, "")
                notes.append(f"{name} {got.get(name)} instead of {value}: {why}")
        about = "batch 256, learning rate 1e-4, dropout 0.3, shuffle buffer 6000 in the default"
        about = "; ".join([about, *notes])
        variant = Variant(name=PAPER, kind="paper", setting=setting, about=about)
        return self.checked(variant, self.plan)

    def varied(self) -> list[Standing]:
        """Parts that can be varied freely beside all others, the most important first."""
        found = []
        for one in self.parts:
            setting = one.part.out if one.present else one.part.put
            if one.apart or not setting:
                continue
            variant = Variant(name=one.name, kind="factorial", setting=setting)
            if not self.checked(variant, self.plan).impossible:
                found.append(one)
        return found

    def _without(self, one: Standing) -> Variant:
        setting, about, base = dict(one.part.out), one.part.without, ""
        if one.apart:
            setting |= _SCRATCH
            base = f"no {PRIOR}"
            about += "; from random weights, and so held against the same with it"
        variant = Variant(
            name=f"no {one.name}", kind="out", setting=setting, about=about, base=base
        )
        start = self.draft(_SCRATCH) if one.apart else self.plan
        return self.checked(variant, start, (one.part, False))

    def _lacking(self, one: Standing) -> list[Variant]:
        """Why a part cannot be taken out, and the default with it."""
        part = one.part
        added: list[Variant] = []
        if part.put:
            about = f"{_values(part.put)} put into the default"
            about += " (published)" if one.name == DROPOUT else ""
            variant = Variant(name=part.added, kind="added", setting=part.put, about=about)
            found = self.checked(variant, self.plan, (part, True))
            added = [] if found.impossible else [found]
        instead = f"instead {part.added!r} is trained" if added else "the default is without it"
        return [_impossible(f"no {one.name}", self._why_lacking(one), instead), *added]

    def _why_lacking(self, one: Standing) -> str:
        if one.name == PRIOR:
            return f"the default starts from random weights ({self._reasons({})['train.init']})"
        if one.name == GROWING and self.starts_from_prior:
            return "the default starts from the physics prior, which has learnt the lower levels"
        values = dict(leaves(self.plan))
        # Of several values the one that says so: the others may stand at anything then.
        told = [name for name in one.part.tells if values.get(name) in _NOTHING] or one.part.tells
        known = [f" ({name} {values[name]})" for name in told[:1] if values.get(name) is not None]
        return f"the default has none{''.join(known)}"

    def _alone(self, one: Standing, bare: Setting) -> list[Variant]:
        """A part in the bare model; nothing where that changes nothing."""
        part, setting, base, about = one.part, dict(bare), "", f"{one.name} alone"
        if one.present:
            setting = {name: value for name, value in bare.items() if name not in part.out}
        else:
            setting |= part.put
            about = f"{_values(part.put)} alone"
        shaped = [other.part for other in self.parts if other.part.shaped and other.present]
        if one.name == PRIOR and shaped:
            names = [name for other in shaped for name in other.out]
            setting = {name: value for name, value in setting.items() if name not in names}
            base = f"{BARE} with {shaped[0].name}"
            about = f"{one.name}, whose networks were made with {shaped[0].name}"
        name = one.name if one.present else part.added.removeprefix("with ")
        variant = Variant(
            name=f"{BARE} with {name}", kind="in", setting=setting, about=about, base=base
        )
        found = self.checked(variant, self._draft_or(bare))
        return [] if found.impossible and not one.present else [found]

    def _draft_or(self, setting: Setting) -> Plan | None:
        try:
            return self.draft(setting)
        except UserError:
            return None

    def checked(
        self, variant: Variant, base: Plan | None = None, means: tuple[Part, bool] | None = None
    ) -> Variant:
        """The variant, with the reason why it cannot be trained where it cannot.

        Args:
            variant: to plan.
            base: what it must differ from; None: from nothing.
            means: the part that it is about, and whether it has it.
        """
        try:
            plan = self.draft(variant.setting)
        except UserError as error:
            return variant.model_copy(update={"impossible": str(error).rstrip(".")})
        if base is not None and _decided(plan) == _decided(base):
            reason, other = "nothing would change", "its values are those of its base"
        elif means is not None and means[0].has(plan) != means[1]:
            reason = "it would have none" if means[1] else "it would have it all the same"
            other = "a rule decides otherwise"
        else:
            return variant
        held = [name for name in self.held if name in {*variant.setting, *_plan_values(variant)}]
        why = f"--set holds {', '.join(held)}" if held else other
        return variant.model_copy(update={"impossible": f"{reason}: {why}"})

    def _reasons(self, setting: Setting) -> dict[str, str]:
        plan = self._draft_or(setting)
        return {} if plan is None else {n: one.reason for n, one in plan.decisions.items()}


def default_variant() -> Variant:
    """The default itself."""
    return Variant(name=DEFAULT, kind="default", setting={}, about="the preset as it is")


def with_bases(variants: Sequence[Variant]) -> list[Variant]:
    """The same; impossible where the base is."""
    known = {one.name: one for one in variants}
    found = []
    for one in variants:
        base = known.get(one.base or (BARE if one.kind == "in" else DEFAULT))
        if base is not None and base.impossible and not one.impossible:
            reason = f"its base, {base.name!r}, cannot be trained: {base.impossible}"
            one = one.model_copy(update={"impossible": reason})
        found.append(one)
    return found


def _impossible(name: str, why: str, instead: str) -> Variant:
    return Variant(name=name, kind="out", setting={}, about=instead, impossible=why)


def _leaves_of(setting: Setting) -> set[str]:
    return {name.partition(".")[2] for name in setting}


def key_of(setting: Setting) -> str:
    """Equal for equal settings, whatever the order of their names."""
    return json.dumps(setting, sort_keys=True)


def _values(setting: Setting) -> str:
    return ", ".join(f"{name.partition('.')[2]} {value}" for name, value in setting.items())


def _plan_values(variant: Variant) -> set[str]:
    return {plan_value(name) for name in variant.setting}


def _decided(plan: Plan) -> dict[str, Any]:
    """Values of a plan without the reasons."""
    return plan.model_dump(exclude={"decisions"})
