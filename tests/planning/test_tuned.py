"""Plans from what a study has found: marked as tuned, unless a rule or the user had to differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from plans import make_plan
from popgan.config.preset import Preset, changed, load_preset
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.planning.facts import CohortFacts, MachineFacts

WHY = "study popgan: KID 0.11 against 0.14"
FOUND = {
    "train.batch": 16,
    "train.lr_generator": 0.002,
    "train.shuffle_buffer": 256,
    "network.latent_dim": 64,
    "preset.channel_base": 3072,
    "preset.gamma_at_64": 0.5,
    "preset.low_levels": 0.1,
    "preset.ema_share": 0.02,
}


@dataclass
class Fitting:
    fits: bool = True
    level: int = 3
    text: str = "the prior"


def tuned(setting: dict[str, Any] | None = None, base: str = "standard") -> Preset:
    return changed(load_preset(base, "popgan"), setting or FOUND, reason=WHY, tuned=True)


def plan(setting: dict[str, Any] | None = None, **options: Any) -> Plan:
    return make_plan("tuned", chosen=tuned(setting), **options)


def sources(found: Plan, source: str) -> set[str]:
    return {name for name, decision in found.decisions.items() if decision.source == source}


def test_what_a_study_has_found_is_tuned_and_everything_else_is_as_before() -> None:
    found, before = plan(), make_plan("standard")
    assert (found.train.batch, found.train.gamma) == (16, 0.5)
    assert before.network.channels == [128, 128, 96, 48]
    assert found.network.channels == [128, 128, 128, 96]  # twice as wide, up to the widest
    assert sum(found.train.level_shares[:-1]) == pytest.approx(0.1, abs=1e-3)
    assert found.train.ema_half_life == int(0.02 * found.train.images)
    marked = {
        *("train.batch", "train.lr_generator", "train.shuffle_buffer", "network.latent_dim"),
        *("network.channels", "train.gamma", "train.level_shares", "train.ema_half_life"),
    }
    assert sources(found, "tuned") == marked | sources(before, "tuned")
    assert all(WHY in found.decisions[name].reason for name in marked)
    # What the rule makes of the study's parameter stands there, too.
    assert "0.5 at 64 x 64" in found.decisions["train.gamma"].reason
    assert found.preset == "tuned"
    same = set(before.decisions) - marked - {"train.images", "train.micro_batch"}
    assert all(found.decisions[name] == before.decisions[name] for name in same - RENAMED)


RENAMED = {"generate.n", "evaluate.n", "network.minibatch_stddev", "train.ticks"}
"""Reasons that name the preset, the batch, or the length."""


def test_a_rule_that_must_differ_says_so_as_a_rule() -> None:
    few = plan(slices=9)
    assert few.train.batch == 8
    assert few.decisions["train.batch"].source == "rule"
    assert few.decisions["train.batch"].reason == (
        "only 9 training slices, too few for the study's 16"
    )
    started = plan(prior=lambda provisional: Fitting())
    assert started.train.level_shares[-1] == 1.0
    assert started.decisions["train.level_shares"].source == "rule"
    penalised = plan(FOUND | {"train.loss": "wgan-gp"})
    assert penalised.decisions["train.gamma"].source == "rule"
    assert penalised.train.gamma == 10.0


def test_the_user_wins_over_the_study() -> None:
    found = plan(overrides={"train.batch": 6, "train.gamma": 2.0, "train.lr_generator": 0.01})
    for name in ("train.batch", "train.gamma", "train.lr_generator"):
        assert found.decisions[name].reason == "set by the user"
    assert "network.channels" in sources(found, "tuned")


def test_a_value_that_rules_decide_can_be_found_as_well() -> None:
    setting = {"train.gamma": 0.7, "network.minibatch_stddev": 1, "train.precision": "fp32"}
    found = plan({**setting, "network.kernel": 5})
    assert (found.train.gamma, found.network.minibatch_stddev) == (0.7, 1)
    assert found.train.precision == "fp32" and found.network.kernel == 5
    shipped = sources(make_plan("standard"), "tuned")
    assert sources(found, "tuned") == {*setting, "network.kernel"} | shipped


def test_a_preset_can_ask_for_random_weights_and_a_prior_that_does_not_fit_is_a_rule() -> None:
    def never(provisional: Plan) -> Fitting:
        raise AssertionError("nobody has to look")

    plain = plan({"train.init": "scratch"}, prior=never)
    assert plain.train.init == "scratch" and plain.train.level_shares[0] > 0
    assert plain.decisions["train.init"].source == "tuned"
    other = plan({"train.init": "phantom"}, prior=lambda provisional: Fitting(fits=False))
    assert other.train.init == "scratch"
    assert "too little" in other.decisions["train.init"].reason


def test_length_that_a_preset_states_gives_way_to_a_budget() -> None:
    assert plan({"train.images": 5000}).train.images == 5000
    assert plan({"train.images": 5000}, budget="10m").train.images > 5000
    assert plan({"preset.images": 7000}, overrides={"train.images": 640}).train.images == 640


def test_a_value_that_no_plan_has_is_one_line() -> None:
    with pytest.raises(UserError, match=r"train\.nope") as caught:
        plan({"train.nope": 1})
    assert "\n" not in str(caught.value)


def test_reasons_name_facts_of_cohort_and_machine() -> None:
    machine = MachineFacts(
        4, "CUDA", True, processor="made-up", memory_gib=64, gpu="Card 9", gpu_memory_gib=24
    )
    facts = CohortFacts({"ill": 30, "well": 570}, 0.021)
    found = make_plan(
        recipe="cgan",
        machine=machine,
        facts=facts,
        overrides={"augmentation.method": "ada", "train.images": 100, "network.condition": []},
    ).decisions
    assert found["train.precision"].reason.startswith("the GPU (Card 9) has fast")
    assert "24 GiB" in found["train.micro_batch"].reason
    assert "0.021 of their range" in found["augmentation.noise"].reason
    assert facts.balance == "well 570, ill 30 training slices, the largest 19 times the smallest"
    assert MachineFacts(2, "CPU", False, processor="made-up").named == "CPU (made-up)"
    assert CohortFacts.of({"noise": {"T1w": {"median": 0.02}}}) == CohortFacts({}, 0.02)
    assert CohortFacts({"one": 4}).balance == ""
