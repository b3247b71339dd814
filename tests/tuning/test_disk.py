"""A full disk and an interruption are no fault of a training: nothing is told, and all goes on."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from popgan.errors import DiskError, UserError
from popgan.evidence.experiments.results import Outcome
from popgan.training import checkpoint
from popgan.tuning import worker as worker_module
from popgan.tuning.storage import MOST_STARTS, SEARCH
from popgan.tuning.trial import train_trial
from tuning.tiny_ablations import short, trainer
from tuning.tiny_searches import Made, cheap, heads, made, own_run, study, trial, worker

_ = (heads, own_run, cheap, made, short)
pytestmark = pytest.mark.usefixtures("cheap")
SHORT: dict[str, Any] = {"trials": 2, "spread": 1, "finalists": 0, "rungs": []}


def full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fill(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """A disk on which the journal's short lines still have room, but no plan, or no checkpoint."""
    if what == "plan":
        monkeypatch.setattr("popgan.config.schema.write_text", lambda path, *_: refuse(path))
    else:
        monkeypatch.setattr(checkpoint, "save_file", full)


def refuse(path: Path) -> None:
    from popgan.files import atomic_path

    with atomic_path(path):
        full()


def test_a_full_disk_ends_the_search_and_with_space_the_same_command_trains_all(
    own_run: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    for what in ("plan", "checkpoint"):
        with monkeypatch.context() as patch:
            fill(patch, what)
            patch.setattr(worker_module, "train_trial", train_trial)
            with pytest.raises(DiskError, match="No space left"):
                worker(own_run, **SHORT).run()
        found = worker(own_run, **SHORT)
        assert [one.state for one in found.storage.records(SEARCH)] == ["running"]
    found.run()
    assert [one.state for one in found.storage.records(SEARCH)] == ["complete", "complete"]


@pytest.mark.usefixtures("short")
def test_a_full_disk_ends_an_ablation_and_no_cell_has_failed(
    own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = trainer(own_run, seeds=1, budget="10m")
    for what in ("plan", "checkpoint"):
        with monkeypatch.context() as patch:
            fill(patch, what)
            with pytest.raises(DiskError, match="No space left"):
                one.run()
        assert list(one.cells.records()) == []


def test_interruptions_are_no_deaths_of_a_worker_however_often_nothing_is_trained(
    own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(worker_module, "train_trial", interrupt)
    one = worker(own_run)
    for _ in range(MOST_STARTS + 2):
        with pytest.raises(KeyboardInterrupt):
            one.run()
    assert [record.state for record in one.storage.records(SEARCH)] == ["running"]
    # Deaths count as before.
    for _ in range(MOST_STARTS):
        claim = one.storage.claim(SEARCH, 5)
        assert claim is not None and claim.trial.number == 0
        claim.lock.close()
    with pytest.raises(UserError, match=r"the default cannot be trained \(its worker died 3"):
        one.storage.claim(SEARCH, 5)


def failing(folder: Path, plan: Any, *_: Any, **__: Any) -> Outcome:
    return Outcome(state="failed", reason="NaN again.")


def test_a_default_that_cannot_be_trained_is_tried_again_by_the_same_command(
    own_run: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = worker(own_run, **SHORT)
    with monkeypatch.context() as patch:
        patch.setattr(worker_module, "train_trial", failing)
        for _ in range(MOST_STARTS + 2):
            with pytest.raises(UserError, match=r"the default cannot be trained \(NaN again\); "):
                one.run()
    one.run()
    assert one.storage.records(SEARCH)[0].state == "complete"


def test_a_default_that_an_earlier_version_wrote_down_as_failed_is_refused_before_any_trial(
    own_run: Path, made: Made
) -> None:
    one = worker(own_run)
    one.storage.enqueue_defaults()
    claim = one.storage.claim(SEARCH, 5)
    assert claim is not None
    lost = trial(0, None, purpose="default", setting={}, state="failed", reason="No space left.")
    one.storage.tell(claim, lost, {})
    with pytest.raises(UserError, match=r"could not be trained \(No space left\).*--name"):
        worker(own_run).run()
    assert not made.trained
    # What such a search has come to can still be seen where nothing is left to train.
    places, definition, cohort = study(own_run, trials=1, spread=1)
    worker_module.Worker(places, definition, cohort, one.reporter).run()
    assert not made.trained


def test_the_trainings_of_the_default_that_tell_the_spread_may_fail(
    own_run: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = worker(own_run)

    def train(folder: Path, plan: Any, *more: Any, **options: Any) -> Outcome:
        second = plan().seed == one.definition.search_seed(1)
        return (failing if second else made)(folder, plan, *more, **options)

    monkeypatch.setattr(worker_module, "train_trial", train)
    one.run()
    assert [record.state for record in one.storage.records(SEARCH)][:2] == ["complete", "failed"]
