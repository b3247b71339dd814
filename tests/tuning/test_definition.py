"""A study says once what it is about; budgets become seconds a trial."""

from __future__ import annotations

import heapq
from pathlib import Path

import numpy as np
import pytest

from popgan.errors import UserError
from popgan.tuning.budgets import BUILDING, EARLY, Grant, minutes, searched_trainings, trained
from popgan.tuning.definition import Definition, StudyPlaces
from tuning.tiny_searches import heads, own_run, study

_ = (heads, own_run)


def grant(budget: str, workers: int = 1, *, measuring: float = 20.0) -> Grant:
    stopped = searched_trainings(24, spread=3, share=0.5)
    what = "24 trials and the final need"
    return Grant(budget, stopped, 12, workers, measuring, what, "--trials")


def test_a_budget_is_shared_among_all_trainings() -> None:
    seconds = grant("2h").seconds(10)
    trainings = 3 + 0.5 * 21 + 12
    assert (seconds + 20) * trainings * BUILDING == pytest.approx(7200)
    once, twice = (grant("2h", workers, measuring=0.0).seconds(10) for workers in (1, 2))
    assert 1.9 * once < twice < 2 * once
    assert searched_trainings(2, spread=3, share=0.5) == 2


@pytest.mark.parametrize("workers", [1, 2, 4, 8, 16, 24, 64])
@pytest.mark.parametrize("trials", [1, 3, 24])
def test_the_time_is_enough_however_many_work_at_once(trials: int, workers: int) -> None:
    rng = np.random.default_rng(workers)
    lengths = [1.0] * min(3, trials) + list(rng.choice([0.45, 1.0], max(0, trials - 3)))
    one = Grant("2h", sum(lengths), 12, workers, 0.0, "", "")
    assert _time(lengths, workers) + _time([1.0] * 12, workers) <= 7200 / one.seconds(1) / BUILDING


def _time(lengths: list[float], workers: int) -> float:
    """When the last of some trainings ends, each begun by whoever is free."""
    free = [0.0] * workers
    for one in lengths:
        heapq.heapreplace(free, free[0] + one)
    return max(free) - 1e-9


def test_a_trial_that_may_be_stopped_takes_what_is_left_of_it_on_average() -> None:
    # All reach 9 of 20 ticks, a third 13, a ninth the end.
    assert trained([9, 13], 3) == pytest.approx(EARLY * (9 + 4 / 3 + 7 / 9) / 20)
    assert trained([], 3) == 1.0
    assert trained([4, 9], 3) < trained([9, 13], 3) < trained([9], 3) < 1


@pytest.mark.parametrize("least", [10.0, 82.5])
def test_too_short_a_budget_says_how_much_is_needed(least: float) -> None:
    with pytest.raises(UserError, match=r"is too short: 24 trials and the final need") as refused:
        grant("2m").seconds(least)
    enough = str(refused.value).split("grant ")[1].split(" ")[0]
    assert grant(enough).seconds(least) >= least
    assert f"need {least:.3g} s each and 20 s to be measured" in str(refused.value)
    assert str(refused.value).endswith(f"grant {enough} or more, or ask for fewer --trials.")
    assert (minutes(59 * 60), minutes(3600), minutes(3601)) == ("59m", "1h", "1h1m")


def test_a_study_is_read_as_it_was_written(own_run: Path) -> None:
    places, definition, _ = study(own_run)
    assert Definition.load(places.definition) == definition


def test_no_two_searches_of_a_run_share_seeds_and_finals_are_fresh_to_all(own_run: Path) -> None:
    _, first, _ = study(own_run)
    names = [{"name": "second"}, {"seed": 1}, {"seed": 2**31 - 1}]
    searched, final = list[int](), list[int]()
    for one in (first, *(first.model_copy(update=update) for update in names)):
        searched += [one.search_seed(number) for number in range(5)]
        final += [one.final_seed(place) for place in range(3)]
    assert len({*searched, *final}) == len(searched) + len(final)
    # Of every search, however long, and the plan takes seeds up to here.
    assert min(searched) >= 0 and max(searched) + 2**20 - 5 < 2**30 <= min(final)
    assert max(final) <= 2**31 - 1
    again = first.model_copy()
    assert again.search_seed(4) == first.search_seed(4), "another process finds the same"


@pytest.mark.parametrize(
    ("trials", "spread", "finalists"),
    [(1, 1, 0), (2, 1, 1), (3, 1, 2), (5, 1, 3), (6, 2, 3), (9, 3, 3), (24, 3, 3)],
)
def test_a_short_search_tries_more_than_the_default_and_expects_no_final_that_cannot_be(
    own_run: Path, trials: int, spread: int, finalists: int
) -> None:
    values = study(own_run)[1].model_dump(exclude={"spread", "finalists", "final_seeds"})
    one = Definition.model_validate({**values, "trials": trials})
    assert (one.spread, one.most_finalists) == (spread, finalists)
    assert one.most_finals == (3 * (finalists + 1) if finalists else 0)
    # What an earlier version began keeps what it says.
    before = one.model_copy(update={"spread": 3})
    places = study(own_run)[0]
    before.save(places.definition)
    assert Definition.load(places.definition).spread == 3
    assert before.most_finalists == min(3, max(0, trials - 3))


def test_a_damaged_study_is_one_line(own_run: Path) -> None:
    places, _, _ = study(own_run)
    places.definition.write_text(places.definition.read_text().replace("trials: 5", "trials: no"))
    with pytest.raises(UserError, match=r"is no study of popgan \(trials"):
        Definition.load(places.definition)
    text = places.definition.read_text()
    places.definition.write_text(text.replace("spread: 2\n", ""))
    with pytest.raises(UserError, match=r"is no study of popgan \(trials"):
        Definition.load(places.definition)


@pytest.mark.parametrize("name", ["", "../up", "a/b", "-x"])
def test_a_name_is_a_folder(name: str) -> None:
    with pytest.raises(UserError, match="not usable"):
        StudyPlaces(Path("run"), name)
