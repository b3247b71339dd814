"""What is said about single values: their facts, other presets, what cannot be known unmeasured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from plans import make_plan
from popgan.config.preset import load_preset, preset_names
from popgan.config.schema import Plan, leaves
from popgan.errors import UserError
from popgan.planning.alternatives import Circumstances, alternatives
from popgan.planning.explain import Explanation, explain, named_values, refuse_unknown_names
from popgan.planning.facts import CohortFacts, MachineFacts
from popgan.planning.recipes import RULES

AROUND = Circumstances(None, MachineFacts(2, "CPU", True), CohortFacts(), 6)


@dataclass
class Fitting:
    fits: bool = True
    level: int = 3
    text: str = "the prior"


def of(plan: Plan, name: str, **around: Any) -> Explanation:
    return explain(
        plan, name, preset=load_preset(plan.preset, plan.recipe), around=around, command="popgan p"
    )


def test_a_value_is_explained_with_its_range_and_the_facts_it_follows_from() -> None:
    found = of(make_plan("standard", side=128), "train.gamma")
    assert (found.value, found.source) == (0.14, "tuned")
    assert "0.035 at 64 x 64" in found.reason
    assert found.allowed == "a number, 0 or more"
    assert of(make_plan(recipe="r3gan"), "train.loss").allowed == "one of logistic, rpgan, lsgan"
    assert found.facts == {
        **{"data.height": 128, "data.width": 128},
        **{"train.loss": "rpgan", "preset.gamma_at_64": 0.035},
    }
    assert found.change == "popgan p --set train.gamma=VALUE"
    style = of(make_plan("standard", recipe="stylegan2"), "train.gamma")
    assert style.facts["train.batch"] == 16


def test_facts_that_stand_outside_of_the_plan_are_named_too() -> None:
    around = {"machine.images_per_second": [80.0], "budget": "6m", "cohort.tuning_subjects": 4}
    found = of(make_plan(), "train.snapshots", **around)
    assert around.items() <= found.facts.items()
    # What the user set follows from nothing.
    assert of(make_plan(overrides={"train.batch": 6}), "train.batch").facts == {}


def test_facts_and_options_are_changed_elsewhere() -> None:
    plan = make_plan()
    assert "--resolution" in of(plan, "data.height").change
    assert "another cohort" in of(plan, "data.cohort").change
    assert of(plan, "seed").change == "popgan p --seed N"
    assert of(plan, "train.images").change.endswith("(or --budget TIME)")
    assert of(plan, "data.height").source == "fact" and of(plan, "recipe").source == "option"


@pytest.mark.parametrize("recipe", list(RULES))
def test_every_value_of_every_recipe_can_be_explained(recipe: str) -> None:
    told: dict[str, Any] = {"network.condition": []} if recipe == "cgan" else {}
    plan = make_plan("standard", recipe=recipe, overrides=told)
    sections = ["data", "network", "augmentation", "train", "generate", "evaluate"]
    names = named_values(plan, [*sections, "recipe", "preset", "seed"])
    assert {name for name, _ in leaves(plan)} <= set(names)
    for name in names:
        found = of(plan, name)
        assert found.reason and found.allowed and found.change, name


def test_names_sections_and_slips() -> None:
    plan = make_plan()
    assert named_values(plan, ["train.gamma", "generate", " train.gamma"]) == [
        *("train.gamma", "generate.n")
    ]
    assert "network.kernel" in named_values(plan, ["network"])
    assert "network.mapping_layers" not in named_values(plan, ["network"])
    for name, words in (
        ("train.gama", "did you mean train.gamma?"),
        ("tran", "did you mean train?"),
        ("train.style_mixing", "no such value"),
        ("zzz", "name one of data, network"),
    ):
        with pytest.raises(UserError, match="--explain") as caught:
            named_values(plan, [name])
        assert words in str(caught.value) and "\n" not in str(caught.value)
    refuse_unknown_names(["train.gamma", "network"], "popgan")
    with pytest.raises(UserError, match=r"did you mean train\.gamma"):
        refuse_unknown_names(["train.gama"], "popgan")


def other(plan: Plan, name: str, preset: str, **changes: Any) -> Any:
    around = Circumstances(**{**AROUND.__dict__, **changes})
    (found,) = alternatives(plan, [name], [load_preset(preset, plan.recipe)], around)[name]
    return found


@pytest.mark.parametrize("recipe", ["popgan", "stylegan2", "r3gan", "dcgan", "pix2pix", "mustgan"])
def test_other_presets_say_what_they_would_plan(recipe: str) -> None:
    plan = make_plan("quick", recipe=recipe)
    names = [name for name, _ in leaves(plan) if name in plan.decisions]
    presets = [load_preset(name, recipe) for name in preset_names(recipe)]
    found = alternatives(plan, names, presets, AROUND)
    for place, preset in enumerate(preset_names(recipe)):
        made = dict(leaves(make_plan(preset, recipe=recipe)))
        for name in names:
            one = found[name][place]
            if one.source != "measured" and name != "train.snapshots":
                assert one.value == made.get(name), (preset, name)


def test_what_hangs_on_the_speed_is_not_guessed() -> None:
    plan = make_plan("quick")
    for name in ("train.images", "train.ema_half_life", "train.ticks", "train.snapshots"):
        assert other(plan, name, "standard").source == "measured", name
        assert other(plan, name, "standard").value is None
    assert other(plan, "train.images", "paper").value == 1_200_000
    assert other(plan, "train.images", "paper", budget="1h").source == "measured"
    # However slow the machine is, a long run has the longest half-life of its rule.
    assert other(make_plan(budget="365d"), "train.gamma", "standard").source == "tuned"


def test_what_the_user_set_stays_but_not_the_value_in_question() -> None:
    plan = make_plan("quick", overrides={"train.batch": 6, "train.images": 5000})
    assert other(plan, "train.batch", "standard").value == 8
    assert other(plan, "network.minibatch_stddev", "standard").value == 3
    assert other(plan, "train.ema_half_life", "standard").value == 301


def test_a_preset_that_cannot_be_planned_says_why() -> None:
    plan = make_plan("quick", overrides={"train.shuffle_buffer": 64})
    impossible = load_preset("paper", "popgan")
    values = impossible.values | {"network.dropout": (1.5, "too much")}
    broken = impossible.model_copy(update={"values": values})
    (found,) = alternatives(plan, ["train.batch"], [broken], AROUND)["train.batch"]
    assert found.source == "impossible" and "network.dropout" in found.reason


def test_the_prior_is_asked_only_for_what_it_decides() -> None:
    asked: list[Plan] = []

    def look_up(provisional: Plan) -> Fitting:
        asked.append(provisional)
        return Fitting(level=provisional.network.levels - 1)

    plan = make_plan("quick", prior=lambda provisional: Fitting())
    assert other(plan, "train.gamma", "standard", prior=look_up).value == 0.035
    assert asked == []
    assert other(plan, "train.init", "standard", prior=look_up).value == "phantom"
    assert len(asked) == 1, "networks are built once, not for each speed"
    assert other(plan, "train.level_shares", "standard", prior=look_up).value == [0, 0, 0, 1]
