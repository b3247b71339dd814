"""The journal outlives what happens to its disk; what cannot be reached is one line."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from optuna.storages.journal import JournalFileSymlinkLock

from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.tuning import trial as trial_module
from popgan.tuning.definition import StudyPlaces
from popgan.tuning.storage import SEARCH, Storage
from popgan.tuning.study import LostError
from popgan.tuning.worker import Worker
from tuning.tiny_searches import Made, cheap, heads, made, own_run, study, worker

_ = (heads, own_run, cheap, made)
pytestmark = pytest.mark.usefixtures("cheap")
HALF = '{"op_code":8,"worker_id":"x","trial_id":0,"user_attr":{"rec'


def whole(places: StudyPlaces) -> list[Any]:
    """Its lines; all can be read."""
    return [json.loads(line) for line in places.journal.read_text().splitlines()]


def test_a_search_goes_on_though_its_last_line_is_half_written(own_run: Path) -> None:
    places, definition, _ = study(own_run)
    storage = Storage(places, definition)
    storage.enqueue_defaults()
    before = whole(places)
    with places.journal.open("a") as file:
        file.write(HALF)
    again = Storage(places, definition)
    assert whole(places)[: len(before)] == before
    with places.journal.open("a") as file:  # and another process dies while this one works
        file.write(HALF * 2000)
    for number, one in enumerate((again, storage)):
        claim = one.claim(SEARCH, 5)
        assert claim is not None and claim.trial.number == number
    assert whole(places)[: len(before)] == before
    assert len(Storage(places, definition).records(SEARCH)) == 2


def test_a_line_that_is_being_written_is_waited_for(own_run: Path) -> None:
    places, definition, _ = study(own_run)
    Storage(places, definition).enqueue_defaults()
    lines = places.journal.read_text().splitlines(keepends=True)
    writing = JournalFileSymlinkLock(str(places.journal))
    writing.acquire()
    places.journal.write_text("".join(lines)[:-9])

    def end() -> None:
        with places.journal.open("a") as file:
            file.write(lines[-1][-9:])
        writing.release()

    timer = threading.Timer(0.1, end)
    timer.start()
    Storage(places, definition)
    timer.join()
    assert places.journal.read_text().startswith("".join(lines))


def test_the_age_of_a_lock_can_be_told_though_the_run_is_named_from_here(
    own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, definition, _ = study(own_run)
    monkeypatch.chdir(own_run.parent)
    storage = Storage(StudyPlaces(Path(own_run.name), "popgan"), definition)
    lock = storage._storage._backend._lock  # type: ignore[attr-defined]
    lock.acquire()
    # It is a link, and whoever waits looks through it; a link that leads nowhere is never old.
    assert Path(f"{storage.places.journal}.lock").stat().st_mtime > 0
    lock.release()


def test_a_journal_that_is_lost_while_running_is_one_line_and_fails_no_trial(
    own_run: Path, made: Made
) -> None:
    def move(plan: Any) -> None:
        shutil.move(one.places.folder, away)

    one, away = worker(own_run, rungs=[]), own_run / "away"
    made.before = move
    with pytest.raises(UserError, match=r"journal.log: cannot be read or written") as caught:
        one.run()
    assert "\n" not in str(caught.value) and len(made.trained) == 1
    shutil.rmtree(one.places.folder, ignore_errors=True)
    shutil.move(away, one.places.folder)
    made.before = lambda plan: None
    again = Worker(one.places, one.definition, one.cohort, Reporter())
    assert [trial.state for trial in again.storage.records(SEARCH)] == ["running"]
    claim = again.storage.claim(SEARCH, 5)
    assert claim is not None and claim.trial.number == 0, "the lost worker holds no lock"


def test_a_journal_that_is_lost_at_a_rung_is_no_failure_of_the_training(
    own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judged(job: Any, state: Any, reporter: Any) -> None:
        (own_run / "tune/popgan/journal.log").unlink()
        claimed.append(one.storage)
        one._judge(claim)(0, 0.5)

    one, claimed = worker(own_run), list[Storage]()
    one.storage.enqueue_defaults()
    claim = one.storage.claim(SEARCH, 5)
    assert claim is not None
    monkeypatch.setattr(trial_module, "run", judged)
    with pytest.raises(LostError, match="No such file"):
        one._train(claim)
    assert claimed and claim.lock.closed
