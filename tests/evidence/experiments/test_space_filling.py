"""Settings that fill a space: within bounds, even on every scale, balanced, conditional."""

from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from popgan.evidence.experiments.dimensions import allowed, completed, from_unit, inside, to_unit
from popgan.evidence.experiments.results import SearchSpace
from popgan.evidence.experiments.space_filling import space_filling

RATE = SearchSpace(name="rate", low=1e-4, high=1e-2, log=True)
DROPOUT = SearchSpace(name="dropout", low=0.0, high=0.5)
BATCH = SearchSpace(name="batch", low=8, high=128, log=True, whole=True)
LEVELS = SearchSpace(name="levels", low=1, high=4, whole=True)
LOSS = SearchSpace(name="loss", choices=["wgan", "logistic", "hinge"])
BANK = SearchSpace(name="bank", choices=[False, True])
SIZE = SearchSpace(name="size", low=100, high=6000, log=True, whole=True, when={"bank": True})
GAMMA = SearchSpace(name="gamma", low=0.1, high=10, log=True, unless={"loss": "wgan"})
KEEP = SearchSpace(name="keep", choices=["old", "new"], when={"size": 100})
SPACE = [SIZE, RATE, DROPOUT, BATCH, LEVELS, LOSS, BANK]


def test_every_value_lies_inside_and_has_its_kind() -> None:
    for setting in space_filling(SPACE, 50, 0):
        assert all(inside(one, setting[one.name]) for one in SPACE if one.name in setting)
        assert isinstance(setting["batch"], int) and isinstance(setting["levels"], int)
        assert isinstance(setting["rate"], float)


def test_ranges_are_even_on_the_scale_that_they_are_searched_on() -> None:
    found = space_filling(SPACE, 64, 1)
    for one in (RATE, DROPOUT):
        shares = [to_unit(one, setting[one.name]) for setting in found]
        # Sobol: one in each of 64 stretches.
        assert sorted(int(64 * share) for share in shares) == list(range(64))


def test_whole_numbers_are_equally_likely() -> None:
    counts = Counter(setting["levels"] for setting in space_filling(SPACE, 64, 2))
    assert counts == {1: 16, 2: 16, 3: 16, 4: 16}


@pytest.mark.parametrize("n", [6, 31, 50])
def test_choices_are_balanced_for_any_number_of_settings(n: int) -> None:
    found = space_filling(SPACE, n, 3)
    for one in (LOSS, BANK):
        counts = Counter(setting[one.name] for setting in found)
        assert len(counts) == len(one.choices)
        assert max(counts.values()) - min(counts.values()) <= 1


def test_what_counts_only_under_a_condition_is_there_only_then() -> None:
    found = space_filling(SPACE, 40, 4)
    assert all(("size" in setting) == (setting["bank"] is True) for setting in found)
    # The settings keep the order of the space, whatever decides on what.
    assert list(found[0]) == [one.name for one in SPACE if one.name in found[0]]


def test_a_condition_on_what_is_not_searched_is_taken_to_hold() -> None:
    assert all("size" in setting for setting in space_filling([SIZE, RATE], 8, 5))


def test_what_is_held_decides_as_well() -> None:
    found = space_filling([SIZE, GAMMA, RATE], 8, 5, held={"bank": False, "loss": "wgan"})
    assert all(list(setting) == ["rate"] for setting in found)


def test_what_does_not_count_beside_a_choice_is_left_out_there() -> None:
    found = space_filling([GAMMA, LOSS], 30, 5)
    assert all(("gamma" in setting) == (setting["loss"] != "wgan") for setting in found)
    assert all("gamma" in setting for setting in space_filling([GAMMA, RATE], 4, 5))
    assert allowed([GAMMA, LOSS], GAMMA) == {"loss": ["logistic", "hinge"]}


def test_a_value_that_rounding_moved_across_a_bound_is_still_inside() -> None:
    odd = SearchSpace(name="odd", low=0.12345, high=1.0)
    assert inside(odd, 0.123) and to_unit(odd, 0.123) == 0 and not inside(odd, 0.1)
    assert not inside(RATE, 0.0) and not inside(RATE, "much")


def test_a_condition_holds_only_where_its_own_condition_does() -> None:
    full = completed([BANK, SIZE, KEEP], {"bank": False, "size": 100, "keep": "new"})
    assert full == {"bank": False}
    assert completed([BANK, SIZE, KEEP], {"bank": True, "size": 100, "keep": "new"}) == {
        "bank": True, "size": 100, "keep": "new",
    }  # fmt: skip


def test_the_space_is_filled_better_than_by_chance() -> None:
    space = [SearchSpace(name=f"x{i}", low=0, high=1) for i in range(6)]
    points = [[float(value) for value in s.values()] for s in space_filling(space, 64, 6)]
    rng = np.random.default_rng(0)
    chance = [scipy.stats.qmc.discrepancy(rng.random((64, 6))) for _ in range(20)]
    assert scipy.stats.qmc.discrepancy(np.array(points)) < 0.7 * min(chance)


def test_a_seed_gives_the_same_settings_again_and_another_gives_others() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert space_filling(SPACE, 20, 7) == space_filling(SPACE, 20, 7)
    assert space_filling(SPACE, 20, 7) != space_filling(SPACE, 20, 8)


def test_nothing_to_search_gives_empty_settings() -> None:
    assert space_filling([], 2, 0) == [{}, {}] and space_filling(SPACE, 0, 0) == []


def test_a_space_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        space_filling([RATE, RATE], 4, 0)
    first = SearchSpace(name="a", choices=[1, 2], when={"b": 1})
    second = SearchSpace(name="b", choices=[1, 2], when={"a": 1})
    with pytest.raises(ValueError, match="wait for each other"):
        space_filling([first, second], 4, 0)
    with pytest.raises(ValueError, match="neither bounds nor choices"):
        space_filling([SearchSpace(name="empty")], 4, 0)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([RATE, DROPOUT, BATCH, LEVELS, SIZE]), st.floats(0, 1))
def test_a_value_keeps_its_place_on_the_scale(one: SearchSpace, share: float) -> None:
    value = from_unit(one, share)
    assert inside(one, value)
    again = to_unit(one, value)
    assert from_unit(one, again) == pytest.approx(value)
    if not one.whole:
        assert again == pytest.approx(share, abs=1e-9)
