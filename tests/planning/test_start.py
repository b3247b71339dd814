"""What training starts from: the prior where it fits, scratch otherwise, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from plans import make_plan
from popgan.config.preset import load_preset
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.planning.start import level_shares


@dataclass(frozen=True)
class Found:
    """A prior that fits, or does not."""

    fits: bool = True
    level: int = 3
    text: str = "prior phantom-64: 58 of 58 tensors"


def plan(found: Found | None, **options: Any) -> Plan:
    return make_plan(prior=lambda provisional: found, **options)


def test_a_prior_that_fits_is_the_default_and_the_plan_says_what_is_taken_over() -> None:
    made = plan(Found())
    assert made.train.init == "phantom"
    assert made.decisions["train.init"].source == "rule"
    assert "58 of 58 tensors" in made.decisions["train.init"].reason


def test_with_the_prior_no_images_go_to_levels_that_are_learnt() -> None:
    assert plan(Found(level=3)).train.level_shares == [0.0, 0.0, 0.0, 1.0]
    larger = plan(Found(level=3), side=128)
    assert larger.train.level_shares[:3] == [0.0, 0.0, 0.0]
    assert larger.train.level_shares[3] > 0 and larger.train.level_shares[4] > 0


def test_scratch_is_a_choice() -> None:
    made = plan(Found(), overrides={"train.init": "scratch"})
    assert made.train.init == "scratch"
    assert made.train.level_shares[0] > 0
    assert made.decisions["train.init"].reason == "set by the user"


def test_a_prior_that_gives_too_little_is_left_alone_with_the_reason() -> None:
    made = plan(Found(fits=False, text="3 of 58 tensors"))
    assert made.train.init == "scratch"
    assert "3 of 58 tensors" in made.decisions["train.init"].reason
    assert plan(None).train.init == "scratch"


@pytest.mark.parametrize("found", [None, Found(fits=False)])
def test_to_insist_on_a_prior_that_does_not_fit_is_refused(found: Found | None) -> None:
    with pytest.raises(UserError, match="cannot start from the physics prior"):
        plan(found, overrides={"train.init": "phantom"})


def test_recipes_without_a_prior_do_not_look_for_one() -> None:
    def never(provisional: Plan) -> Found:
        raise AssertionError

    assert make_plan("standard", recipe="r3gan", prior=never).train.init == "scratch"


def test_the_users_shares_of_levels_stay() -> None:
    shares = [0.1, 0.2, 0.3, 0.4]
    made = plan(Found(), overrides={"train.level_shares": shares})
    assert made.train.level_shares == shares


@pytest.mark.parametrize("levels", [1, 3, 4, 6])
def test_shares_sum_to_one_wherever_training_starts(levels: int) -> None:
    preset = load_preset("standard", "popgan")
    for first in range(levels):
        shares = level_shares(preset, levels, first=first)
        assert sum(shares) == pytest.approx(1)
        assert shares[:first] == [0.0] * first
        assert shares[-1] > 0
