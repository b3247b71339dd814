"""Plans of every recipe: complete, explained, with the published rules."""

from __future__ import annotations

import pytest

from plans import make_plan as make
from popgan.config.preset import load_preset, preset_names
from popgan.config.schema import leaves
from popgan.errors import UserError
from popgan.planning.recipes import RULES
from popgan.recipes.table import RECIPES

PAIRS = [(recipe, preset) for recipe in RECIPES for preset in preset_names(recipe)]


def test_every_recipe_has_rules_and_the_usual_presets() -> None:
    assert set(RULES) == set(RECIPES)
    for recipe in RECIPES:
        assert {"quick", "standard", "paper"} <= set(preset_names(recipe))


@pytest.mark.parametrize(("recipe", "preset"), PAIRS)
@pytest.mark.parametrize("side", [16, 24, 48, 64, 128])
def test_every_preset_of_every_recipe_fits(recipe: str, preset: str, side: int) -> None:
    plan = make(preset, side=side, width=side, recipe=recipe, overrides={"network.condition": []})
    assert plan.network.kind == RULES[recipe].kind
    assert plan.base[0] * 2 ** (plan.network.levels - 1) == side
    for name, _ in leaves(plan):
        if "." in name and not name.startswith("data."):
            assert plan.decisions[name].reason, name


def test_stylegan2_has_the_rules_of_its_authors() -> None:
    plan = make("auto", side=128, slices=100_000, recipe="stylegan2")
    assert plan.network.channels == [512, 512, 512, 512, 256, 128]
    assert (plan.train.batch, plan.train.ema_half_life) == (32, 10_000)
    assert plan.train.gamma == pytest.approx(0.0002 * 128**2 / 32, rel=1e-3)
    assert (plan.train.penalty_interval, plan.train.path_length_interval) == (16, 4)
    paper = make("paper", side=256, slices=100_000, recipe="stylegan2")
    assert (paper.train.batch, paper.train.gamma) == (64, 1.0)
    small = make("standard", side=64, recipe="stylegan2")
    assert small.network.channels == [128, 128, 128, 128, 64]
    assert small.train.gamma == pytest.approx(0.0002 * 64**2 / 16, rel=1e-3)


def test_r3gan_has_the_published_gammas_and_schedule() -> None:
    for side, end in ((64, 0.2), (128, 1.732), (256, 15.0)):
        plan = make("paper", side=side, slices=10_000, recipe="r3gan")
        assert plan.train.gamma == pytest.approx(end, rel=1e-3)
        assert plan.train.gamma_start == pytest.approx(10 * end, rel=1e-3)
    assert (plan.train.beta2_start, plan.train.beta2) == (0.9, 0.99)
    assert (plan.train.augment_start, plan.augmentation.probability) == (0.0, 0.3)


def test_dcgan_has_the_published_hyperparameters() -> None:
    plan = make("paper", side=64, slices=10_000, recipe="dcgan")
    assert plan.network.channels == [1024, 512, 256, 128]
    assert (plan.train.batch, plan.network.dropout, plan.train.lr_generator) == (256, 0.3, 1e-4)
    assert make("paper", side=64, slices=100, recipe="dcgan").train.batch == 100


def test_cgan_is_popgan_told_the_label_less_what_was_found_without_labels() -> None:
    own, base = load_preset("quick", "cgan"), load_preset("quick", "popgan")
    assert base.tuned and not own.tuned
    found = {name.removeprefix("preset.") for name in base.tuned}
    found |= {"tuned", "gamma_reason", "values"}
    fields = [name for name in type(base).model_fields if getattr(base, name) != getattr(own, name)]
    assert set(fields) <= found
    values = [name for name in base.values if base.values[name][0] != own.values[name][0]]
    assert set(values) <= set(base.tuned) and set(own.values) == set(base.values)
    assert load_preset("paper", "cgan") == load_preset("paper", "popgan")
    assert RULES["cgan"].condition == ["label"]


def test_a_value_of_another_recipe_is_refused() -> None:
    with pytest.raises(UserError, match=r"train\.path_length.*no such value"):
        make(overrides={"train.path_length": 2.0})
    plan = make(recipe="stylegan2", overrides={"train.path_length": 1.0})
    assert plan.train.path_length == 1.0


def test_a_loss_without_its_penalty_is_refused_and_the_possible_ones_are_named() -> None:
    for recipe in ("popgan", "cgan"):
        overrides = {"train.loss": "wgan-gp", "network.condition": []}
        assert make(recipe=recipe, overrides=overrides).train.gamma == 10
    for recipe in ("stylegan2", "r3gan", "dcgan"):
        with pytest.raises(UserError, match=r"train\.loss wgan-gp .*logistic, rpgan or lsgan"):
            make(recipe=recipe, overrides={"train.loss": "wgan-gp"})
        for loss in ("logistic", "rpgan", "lsgan"):
            assert make(recipe=recipe, overrides={"train.loss": loss}).train.loss == loss


def test_a_batch_that_cannot_be_divided_has_no_micro_batch() -> None:
    plan = make(recipe="dcgan", overrides={"train.batch": 16})
    assert plan.train.micro_batch == 16
    assert "cannot be divided" in plan.decisions["train.micro_batch"].reason
    with pytest.raises(UserError, match=r"micro_batch 4 .*batch norm.*smaller train\.batch"):
        make(recipe="dcgan", overrides={"train.batch": 16, "train.micro_batch": 4})
    whole = make(recipe="dcgan", overrides={"train.batch": 16, "train.micro_batch": 16})
    assert whole.train.micro_batch == 16


def test_networks_that_cannot_be_are_refused_in_one_line() -> None:
    for recipe, overrides, words in (
        ("r3gan", {"network.channels": [12, 12, 12, 12, 12]}, "multiples of 8"),
        ("r3gan", {"network.minibatch_stddev": 4}, "network.minibatch_stddev"),
        ("dcgan", {"network.patch": 1}, "network.patch"),
        ("stylegan2", {"network.mapping_layers": 0}, "network.mapping_layers"),
    ):
        with pytest.raises(UserError, match=words) as caught:
            make(recipe=recipe, overrides=overrides)
        assert "\n" not in str(caught.value)


def test_unknown_recipes_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"'magic'.*stylegan2"):
        make(recipe="magic", preset="quick")
