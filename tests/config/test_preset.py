"""Presets that a study has found: written as what differs, read back the same, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from popgan.config.preset import (
    Preset,
    changed,
    load_preset,
    preset_names,
    read_preset,
    save_preset,
)
from popgan.config.preset_model import found_values, plan_value, reasoned
from popgan.errors import UserError
from popgan.planning.recipes import RULES

FOUND = {
    "train.batch": 16,
    "train.lr_generator": 0.002,
    "train.shuffle_buffer": 256,
    "preset.channel_base": 3072,
    "preset.gamma_at_64": 0.5,
    "preset.low_levels": 0.1,
}
WHY = "study popgan: KID 0.11 against 0.14 of standard, 3 seeds each"


def found(base: str = "paper") -> Preset:
    return changed(load_preset(base, "popgan"), FOUND, reason=WHY, tuned=True)


def test_a_setting_changes_values_and_parameters_and_their_reasons() -> None:
    preset = found()
    assert (preset.batch, preset.channel_base, preset.gamma_at_64) == (16, 3072, 0.5)
    assert preset.values["train.lr_generator"] == (0.002, WHY)
    assert preset.batch_reason == preset.channel_reason == preset.gamma_reason == WHY
    assert preset.tuned == dict.fromkeys(FOUND, WHY)
    before = load_preset("paper", "popgan")
    assert before.tuned == {} and before.batch != 16, "the starting point is left as it was"


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"preset.nope": 1}, "no parameter preset.nope"),
        ({"train.batch": 1}, "batch"),
        ({"preset.gamma_at_64": float("nan")}, "gamma_at_64"),
        ({"preset.channel_base": -8}, "channel_base"),
    ],
)
def test_an_impossible_setting_is_one_line(setting: dict[str, float], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        changed(load_preset("quick", "popgan"), setting, reason="x", tuned=False)
    assert "\n" not in str(caught.value)


def test_what_is_found_is_written_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "preset.yaml"
    save_preset(path, found(), "popgan/paper")
    told = yaml.safe_load(path.read_text())
    assert told["extends"] == "popgan/paper" and set(told["tuned"]) == set(FOUND)
    read = read_preset(path, "popgan", name="tuned")
    assert read == found().model_copy(update={"name": "tuned"})
    assert read_preset(path, "popgan").name == "preset"


def test_what_is_found_stays_what_it_is_when_popgans_own_preset_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, kept = tmp_path / "preset.yaml", found()
    save_preset(path, kept, "popgan/paper")
    later = load_preset("paper", "popgan")
    values = {**later.values, "train.fade": (0.5, "of another popgan")}
    del values["network.pixel_norm"]
    later = later.model_copy(update={"values": values, "ema_share": 0.5, "gamma_start": 3.0})
    monkeypatch.setattr("popgan.config.preset.load_preset", lambda name, recipe: later)
    assert read_preset(path, "popgan", name="paper") == kept


def test_a_value_that_is_set_is_no_longer_what_a_study_has_found() -> None:
    base = changed(
        found(), {"train.gamma": 1.0, "train.lr_generator": 0.1}, reason="x", tuned=False
    )
    assert set(base.tuned) == set(FOUND) - {"train.lr_generator", "preset.gamma_at_64"}
    assert reasoned(base).values["train.lr_generator"] == (0.1, "x")


def test_a_value_that_is_taken_back_stays_away(tmp_path: Path) -> None:
    base = load_preset("paper", "popgan")
    values = {name: value for name, value in base.values.items() if name != "train.shuffle_buffer"}
    preset = base.model_copy(update={"values": values})
    save_preset(tmp_path / "p.yaml", preset, "popgan/paper")
    assert "train.shuffle_buffer" not in read_preset(tmp_path / "p.yaml", "popgan").values


@pytest.mark.parametrize("recipe", list(RULES))
def test_every_preset_of_popgan_is_written_and_read_unchanged(recipe: str, tmp_path: Path) -> None:
    for name in preset_names(recipe):
        preset = load_preset(name, recipe)
        for base in preset_names(recipe):
            path = tmp_path / f"{name}-{base}.yaml"
            save_preset(path, preset, f"{recipe}/{base}")
            assert read_preset(path, recipe, name=name) == preset


GOOD = "extends: popgan/standard\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[", "not readable YAML"),
        ("", "no table"),
        ("just words", "no table"),
        ("1: 2", "no table"),
        ("batch: 8\n", "extends"),
        ("extends: standard\n", "extends"),
        ("extends: ../../secret\n", "recipe"),
        ("extends: popgan/../stylegan2/auto\n", "none of"),
        ("extends: popgan/best\n", "none of paper, quick, standard"),
        ("extends: [popgan, standard]\n", "extends"),
        ("extends: stylegan2/auto\n", "found for recipe stylegan2, and this is recipe popgan"),
        (GOOD + "nope: 1\n", "nope"),
        (GOOD + "batch: many\n", "batch"),
        (GOOD + "batch: 100000\n", "batch"),
        (GOOD + "gamma_at_64: .inf\n", "gamma_at_64"),
        (GOOD + "values: [1]\n", "values"),
        (GOOD + "values: {train.batch: 8}\n", "train.batch"),
        (GOOD + "values: {train.fade: [[[1]], words]}\n", "train.fade"),
        (GOOD + "tuned: {train.nope: words}\n", "tuned.train.nope"),
        (GOOD + "tuned: {preset.nope: words}\n", "tuned.preset.nope"),
        (GOOD + f"summary: {'x' * 3000}\n", "summary"),
        (GOOD + f"level_weights: {[1] * 100}\n", "level_weights"),
        (GOOD + "x" * 2**18, "256 KiB"),
        ("!!python/object/apply:os.getcwd []", "YAML"),
    ],
)
def test_a_damaged_or_foreign_preset_is_one_clear_line(
    text: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "preset.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=words) as caught:
        read_preset(path, "popgan")
    assert "preset.yaml" in str(caught.value) and "\n" not in str(caught.value)


def test_a_preset_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        read_preset(tmp_path / "preset.yaml", "popgan")
    with pytest.raises(UserError, match="256 KiB"):
        read_preset(tmp_path, "popgan")


def test_names_of_a_setting_lead_to_values_of_the_plan() -> None:
    assert plan_value("train.fade") == "train.fade"
    assert plan_value("preset.channel_base") == "network.channels"
    assert plan_value("preset.batch") == plan_value("train.batch") == "train.batch"
    assert found_values(found()) == {
        *("train.batch", "train.lr_generator", "train.shuffle_buffer"),
        *("network.channels", "train.gamma", "train.level_shares"),
    }


def test_the_studys_reason_stands_at_everything_it_has_found() -> None:
    by_hand = found().model_copy(
        update={"gamma_reason": "before", "tuned": {"preset.gamma_at_64": WHY}}
    )
    assert reasoned(by_hand).gamma_reason == WHY
    assert reasoned(found()) == found()
