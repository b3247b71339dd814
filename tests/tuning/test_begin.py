"""A study begins with nothing but what it is about, whatever an earlier one has left."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.tuning.ablation import begin as begin_ablation
from popgan.tuning.ablation_study import AblationPlaces
from popgan.tuning.begin import TuneOptions
from popgan.tuning.definition import StudyPlaces
from popgan.tuning.search import begin
from popgan.tuning.storage import SEARCH, Storage
from tuning.tiny_ablations import options as ablate_options
from tuning.tiny_ablations import short
from tuning.tiny_searches import HELD, cheap, heads, own_run, study

_ = (heads, own_run, cheap, short)
pytestmark = pytest.mark.usefixtures("cheap")


def options(*search: str) -> TuneOptions:
    held = {**HELD, "train.threads": 1}
    return TuneOptions(preset="quick", trials=2, budget="9m", overrides=held, search=search)


def test_a_search_begun_anew_finds_nothing_of_one_that_was_removed(own_run: Path) -> None:
    places = StudyPlaces(own_run, "popgan")
    stale = places.trial(SEARCH, 0) / "plan.yaml"
    stale.parent.mkdir(parents=True)
    stale.write_text("of a study that was removed")
    places.speeds.write_text('{"default": [1.0, 1.0]}')
    definition = begin(places, options("train.batch"), Reporter())
    assert not stale.exists() and "400" in places.speeds.read_text()
    kept = places.trial(SEARCH, 0) / "plan.yaml"
    kept.parent.mkdir(parents=True)
    kept.touch()
    assert begin(places, options("train.batch"), Reporter()) == definition
    assert kept.exists(), "going on removes nothing"


@pytest.mark.usefixtures("short")
def test_an_ablation_begun_anew_finds_nothing_of_one_that_was_removed(own_run: Path) -> None:
    places = AblationPlaces(own_run, "popgan")
    wanted = ablate_options(budget="10m", seeds=1)
    cell = begin_ablation(places, wanted, Reporter()).cells()[0]
    ended = places.private / "ended" / f"{cell.name}.json"
    ended.parent.mkdir()
    ended.write_text("{}")
    shutil.rmtree(places.folder)
    begin_ablation(places, wanted, Reporter())
    assert not ended.exists()


def test_trials_without_a_study_are_not_taken_for_those_of_a_new_one(own_run: Path) -> None:
    places, definition, _ = study(own_run)
    Storage(places, definition).enqueue_defaults()
    places.definition.unlink()
    with pytest.raises(UserError, match=r"no study.yaml that says what they are of; remove the"):
        begin(places, options("train.batch"), Reporter())


def test_a_trial_taken_over_or_asked_for_holds_nothing_of_another_study(own_run: Path) -> None:
    places, definition, _ = study(own_run)
    storage = Storage(places, definition)
    storage.enqueue_defaults()
    plan = places.trial(SEARCH, 0) / "plan.yaml"
    plan.parent.mkdir(parents=True)
    plan.write_text("left by another search")
    for wanted in (False, True):
        claim = storage.claim(SEARCH, 5)
        assert claim is not None and claim.trial.number == 0
        claim.lock.close()
        assert plan.exists() == wanted, "what it has left itself is gone on with"
        plan.touch()
    places.definition.write_text(places.definition.read_text() + "# another one\n")
    claim = Storage(places, definition).claim(SEARCH, 5)
    assert claim is not None and claim.trial.number == 0 and not plan.exists()
