"""No trial of a search is lost, none counted twice, and none stops the search but the default's."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from popgan.errors import UserError
from popgan.evidence.experiments.finalists import finalists
from popgan.evidence.experiments.results import Outcome, SearchSpace, Trial, TuneResult
from popgan.progress import Reporter
from popgan.training.probe import Measured
from popgan.tuning import trial as trial_module
from popgan.tuning import worker as worker_module
from popgan.tuning.folder import hold
from popgan.tuning.outcome import DONE, judged, result, violations
from popgan.tuning.planner import Planner
from popgan.tuning.scale import objective
from popgan.tuning.storage import FINALS, SEARCH, Storage
from popgan.tuning.trial import train_trial
from popgan.tuning.worker import Worker, title
from tuning.tiny_searches import Coarse, Made, cheap, heads, made, own_run, study, trial, worker

_ = (heads, own_run, cheap, made)
pytestmark = pytest.mark.usefixtures("cheap")


def records(one: Worker) -> list[Trial]:
    return one.storage.records(SEARCH)


def after(ticks: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Interrupt training after so many safe ticks; returns what undoes it."""
    left = [ticks]
    original = trial_module._Training._ended

    def interrupt(self: Any, state: Any) -> bool:
        left[0] -= state.images > 0
        if left[0] == 0:
            raise KeyboardInterrupt
        return original(self, state)

    monkeypatch.setattr(trial_module._Training, "_ended", interrupt)
    return lambda: monkeypatch.setattr(trial_module._Training, "_ended", original)


@pytest.fixture(scope="module")
def whole(heads: Path, tmp_path_factory: pytest.TempPathFactory) -> Worker:
    """A search of one training, which is real; never change it."""
    run = Path(shutil.copytree(heads, tmp_path_factory.mktemp("whole") / "run"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("popgan.stations.snapshots.FeatureExtractor", Coarse)
        patch.setattr(
            Planner, "_measured", lambda *_, **__: Measured([400.0, 200.0], 1.0, [400.0, 200.0])
        )
        one = worker(run, **ONE)
        one.run()
    return one


ONE: dict[str, Any] = {"trials": 1, "spread": 1, "finalists": 0, "seconds": 0.8}


def test_a_search_trains_the_default_first_then_samples_then_decides(
    own_run: Path, made: Made
) -> None:
    one = worker(own_run, trials=5, rungs=[])
    one.run()
    found = result(one.storage, one.cohort)
    search = [trial for trial in found.trials if trial.purpose != "final"]
    assert [t.purpose for t in search] == ["default", "seed spread"] + 3 * ["sampled"]
    assert [t.seed for t in search] == [one.definition.search_seed(n) for n in range(5)]
    assert all(t.state == "complete" for t in search)
    assert found.spread is not None and found.spread.values == [t.kid for t in search[:2]]
    assert TuneResult.model_validate_json(one.places.results.read_text()) == found
    final = [trial for trial in found.trials if trial.purpose == "final"]
    best = finalists(search, 1)
    assert best, "some luck is better than the default's"
    assert len(final) == 2 * (1 + len(best)) and found.finals is not None
    for again in final:
        assert again.setting in [{}, *(one.setting for one in best)]
        assert again.seed in [one.definition.final_seed(place) for place in range(2)]
    assert len(made.trained) == len(found.trials)
    assert not list(one.places.private.glob("*/*/checkpoints"))


def test_all_but_the_default_may_be_stopped_at_a_rung(own_run: Path, made: Made) -> None:
    one = worker(own_run, trials=8)
    one.run()
    search = records(one)
    stopped = [trial for trial in search if trial.state == "pruned"]
    assert stopped and all(trial.purpose == "sampled" for trial in stopped)
    assert all(trial.state == "complete" for trial in search if trial.purpose != "sampled")
    assert all(trial.kid is None and len(trial.points) == 1 for trial in stopped)


@pytest.mark.xdist_group("whole search")
def test_the_objective_is_the_mean_of_the_last_snapshots(whole: Worker) -> None:
    trial = records(whole)[0]
    assert [point.share for point in trial.points[:2]] == [7 / 20, 12 / 20]
    assert len(trial.points) == 5 and trial.points[-1].images == trial.planned
    assert trial.kid == pytest.approx(np.mean([point.kid for point in trial.points[-3:]]))
    assert trial.error is not None and trial.error > 0
    assert [p.seconds for p in trial.points] == sorted(p.seconds for p in trial.points)


def said(one: Worker) -> list[Any]:
    return [(t.number, t.state, t.kid, t.images, t.setting) for t in records(one)]


def test_an_interrupted_search_goes_on_and_ends_as_if_nothing_had_happened(
    heads: Path, tmp_path: Path, made: Made
) -> None:
    first = worker(Path(shutil.copytree(heads, tmp_path / "first")), trials=4)
    first.run()
    before = len(made.trained)

    def stop(plan: Any) -> None:
        if plan.seed == first.definition.search_seed(2) and len(made.trained) == before + 2:
            made.before = lambda plan: None
            raise KeyboardInterrupt

    made.before = stop
    run = Path(shutil.copytree(heads, tmp_path / "cut"))
    with pytest.raises(KeyboardInterrupt):
        worker(run, trials=4).run()
    cut = worker(run, trials=4)
    assert [one.state for one in records(cut)] == ["complete", "complete", "running"]
    cut.run()
    assert said(cut) == said(first) and len(made.trained) == 2 * before


@pytest.mark.xdist_group("whole search")
def test_an_interrupted_training_goes_on_and_ends_as_if_nothing_had_happened(
    own_run: Path, whole: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    undo = after(9, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        worker(own_run, **ONE).run()
    undo()
    cut = worker(own_run, **ONE)
    (stopped,) = records(cut)
    assert stopped.state == "running"
    cut.run()
    assert said(cut) == said(whole)


def judged_by(judge: Callable[[int, float], bool], one: Worker, folder: Path) -> Outcome:
    """Train the default with rungs at 5 and 12 of 20 ticks."""
    return train_trial(
        folder,
        lambda: one.planner.plan({}, 0),
        one.cohort,
        rungs=[5, 12],
        seed=0,
        judge=judge,
        reporter=Reporter(),
    )


def test_a_training_that_is_stopped_at_a_rung_goes_no_further(own_run: Path) -> None:
    one = worker(own_run, seconds=0.8)
    folder, judged = one.places.trial(SEARCH, 0), list[int]()

    def stop(rung: int, kid: float) -> bool:
        judged.append(rung)
        return True

    found = judged_by(stop, one, folder)
    assert judged == [0] and found.state == "pruned" and found.kid is None
    assert (found.images, found.reason) == (found.planned // 4, "stopped at 25% of its images")
    assert len(found.points) == 1 and len((folder / "log.csv").read_text().splitlines()) == 6


def test_a_worker_killed_before_it_had_told_a_rung_leaves_that_to_whoever_goes_on(
    own_run: Path,
) -> None:
    one = worker(own_run, seconds=0.8)
    folder, judged = one.places.trial(SEARCH, 0), list[float]()

    def killed(rung: int, kid: float) -> bool:
        judged.append(kid)
        if len(judged) == 1:
            raise SystemError("killed")
        return True

    with pytest.raises(SystemError):
        judged_by(killed, one, folder)
    found = judged_by(killed, one, folder)
    assert judged[0] == judged[1] and len(judged) == 2
    assert found.state == "pruned" and found.images == found.planned // 4


@pytest.mark.parametrize("at_a_rung", [True, False])
def test_an_interruption_at_the_end_of_a_trial_ends_the_search_and_loses_no_end(
    own_run: Path, at_a_rung: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = worker(own_run, trials=2, spread=1, finalists=0, seconds=0.8, rungs=[9])
    monkeypatch.setattr(one, "_judge", lambda claim: lambda rung, kid: claim.trial.number == 1)
    draw, at = trial_module._Training._drawer, 9 if at_a_rung else 20

    def drawer(training: Any) -> Any:
        drawn = draw(training)

        def on_tick(state: Any, stage: Any) -> Any:
            if training.folder.name.endswith("1" if at_a_rung else "0") and (
                training._tick(state.images) == at
            ):
                os.kill(os.getpid(), signal.SIGTERM)
            return drawn(state, stage)

        return on_tick

    monkeypatch.setattr(trial_module._Training, "_drawer", drawer)
    with pytest.raises(KeyboardInterrupt):
        one.run()
    states = [found.state for found in records(one)]
    assert states == (["complete", "pruned"] if at_a_rung else ["running"])
    monkeypatch.undo()


@pytest.mark.parametrize("works", [True, False])
def test_a_failure_counts_only_once_the_default_has_been_trained(
    own_run: Path, made: Made, works: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "POLL", 0.01)
    one, other = worker(own_run), worker(own_run)
    one.storage.enqueue_defaults()
    default = other.storage.claim(SEARCH, 5)  # at work elsewhere
    assert default is not None
    failed = Outcome(state="out of memory", reason="the memory is not enough")
    monkeypatch.setattr(worker_module, "train_trial", lambda *_, **__: failed)
    looked: list[Path] = []

    def look(folder: Path) -> Any:
        looked.append(folder)
        if len(looked) == 3 and works:
            other.storage.tell(default, trial(0, 0.5, purpose="default", setting={}), {})
        if len(looked) == 3 and not works:
            default.lock.close()
        return hold(folder)

    monkeypatch.setattr(worker_module, "hold", look)
    assert one.train_next(SEARCH, 5)
    expected = ["complete", "out of memory"] if works else ["running", "running"]
    assert [found.state for found in records(one)] == expected
    if not works:  # the default is next, and fails as well
        with pytest.raises(UserError, match="the default cannot be trained"):
            one.train_next(SEARCH, 5)
        assert [found.state for found in records(one)] == expected


def test_a_trial_whose_worker_died_before_it_had_told_the_end_is_ended_by_the_next(
    own_run: Path, made: Made
) -> None:
    one = worker(own_run, trials=1, spread=1, finalists=0)
    one.storage.enqueue_defaults()
    claim = one.storage.claim(SEARCH, 1)
    assert claim is not None
    claim.trial.set_user_attr("record", trial(0, 0.5, purpose="default").model_dump_json())
    claim.lock.close()
    assert [found.state for found in records(one)] == ["running"]
    one.run()
    assert [found.state for found in records(one)] == ["complete"]
    assert all(frozen.state.is_finished() for frozen in one.storage.trials(SEARCH))


def test_a_trial_is_taken_over_only_when_its_worker_is_gone(own_run: Path) -> None:
    places, definition, _ = study(own_run)
    storage, other = Storage(places, definition), Storage(places, definition)
    storage.enqueue_defaults()
    other.enqueue_defaults()
    assert len(storage.trials(SEARCH)) == 2
    first, second = storage.claim(SEARCH, 5), other.claim(SEARCH, 5)
    assert first is not None and second is not None
    assert (first.trial.number, second.trial.number) == (0, 1)
    third = storage.claim(SEARCH, 5)
    assert third is not None and third.trial.number == 2 and third.purpose == "sampled"
    third.lock.close()  # its worker dies
    again = other.claim(SEARCH, 5)
    assert again is not None and again.trial.number == 2
    assert (again.setting, again.seed) == (third.setting, third.seed)
    held = [first, second, again]  # and so are their locks
    while (more := storage.claim(SEARCH, 5)) is not None:
        held.append(more)
    assert [claim.trial.number for claim in held] == list(range(5))


class Killed(BaseException):
    """Of the process."""


def test_a_queue_that_was_cut_short_is_completed_and_a_final_has_nothing_else(
    own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = [{"train.batch": 4}, {"train.loss": "lsgan"}]
    places, definition, _ = study(own_run, spread=3, trials=5, warm=changes)
    storage = Storage(places, definition)
    settings = [{}, {"train.batch": 4}, {"train.loss": "lsgan"}]
    queue: list[tuple[str, int, Callable[[], None]]] = [
        (SEARCH, 5, storage.enqueue_defaults),
        (FINALS, 6, lambda: storage.enqueue_finals(settings)),
    ]
    for name, count, enqueue in queue:
        add, left = storage.studies[name].enqueue_trial, [2]

        def cut(*some: Any, add: Any = add, left: list[int] = left, **more: Any) -> None:
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            add(*some, **more)

        with monkeypatch.context() as patch:
            patch.setattr(storage.studies[name], "enqueue_trial", cut)
            with pytest.raises(Killed):
                enqueue()
        if name == FINALS:
            held = [storage.claim(FINALS, count) for _ in range(3)]
            assert held[0] and held[1] and held[2] is None, "nothing is sampled in a final"
        for _ in range(2):
            enqueue()
            assert len(storage.trials(name)) == count
    search = [one.user_attrs["purpose"] for one in storage.trials(SEARCH)]
    assert search == ["default", *2 * ["seed spread"], *2 * ["warm start"]]
    final = [(one.user_attrs["seed"], one.user_attrs["setting"]) for one in storage.trials(FINALS)]
    seeds = [definition.final_seed(place) for place in range(2)]
    assert final == [(seed, setting) for seed in seeds for setting in settings]


def test_a_final_that_began_with_other_seeds_keeps_them(own_run: Path) -> None:
    places, definition, _ = study(own_run)
    storage = Storage(places, definition)
    storage.studies[FINALS].enqueue_trial(
        {}, user_attrs={"purpose": "final", "seed": 100_000, "setting": {}}
    )
    storage.enqueue_finals([{}, {"train.batch": 4}])
    seeds = [one.user_attrs["seed"] for one in storage.trials(FINALS)]
    assert seeds == [100_000, 100_000, *2 * [definition.final_seed(0)]]


def test_a_trial_whose_worker_died_while_asking_gets_its_setting_later(own_run: Path) -> None:
    places, definition, _ = study(own_run)
    storage = Storage(places, definition)
    storage.studies[SEARCH].ask()  # and nothing more: no setting, no seed
    claim = storage.claim(SEARCH, 5)
    assert claim is not None and claim.trial.number == 0
    assert claim.purpose == "sampled" and claim.seed == definition.search_seed(0)
    assert set(claim.setting) <= {one.name for one in definition.space}
    assert "setting" in storage.trials(SEARCH)[0].user_attrs


def test_a_trial_that_kills_its_workers_is_failed_and_the_search_goes_on(own_run: Path) -> None:
    places, definition, _ = study(own_run)
    storage = Storage(places, definition)
    storage.enqueue_defaults()
    default = storage.claim(SEARCH, 5)
    assert default is not None and default.trial.number == 0
    for _ in range(3):
        claim = storage.claim(SEARCH, 5)
        assert claim is not None and claim.trial.number == 1
        claim.lock.close()
    claim = storage.claim(SEARCH, 5)
    assert claim is not None and claim.trial.number == 2
    (_, dead, alive) = storage.records(SEARCH)
    assert dead.state == "failed" and "died 3 times" in dead.reason
    assert alive.state == "running"


def test_a_trial_that_gets_further_each_time_is_not_to_blame_for_interruptions(
    own_run: Path,
) -> None:
    places, definition, _ = study(own_run)
    storage = Storage(places, definition)
    storage.enqueue_defaults()
    default = storage.claim(SEARCH, 5)
    assert default is not None and default.trial.number == 0
    for rows in range(1, 8):
        claim = storage.claim(SEARCH, 5)
        assert claim is not None and claim.trial.number == 1, rows
        (places.trial(SEARCH, 1) / "log.csv").write_text("images\n" + rows * "8\n")
        claim.lock.close()
    for _ in range(3):  # and now it does not
        claim = storage.claim(SEARCH, 5)
        assert claim is not None and claim.trial.number == 1
        claim.lock.close()
    claim = storage.claim(SEARCH, 5)
    assert claim is not None and claim.trial.number == 2
    assert storage.records(SEARCH)[1].state == "failed"


def test_a_trial_that_ends_while_another_worker_looks_is_not_taken_again(
    own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places, definition, _ = study(own_run)
    storage, other = Storage(places, definition), Storage(places, definition)
    storage.enqueue_defaults()
    first = storage.claim(SEARCH, 5)
    assert first is not None
    look = other.trials

    def look_then_end(name: str) -> Any:
        seen = look(name)
        if not first.lock.closed:
            storage.tell(first, trial(0, 0.5, purpose="default", setting={}), {})
        return seen

    monkeypatch.setattr(other, "trials", look_then_end)
    claim = other.claim(SEARCH, 5)
    assert claim is not None and claim.trial.number == 1
    assert [one.state for one in storage.records(SEARCH)] == ["complete", "running"]


def test_a_setting_that_cannot_be_trained_is_recorded_with_its_reason(
    own_run: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = worker(own_run)
    seeds = [one.definition.search_seed(number) for number in range(5)]
    errors = {
        seeds[2]: UserError("training went wrong again after 8 images: NaN"),
        seeds[3]: UserError("the memory is not enough even for 4 images at once"),
        seeds[4]: RuntimeError("CUDA out of memory."),
    }

    def fail(job: Any, state: Any, reporter: Any) -> None:
        raise errors[job.plan.seed]

    def train(folder: Path, plan: Any, *more: Any, **options: Any) -> Any:
        kind = train_trial if plan().seed in errors else made
        return kind(folder, plan, *more, **options)

    monkeypatch.setattr(trial_module, "run", fail)
    monkeypatch.setattr(worker_module, "train_trial", train)
    one.run()
    found = records(one)
    assert found[2].state == "failed" and "NaN" in found[2].reason
    assert found[3].state == found[4].state == "out of memory"
    assert {trial.state for trial in found} <= set(DONE)
    assert title(found[2]).startswith("trial   2") and "NaN" in title(found[2])


def test_what_cannot_be_trained_teaches_the_search_where_not_to_look(own_run: Path) -> None:
    space = [SearchSpace(name="train.lr_generator", low=0.0, high=1.0)]
    places, definition, _ = study(own_run, space=space, default={"train.lr_generator": 0.5})
    storage = Storage(places, definition)
    rates = []
    for number in range(24):
        claim = storage.claim(SEARCH, 24)
        assert claim is not None
        rates.append(float(claim.trial.params["train.lr_generator"]))
        if rates[-1] > 0.5:
            storage.report(claim, 0.1, 0)  # it had begun well
            record = trial(number, None, state="failed", reason="NaN")
        else:  # nothing else is to be learnt
            record = trial(number, 0.5)
        storage.tell(claim, record, {})
    assert sum(rate > 0.5 for rate in rates[:10]) >= 3
    assert sum(rate > 0.5 for rate in rates[10:]) <= 6
    assert {one.state for one in storage.records(SEARCH)} == {"complete", "failed"}


def test_a_bug_is_no_failed_trial(own_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_module, "run", lambda *_: {}["bug"])
    one = worker(own_run)
    with pytest.raises(KeyError):
        one.run()
    assert [trial.state for trial in records(one)] == ["running"]


def test_a_default_that_cannot_be_trained_ends_the_search(own_run: Path) -> None:
    one = worker(own_run, overrides={"network.channels": [16, 7, 9]})
    with pytest.raises(UserError, match="the default cannot be trained"):
        one.run()


def test_a_study_of_another_cohort_is_refused(own_run: Path) -> None:
    with pytest.raises(UserError, match="another cohort"):
        worker(own_run, cohort="f" * 64)


def test_a_journal_that_cannot_be_read_is_one_line(own_run: Path) -> None:
    places, definition, _ = study(own_run)
    places.journal.mkdir()
    with pytest.raises(UserError, match="cannot be read or written"):
        Storage(places, definition)


def test_a_low_score_bought_with_coverage_sameness_or_noise_is_infeasible() -> None:
    default = trial(0, 0.5, purpose="default", setting={})
    lost = trial(1, 0.1, coverage=0.39)
    same = trial(2, 0.1, diversity=0.79)
    kept = trial(3, 0.2, coverage=0.41, diversity=0.81)
    noise = trial(4, 0.1, diversity=1.26)
    found = judged([default, lost, same, kept, noise])
    states = ["complete", "infeasible", "infeasible", "complete", "infeasible"]
    assert [one.state for one in found] == states
    assert violations(noise, found)["variety"] == pytest.approx(0.01)
    assert found[1].reason == "loses coverage 0.39, at least 0.40"
    assert violations(kept, found)["coverage"] == pytest.approx(-0.01)
    assert [one.number for one in finalists(found, 3)] == [3]


def test_finalists_are_better_than_the_default_and_differ() -> None:
    default = trial(0, 0.5, purpose="default", setting={})
    some = [trial(1, 0.3), trial(2, 0.6), trial(3, 0.4), trial(4, None, state="pruned")]
    twin = trial(5, 0.35, setting={"a": 1})
    assert [one.number for one in finalists([default, *some, twin], 3)] == [1, 3]
    assert finalists([default, some[1]], 3) == []


def test_the_error_of_the_objective_is_the_jackknife_of_the_mean() -> None:
    from popgan.training.guard import Score

    rng = np.random.default_rng(0)
    subjects, images = np.repeat(np.arange(4), 3), np.repeat(np.arange(5), 2)
    left, right = rng.normal(1, 0.1, (3, 4)), rng.normal(1, 0.1, (3, 5))
    scores = [
        Score(images=i, value=1.0, without_subjects=list(left[i]), without_images=list(right[i]))
        for i in range(3)
    ]
    value, error = objective(scores, subjects, images)
    expected = sum(
        (len(part.T) - 1) / len(part.T) * np.sum((part.mean(0) - part.mean()) ** 2)
        for part in (left, right)
    )
    assert value == 1.0
    assert error**2 == pytest.approx(expected, rel=0.2)


def test_optuna_reads_the_journal_as_its_own(own_run: Path, made: Made) -> None:
    one = worker(own_run, trials=3)
    one.run()
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(one.places.journal))
    )
    theirs = optuna.load_study(study_name=SEARCH, storage=storage)
    assert [t.number for t in theirs.trials] == [0, 1, 2]
    assert theirs.best_value == min(t.kid for t in records(one) if t.kid is not None)
    names = [json.loads(line)["op_code"] for line in one.places.journal.read_text().splitlines()]
    assert names and optuna.load_study(study_name=FINALS, storage=storage) is not None


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    first = hold(tmp_path / "one")
    assert first is not None and hold(tmp_path / "one") is None
    first.close()
    again = hold(tmp_path / "one")
    assert again is not None
    again.close()
