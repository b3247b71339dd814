"""The table of where values come from is that of the rules: names, who decides, on which facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from plans import make_plan
from popgan.config.fields import fields_of
from popgan.config.masks import MaskLabel
from popgan.config.preset import Preset, load_preset, preset_names
from popgan.config.preset_model import SHAPED
from popgan.config.schema import Plan, leaves
from popgan.errors import UserError
from popgan.planning.facts import MachineFacts
from popgan.planning.origins import ORIGINS, table
from popgan.planning.recipes import RULES
from popgan.planning.rules import build_plan
from popgan.planning.trial import Trial

MACHINE = MachineFacts(2, "CPU", True, memory_gib=16)


def plans() -> Iterator[Plan]:
    """Plans of all presets, for large and small cohorts, with and without a budget."""
    for recipe in RULES:
        for preset in preset_names(recipe):
            for side, slices, budget in ((16, 9, None), (64, 3000, None), (128, 3000, "9h")):
                told: dict[str, Any] = {"network.condition": []} if recipe == "cgan" else {}
                yield make_plan(
                    *(preset,),
                    **{"side": side, "slices": slices, "budget": budget},
                    **{"recipe": recipe, "overrides": told},
                )


def test_every_value_of_every_kind_of_plan_has_an_origin_and_no_other() -> None:
    known = {name for rules in RULES.values() for name in fields_of(rules.kind)}
    assert set(ORIGINS) == known
    every = known | {f"preset.{name}" for name in Preset.model_fields}
    every |= {name for rules in RULES.values() for name in fields_of(rules.kind, facts=True)}
    for name, origin in ORIGINS.items():
        for recipe in RULES:
            for fact in origin.facts_of(recipe):
                assert fact in every or fact in BEYOND, (name, fact)
        assert set(origin.others) <= set(RULES)


BEYOND = {
    *("budget", "cohort.tuning_subjects", "cohort.noise"),
    *("machine.cores", "machine.bf16", "machine.memory_gib", "machine.images_per_second"),
}


def test_every_parameter_of_a_preset_that_shapes_a_value_is_named_there() -> None:
    for parameter, (value, _) in SHAPED.items():
        if value == "train.batch" or not ORIGINS[value].rule:
            continue
        assert f"preset.{parameter}" in ORIGINS[value].facts, parameter


def test_who_decides_is_who_decided() -> None:
    seen: dict[str, set[str]] = defaultdict(set)
    for plan in plans():
        for name, decision in plan.decisions.items():
            if decision.reason != "set by the user":
                seen[name].add(decision.source)
    allowed = {"preset": {"fixed"}, "recipe": {"fixed"}, "rule": {"rule"}, "you": set()}
    searched = set(load_preset("standard", "popgan").tuned) | {"train.gamma", "train.ema_half_life"}
    for name, origin in ORIGINS.items():
        may = allowed.get(origin.by, {"fixed", "rule"}) | ({"tuned"} if name in searched else set())
        assert seen[name] <= may, name
        if origin.by == "preset or rule":
            assert "rule" in seen[name] or name in ("augmentation.flip", "train.search_share"), name


RECIPES = ("popgan", "stylegan2", "r3gan", "dcgan", "mustgan")


@cache
def base(recipe: str) -> Preset:
    return load_preset("standard", recipe)


def planned(recipe: str, **changes: Any) -> dict[str, Any]:
    """Values of a plan; `changes` are facts by the names of the table, with _ for the dot."""
    preset, data = base(recipe), make_plan(recipe=recipe).data
    own: dict[str, Any] = {"speed": 300.0, "tuning": 6, "budget": "60m", "overrides": {}}
    own |= {name: value for name, value in changes.items() if name in own}
    data_changes = {n.removeprefix("data_"): v for n, v in changes.items() if n.startswith("data_")}
    preset_changes = {
        n.removeprefix("preset_"): v for n, v in changes.items() if n.startswith("preset_")
    }
    overrides = own["overrides"]
    if RULES[recipe].translates:
        overrides = {"network.target": "FLAIR"} | overrides
    plan = build_plan(
        data.model_copy(update=data_changes),
        **{"preset_name": "standard", "recipe": recipe, "seed": 0},
        preset=preset.model_copy(update=preset_changes),
        budget=own["budget"],
        overrides=overrides,
        machine=changes.get("machine", MACHINE),
        probe=lambda plan: [own["speed"]] * plan.network.levels,
        trial=Trial(own["tuning"], lambda: 1.0, lambda: None),
    )
    return dict(leaves(plan))


MASK = MaskLabel(value=3, name="left side", slices=99, left=0.99)
CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("data.height", {"data_height": 128, "data_width": 128}),
    ("data.width", {"data_height": 64, "data_width": 96}),
    ("data.train_slices", {"data_train_slices": 7}),
    ("data.train_slices", {"data_train_slices": 3000}),
    ("data.slice_distance", {"data_slice_distance": 30.0}),
    ("data.contrasts", {"data_contrasts": ["T1w", "T2w", "PDw", "FLAIR"]}),
    ("machine.bf16", {"machine": MachineFacts(2, "CPU", False)}),
    ("machine.cores", {"machine": MachineFacts(8, "CPU", True)}),
    ("machine.images_per_second", {"speed": 30.0}),
    ("budget", {"budget": "9m"}),
    ("cohort.tuning_subjects", {"tuning": 2}),
    ("preset.channel_base", {"preset_channel_base": 512}),
    ("preset.channel_max", {"preset_channel_max": 32}),
    ("preset.gamma_at_64", {"preset_gamma_at_64": 3.0}),
    ("preset.gamma_start", {"preset_gamma_start": 3.0}),
    ("preset.level_weights", {"preset_level_weights": [1, 1, 1, 1, 1]}),
    ("preset.low_levels", {"preset_low_levels": 0.5}),
    ("preset.ema_share", {"preset_ema_share": 0.2}),
    ("preset.batch", {"preset_batch": 12}),
    ("preset.images", {"preset_images": 4000, "preset_budget": None, "budget": None}),
    ("preset.generate", {"preset_generate": 7}),
    ("preset.evaluate", {"preset_evaluate": 70}),
    ("train.batch", {"overrides": {"train.batch": 12}}),
    ("train.images", {"overrides": {"train.images": 3000}}),
    ("train.loss", {"overrides": {"train.loss": "wgan-gp"}}),
    ("network.patch", {"overrides": {"network.patch": 1}}),
    ("augmentation.method", {"overrides": {"augmentation.method": "ada"}}),
    ("network.halvings", {"overrides": {"network.halvings": 2}}),
    ("network.fusion", {"overrides": {"network.fusion": ["bottleneck"]}}),
    ("data.masks", {"data_masks": [MASK], "overrides": {"network.masks": [3]}}),
]


def closure(changed: set[str], recipe: str) -> set[str]:
    """All values that depend on a fact, directly or through other values."""
    known = set(changed)
    while True:
        more = {n for n, o in ORIGINS.items() if known & set(o.facts_of(recipe))} - known
        if not more:
            return known
        known |= more


@pytest.mark.parametrize(("fact", "changes"), CHANGES)
def test_a_value_depends_on_nothing_that_the_table_does_not_name(
    fact: str, changes: dict[str, Any]
) -> None:
    moved = set()
    for recipe in RECIPES:
        try:
            before, after = planned(recipe), planned(recipe, **changes)
        except UserError:
            continue  # not a value of this recipe
        differing = {n for n in before | after if before.get(n) != after.get(n)}
        facts = {fact, "data.height", "data.width"} if fact.startswith("data.h") else {fact}
        facts |= {"budget"} if "budget" in changes else set()
        wrong = {n for n in differing if not n.startswith("data.")} - closure(facts, recipe)
        assert wrong == set(), (recipe, wrong)
        moved |= differing - {fact}
    assert moved, "a fact that nothing depends on"


def test_the_table_has_a_row_for_each_and_says_what_was_not_searched() -> None:
    rows = table().splitlines()
    assert len(rows) == len(ORIGINS) + 2
    assert all(row.count("|") == 5 for row in rows)
    assert "not searched yet" in table()
