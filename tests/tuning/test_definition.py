"""A study says once what it is about; budgets become seconds a trial."""

from __future__ import annotations

from pathlib import Path

import pytest

from popgan.errors import UserError
from popgan.tuning.definition import BUILDING, SURVIVORS, Definition, StudyPlaces, seconds_of
from tuning.tiny_searches import heads, own_run, study

_ = (heads, own_run)


def test_a_budget_is_shared_among_all_trainings() -> None:
    more = {"finals": 12, "spread": 3}
    seconds = seconds_of("2h", 24, 1, measuring=20.0, **more)
    trainings = 3 + SURVIVORS * 21 + 12
    assert (seconds + 20) * trainings * BUILDING == pytest.approx(7200, rel=1e-2)
    once, twice = (seconds_of("2h", 24, n, measuring=0.0, **more) for n in (1, 2))
    assert twice == pytest.approx(2 * once, rel=1e-2)


def test_too_short_a_budget_says_how_much_is_needed() -> None:
    with pytest.raises(UserError, match=r"grant (\d+)m or more") as refused:
        seconds_of("2m", 24, 1, finals=12, spread=3, measuring=20.0)
    minutes = str(refused.value).split("grant ")[1].split("m ")[0]
    assert seconds_of(f"{minutes}m", 24, 1, finals=12, spread=3, measuring=20.0) >= 10


def test_a_study_is_read_as_it_was_written(own_run: Path) -> None:
    places, definition, _ = study(own_run)
    assert Definition.load(places.definition) == definition


def test_a_damaged_study_is_one_line(own_run: Path) -> None:
    places, _, _ = study(own_run)
    places.definition.write_text(places.definition.read_text().replace("trials: 5", "trials: no"))
    with pytest.raises(UserError, match=r"is no study of popgan \(trials"):
        Definition.load(places.definition)


@pytest.mark.parametrize("name", ["", "../up", "a/b", "-x"])
def test_a_name_is_a_folder(name: str) -> None:
    with pytest.raises(UserError, match="not usable"):
        StudyPlaces(Path("run"), name)
