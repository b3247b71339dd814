"""Search spaces contain the default, respect their bounds and conditions, and refuse nonsense."""

from __future__ import annotations

import functools
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popgan.config.preset import PARAMETER, changed, load_preset, preset_names
from popgan.config.schema import Plan, leaves
from popgan.errors import UserError
from popgan.evidence.experiments.results import SearchSpace, Setting
from popgan.planning.rules import MachineFacts, build_plan
from popgan.tuning.fitting import fitted
from popgan.tuning.parts import parts_of
from popgan.tuning.space import (
    active,
    defaults,
    distinct,
    fits,
    including,
    load_space,
    narrowed,
    recipes,
    rounded,
    suggest,
)
from tuning.tiny_searches import SPACE

DATA: dict[str, Any] = {
    **{"height": 64, "width": 64, "contrasts": ["T1w"], "train_slices": 600},
    **{"train_subjects": 25, "cohort": "0" * 64},
}


def plan_of(recipe: str, preset: str, setting: Setting) -> Plan:
    from popgan.config.schema import DataPlan

    changed_preset = changed(load_preset(preset, recipe), setting, reason="tried", tuned=False)
    overrides: dict[str, Any] = {"train.images": 50_000, "train.snapshots": 0}
    if recipe == "cgan":
        overrides["network.condition"] = []
    return build_plan(
        DataPlan.model_validate(DATA),
        preset_name=preset,
        preset=changed_preset,
        recipe=recipe,
        seed=0,
        budget=None,
        overrides=overrides,
        machine=MachineFacts(2, "CPU", True),
        probe=lambda plan: [100.0] * plan.network.levels,
    )


CASES = [(recipe, preset) for recipe in recipes() for preset in preset_names(recipe)]


_LARGE: Setting = {"train.batch": 32, "preset.channel_base": 3072, "network.latent_dim": 256}
OUTSIDE: dict[str, Setting] = {
    "popgan/paper": _LARGE,
    "cgan/paper": _LARGE,
    "r3gan/paper": {"train.batch": 32, "preset.channel_base": 4096},
    "stylegan2/auto": {"preset.channel_base": 4096},
    "stylegan2/paper": {
        **{"train.batch": 32, "preset.channel_base": 4096, "network.mapping_layers": 4}
    },
}
"""Values of presets that are too large for trials of minutes, and what is tried instead."""


@pytest.mark.parametrize(("recipe", "preset"), CASES)
def test_every_preset_lies_in_its_space_but_for_what_is_too_large_for_a_trial(
    recipe: str, preset: str
) -> None:
    space, known = load_space(recipe), load_preset(preset, recipe)
    whole = defaults(space, known, plan_of(recipe, preset, {}))
    # Not what a rule decides for this cohort, which may lie anywhere.
    said = {*known.values, "augmentation.method", "train.batch"}
    said |= {f"{PARAMETER}{name}" for name in ("channel_base", "gamma_at_64")}
    whole = {name: value for name, value in whole.items() if name in said}
    counting = [one for one in space if one.name in whole and active(one, whole, {})]
    outside = {one.name for one in counting if not fits([one], {one.name: whole[one.name]})}
    instead = OUTSIDE.get(f"{recipe}/{preset}", {})
    assert outside == set(instead)
    # Seen from another default, all of it is tried, and what is too large as near as may be.
    standard = load_preset("standard", recipe)
    own = defaults(space, standard, plan_of(recipe, "standard", {}))
    narrow = including(space, own)
    tried = {**own, **fitted(narrow, whole, own)}
    assert fits(narrow, tried)
    for one in counting:
        assert tried[one.name] == instead.get(one.name, whole[one.name]), one.name
    # Seen from itself nothing changes.
    assert fitted(including(space, whole), whole, whole) == {}


@pytest.mark.parametrize("recipe", recipes())
def test_every_value_that_is_searched_changes_the_plan_and_nothing_it_should_not(
    recipe: str,
) -> None:
    preset = "standard"
    base = plan_of(recipe, preset, {})
    default = defaults(load_space(recipe), load_preset(preset, recipe), base)
    for one in including(load_space(recipe), default):
        others = [*one.choices, one.low, one.high]
        value = next(v for v in others if v is not None and v != default[one.name])
        met = {name: wanted for name, wanted in one.when.items() if default[name] != wanted}
        made = plan_of(recipe, preset, {**met, one.name: value})
        changes = {k for k, v in leaves(made) if dict(leaves(base)).get(k) != v}
        grows = any(base.train.level_shares[:-1])
        assert changes or (one.grows and not grows), one.name
        if not one.name.startswith(PARAMETER):
            assert dict(leaves(made))[one.name] == value, one.name


@pytest.mark.parametrize("recipe", ["popgan", "stylegan2"])
def test_a_half_life_longer_than_the_run_widens_no_bounds_beyond_what_presets_can_have(
    recipe: str,
) -> None:
    preset = load_preset("standard", recipe).model_copy(update={"ema_share": None})
    plan = plan_of(recipe, "standard", {})
    train = plan.train.model_copy(update={"images": 1888, "ema_half_life": 5000.0})
    plan = plan.model_copy(update={"train": train})
    default = defaults(load_space(recipe), preset, plan)
    assert default["preset.ema_share"] == 1.0
    (one,) = [one for one in including(load_space(recipe), default) if "ema" in one.name]
    assert one.high == 1.0
    for value in (one.low, one.high):
        changed(preset, {one.name: value}, reason="a test", tuned=False)


@functools.cache
def known_plan() -> Plan:
    return plan_of("popgan", "standard", {})


@given(st.integers(100, 10**6), st.integers(2, 9000), st.integers(1, 9000))
def test_no_two_values_of_a_space_are_the_same_plan(images: int, slices: int, buffer: int) -> None:
    plan = known_plan()
    train = plan.train.model_copy(
        update={"images": images, "shuffle_buffer": buffer, "ema_half_life": 0.02 * images}
    )
    data = plan.data.model_copy(update={"train_slices": slices})
    plan = plan.model_copy(update={"train": train, "data": data})
    cut = {one.name: one for one in distinct(load_space("popgan"), plan)}
    before = {one.name: one for one in load_space("popgan")}
    others = set(before) - {"preset.ema_share", "train.shuffle_buffer"}
    assert all(cut[name] == before[name] for name in others)
    if (share := cut.get("preset.ema_share")) is not None:
        assert share.low is not None and share.low * images >= 100 - 1e-6
        assert share.high == train.ema_ramp, "a longer half-life is cut to this share anyway"
    else:
        assert train.ema_ramp * images <= 100
    choices = [*cut["train.shuffle_buffer"].choices, buffer]
    assert len({min(int(c), slices) for c in choices}) == len(set(choices))


@pytest.mark.parametrize("recipe", recipes())
def test_no_loss_is_searched_that_the_networks_cannot_be_trained_with(recipe: str) -> None:
    (loss,) = [one for one in load_space(recipe) if one.name == "train.loss"]
    assert set(loss.choices) <= set(plan_of(recipe, "standard", {}).network.losses)
    named = [setting for part in parts_of(recipe) for setting in (part.out, part.put)]
    tried = {setting["train.loss"] for setting in named if "train.loss" in setting}
    assert tried == {"logistic", "rpgan"} <= set(loss.choices)


@given(st.integers(0, 2**31 - 1))
def test_suggestions_keep_bounds_and_conditions(seed: int) -> None:
    sampler = optuna.samplers.RandomSampler(seed=seed)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    trial = optuna.create_study(sampler=sampler).ask()
    chosen = suggest(trial, SPACE, {})
    assert fits(SPACE, chosen)
    assert ("preset.gamma_at_64" in chosen) == (chosen["train.loss"] != "lsgan")
    assert fits(SPACE, rounded(chosen))


def test_a_condition_is_met_by_what_is_held_too() -> None:
    one = SearchSpace(name="a", low=0, high=1, when={"augmentation.method": "affine"})
    assert active(one, {}, {"augmentation.method": "affine"})
    assert active(one, {"augmentation.method": "affine"}, {"augmentation.method": "ada"})
    assert not active(one, {}, {})


def test_the_user_narrows_the_space() -> None:
    space = load_space("popgan")
    (rate,) = narrowed(space, ["train.lr_generator=1e-3:2e-3", "train.lr_generator"])
    assert (rate.low, rate.high, rate.log) == (0.001, 0.002, True)
    (batch,) = narrowed(space, ["train.batch", "train.batch=4,64"])
    assert batch.choices == [4, 64]
    (whole,) = narrowed(space, ["train.batch", "train.batch=4:64"])
    assert whole.whole and not whole.choices
    (rate,) = narrowed(space, ["train.lr_generator", "train.lr_generator=1e-3,5e-3,0.001"])
    assert rate.choices == [0.001, 0.005]
    (flag,) = narrowed(space, ["train.r2", "train.r2=True"])
    assert flag.choices == [True]
    assert "train.loss" not in [one.name for one in narrowed(space, ["train.loss="])]
    assert len(narrowed(space, ["train.loss="])) == len(space) - 1


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ("train.lr_generater", "did you mean train.lr_generator"),
        ("train.batch=8:4", "no range"),
        ("train.batch=a:b", "is no number"),
        ("train.gamma", "it follows from preset.gamma_at_64, which is searched instead"),
        ("train.loss=0:1", "has no range"),
        ("train.loss=3", "no such value"),
        ("train.lr_generator=fast", "not a list of values"),
        ("train.batch=[1]", "not a list of values"),
        ("train.batch=[1", "not a list of values"),
        ("train.batch=4,,8", "not a list of values"),
        ("train.batch=4,fast", "not a list of values"),
        ("train.lr_generator=1e-3,nan", "not a list of values"),
        ("train.lr_generator=true", "not a list of values"),
        ("train.r2=1", "no such value"),
    ],
)
def test_bounds_that_are_not_possible_are_refused_in_one_line(wish: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        narrowed(load_space("popgan"), [wish])


def test_a_default_outside_widens_the_space() -> None:
    wide = including(SPACE, {"train.lr_generator": 0.0, "train.batch": 256})
    assert [one.name for one in wide] == ["train.lr_generator", "train.batch"]
    assert wide[0].low == 0 and not wide[0].log
    assert wide[1].choices == [4, 8, 256]


def test_translators_are_not_tuned_by_images_they_do_not_draw() -> None:
    with pytest.raises(UserError, match="cannot be tuned"):
        load_space("pix2pix")
