"""A final is decided by fresh trainings alone, and not by a low score that is bought."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from popgan.evidence.experiments.results import Candidate, Finals, Setting, Trial, TuneResult
from popgan.tuning.outcome import finals

SEEDS = (11, 12, 13)
GOOD: Setting = {"train.batch": 4}
FLAT: Setting = {"train.batch": 16}


def trained(number: int, setting: Setting, kid: float | None, **more: Any) -> Trial:
    values: dict[str, Any] = {
        **{"number": number, "purpose": "sampled", "setting": setting, "seed": number},
        **{"state": "complete", "kid": kid, "coverage": 0.8, "coverage_floor": 0.9},
        **{"diversity": 1.0},
    }
    return Trial.model_validate(values | more)


SEARCH = [
    trained(0, {}, 0.5, purpose="default"),
    trained(1, GOOD, 0.3),
    trained(2, FLAT, 0.2),
]


def fresh(setting: Setting, kid: float, **more: Any) -> list[Trial]:
    """With each seed of the final; the KID differs a little between them."""
    return [
        trained(place, setting, kid + place / 1000, purpose="final", seed=seed, **more)
        for place, seed in enumerate(SEEDS)
    ]


def decided(*trainings: list[Trial], count: int = 2) -> Finals:
    definition: Any = SimpleNamespace(finalists=count, final_seeds=3)
    found = finals(SEARCH, [one for each in trainings for one in each], definition)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        ({"coverage": 0.5}, "loses coverage 0.50, at least 0.64"),
        ({"diversity": 0.1}, "loses variety 0.10, at least 0.80"),
        ({"diversity": 4.0}, "is too varied: 4.00, at most 1.25"),
    ],
)
def test_a_finalist_whose_fresh_trainings_collapse_is_out_however_low_its_kid(
    lost: dict[str, float], words: str
) -> None:
    found = decided(fresh({}, 0.5), fresh(GOOD, 0.3), fresh(FLAT, 0.1, **lost))
    flat, good = found.candidates[1:]
    assert (flat.trial, flat.reason) == (2, words) and good.reason == ""
    assert found.candidates[found.chosen] is good
    assert found.reason.endswith(f"; trial 2 {words}")


def test_the_default_is_told_by_its_mean_in_the_search_by_which_finalists_are_found() -> None:
    definition: Any = SimpleNamespace(finalists=2, final_seeds=3)
    search = [*SEARCH, trained(3, {}, 0.3, purpose="seed spread")]
    found = finals(search, [*fresh({}, 0.5), *fresh(FLAT, 0.1), *fresh(GOOD, 0.2)], definition)
    assert found is not None
    assert [one.searched for one in found.candidates] == [0.4, 0.2, 0.3]


def test_it_is_the_mean_of_the_fresh_trainings_that_counts() -> None:
    varied = fresh(FLAT, 0.1)
    varied[0] = varied[0].model_copy(update={"diversity": 0.5})
    found = decided(fresh({}, 0.5), fresh(GOOD, 0.3), varied)
    assert found.candidates[found.chosen].setting == FLAT
    # The limit comes from the default's fresh trainings, whatever the search had seen of it.
    found = decided(fresh({}, 0.5, coverage=0.2), fresh(GOOD, 0.3), fresh(FLAT, 0.1, coverage=0.17))
    assert found.candidates[found.chosen].setting == FLAT


def test_the_default_stays_where_every_finalist_collapses() -> None:
    found = decided(fresh({}, 0.5), fresh(FLAT, 0.1, diversity=0.0), count=1)
    assert found.chosen == 0
    assert found.reason == (
        "the default stays: no candidate keeps its coverage and variety; "
        "trial 2 loses variety 0.00, at least 0.80"
    )


def test_results_of_earlier_versions_are_read() -> None:
    known = {"trial": 1, "setting": {}, "searched": 0.4, "values": [0.4], "mean": 0.4}
    assert Candidate.model_validate(known).reason == ""


def test_a_search_knows_whether_it_has_tried_anything_but_the_default() -> None:
    values: dict[str, Any] = {
        **{"name": "a", "recipe": "popgan", "preset": "quick", "shape": (8, 8), "subjects": 9},
        **{"slices": 9, "tuning_subjects": 3, "tuning_slices": 3, "seconds": 1.0, "rungs": []},
        **{"space": []},
    }
    alone = [*SEARCH[:1], trained(1, {}, 0.4), *fresh(GOOD, 0.3)]
    assert TuneResult(**values, trials=alone).only_default
    assert not TuneResult(**values, trials=[*alone, *SEARCH[1:]]).only_default
