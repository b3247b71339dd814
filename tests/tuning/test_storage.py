"""What another worker has ended, and what is written already, is no trouble for this one."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from popgan.evidence.experiments.results import Trial
from popgan.tuning.outcome import result
from popgan.tuning.records import EndedError
from popgan.tuning.storage import FINALS, SEARCH, Claim, Storage
from tuning.tiny_searches import Made, cheap, heads, made, own_run, study, trial, worker

_ = (heads, own_run, cheap, made)
pytestmark = pytest.mark.usefixtures("cheap")


def claimed(storage: Storage) -> Claim:
    claim = storage.claim(SEARCH, 5)
    assert claim is not None
    return claim


def two(run: Path) -> tuple[Storage, Storage]:
    """Of one study, whose default is queued."""
    places, definition, _ = study(run)
    storage, other = Storage(places, definition), Storage(places, definition)
    storage.enqueue_defaults()
    return storage, other


def test_a_trial_that_ended_elsewhere_is_noticed_at_a_rung_and_at_the_end(own_run: Path) -> None:
    storage, other = two(own_run)
    for then in ("report", "tell"):
        mine = claimed(storage)
        # As where the machine is cut off, its lock is freed, and it does not notice.
        (storage.places.trial(SEARCH, mine.trial.number) / ".lock").unlink()
        other.tell(claimed(other), trial(mine.trial.number, 0.5), {})
        with pytest.raises(EndedError):
            if then == "report":
                storage.report(mine, 0.1, 0)
            else:
                storage.tell(mine, trial(mine.trial.number, 0.1), {"coverage": 0.0})
    assert mine.lock.closed
    assert [one.kid for one in storage.records(SEARCH)] == [0.5, 0.5]


@pytest.mark.parametrize("at", ["before", "rung"])
def test_a_worker_drops_what_ended_elsewhere_and_goes_on_with_the_next(
    own_run: Path, made: Made, at: str
) -> None:
    one = worker(own_run, spread=1, finalists=0)
    told: list[Trial] = []
    one._told = lambda record, _: told.append(record)
    other = Storage(one.places, one.definition)
    second = one.definition.search_seed(1)

    def end(plan: Any) -> None:
        if plan.seed == second and other.records(SEARCH)[1].state != "complete":
            (one.places.trial(SEARCH, 1) / ".lock").unlink()
            other.tell(claimed(other), trial(1, 0.125, worker="elsewhere"), {})

    made.before = end
    if at == "rung":
        made.before, judge = (lambda plan: None), one._judge

        def judged(claim: Claim) -> Any:
            def ask(rung: int, kid: float) -> bool:
                if claim.trial.number == 1:
                    end(one.planner.draft({}, second, 400))
                return judge(claim)(rung, kid)

            return ask

        one._judge = judged  # type: ignore[method-assign]
    one.run()
    found = one.storage.records(SEARCH)
    assert [record.number for record in found] == list(range(5))
    assert (found[1].kid, found[1].worker) == (0.125, "elsewhere")
    assert [record.number for record in told] == [0, 2, 3, 4]
    assert not (one.places.trial(SEARCH, 1) / "checkpoints").exists()


def test_a_rung_that_is_come_to_again_keeps_its_value_and_nothing_is_said(own_run: Path) -> None:
    storage, other = two(own_run)
    mine = claimed(storage)
    storage.report(mine, 0.25, 0)
    mine.lock.close()  # it dies before its next checkpoint
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = claimed(other)
        other.report(again, 0.5, 0)
        other.report(again, 0.125, 1)
        again.trial.set_constraint("coverage", 0.0)  # and now in the middle of being told
        again.lock.close()
        last = claimed(storage)
        storage.tell(last, trial(0, 0.5), {"coverage": 0.0, "variety": -0.5})
    frozen = storage.trials(SEARCH)[0]
    assert frozen.intermediate_values == {0: 0.25, 1: 0.125}
    assert frozen.constraints == {"coverage": 0.0, "variety": -0.5}


def test_at_a_rung_the_default_counts_once_by_the_mean_of_its_seeds(own_run: Path) -> None:
    one = worker(own_run, spread=3, trials=7)
    one.storage.enqueue_defaults()
    held = []

    def stops(kid: float) -> bool:
        claim = one.storage.claim(SEARCH, 7)
        assert claim is not None
        held.append(claim)
        return one._judge(claim)(0, kid)

    assert [stops(kid) for kid in (0.2, 0.5, 0.8)] == 3 * [False], "a default is never stopped"
    assert [claim.purpose for claim in held] == ["default", "seed spread", "seed spread"]
    # A newcomer need not be better than the luckiest of three; of three settings one goes on.
    assert [stops(kid) for kid in (0.6, 0.4, 0.45, 0.39)] == [False, False, True, False]


def test_a_proposal_that_is_the_default_is_no_finalist_and_no_restart_waits_for_it(
    own_run: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = worker(own_run, trials=4, spread=1, finalists=3, final_seeds=2, rungs=[])
    one.storage.enqueue_defaults()
    for number, (setting, kid) in enumerate(
        [({}, 0.5), ({"train.batch": 4}, 0.3), ({}, 0.2), ({"train.batch": 4}, 0.4)]
    ):
        claim = claimed(one.storage)
        purpose = "sampled" if number else "default"
        one.storage.tell(claim, trial(number, kid, setting=setting, purpose=purpose), {})
    add = one.storage.studies[FINALS].enqueue_trial
    left = [3]

    def cut(*some: Any, **more: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        add(*some, **more)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(one.storage.studies[FINALS], "enqueue_trial", cut)
        one.queue_final()
    assert one.queue_final() == len(one.storage.trials(FINALS)) == 4
    one.run()
    found = result(one.storage, one.cohort)
    assert [t.setting for t in found.trials if t.purpose == "final"] == 2 * [{}, {"train.batch": 4}]
    assert found.finals is not None
    assert [candidate.trial for candidate in found.finals.candidates] == [None, 1]


def test_a_final_in_which_an_earlier_version_queued_the_default_twice_is_trained_to_its_end(
    own_run: Path, made: Made
) -> None:
    one = worker(own_run, trials=2, spread=1, final_seeds=2)
    one.storage.enqueue_defaults()
    for number, setting in enumerate([{}, {"train.batch": 4}]):
        record = trial(number, 0.5 - number / 10, setting=setting)
        purpose = "sampled" if number else "default"
        one.storage.tell(claimed(one.storage), record.model_copy(update={"purpose": purpose}), {})
    for place, setting in ((0, {}), (0, {}), (0, {"train.batch": 4}), (1, {})):
        seed = one.definition.final_seed(place)
        attributes = {"purpose": "final", "seed": seed, "setting": setting}
        one.storage.studies[FINALS].enqueue_trial({}, user_attrs=attributes)
    assert one.queue_final() == 5, "the rest is queued, nothing is taken back"
    one.run()
    assert len(made.trained) == 5 and result(one.storage, one.cohort).finals is not None
