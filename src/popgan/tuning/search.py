"""The search of a run: begin it or go on with it, alone or with several workers.

    popgan tune RUN --budget 2h

The default is trained with several seeds first, so that it is known what a difference is worth.
Then settings are proposed by a model of the objective (TPE), most are stopped at a rung, and the
best few are trained again with fresh seeds beside the default, which keeps its place unless one
of them is surely better.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from popgan.cohort.cohort import Cohort
from popgan.config.preset import changed, save_preset
from popgan.config.preset_model import can_hold
from popgan.errors import UserError
from popgan.evidence.experiments.results import Finals, Trial, TuneResult
from popgan.progress import Reporter, Task
from popgan.stations.experiments import load_tune, tune_names
from popgan.tuning import prologue
from popgan.tuning.begin import OF_MACHINES, TuneOptions, define
from popgan.tuning.crew import Crew
from popgan.tuning.definition import Definition, StudyPlaces
from popgan.tuning.outcome import (
    DONE,
    final_settings,
    finals_expected,
    judged,
    result,
    write_result,
)
from popgan.tuning.prologue import joined
from popgan.tuning.storage import FINALS, SEARCH, Storage
from popgan.tuning.worker import POLL, Worker, title


def tune(
    run: str | Path,
    options: TuneOptions | None = None,
    *,
    name: str | None = None,
    reporter: Reporter | None = None,
) -> TuneResult:
    """Search better values for a run's cohort, or go on with a search that was interrupted.

    Args:
        run: run folder with an ingested cohort.
        options: what to search; None goes on with the study as it was begun, or takes defaults.
        name: of the study; the recipe's by default.
        reporter: shows progress.

    Returns:
        All trials, the seed spread, the final and its choice; also in RUN/tune/NAME.

    Raises:
        UserError: no cohort, an impossible option, a study of other options or another cohort, or
            a default that cannot be trained.
        KeyboardInterrupt: interrupted; the same call goes on.
    """
    reporter = reporter or Reporter()
    wanted = options or TuneOptions()
    places = StudyPlaces(Path(run), name or wanted.recipe)
    return train(places, begin(places, wanted, reporter), wanted.workers, reporter)


def train(
    places: StudyPlaces, definition: Definition, workers: int, reporter: Reporter
) -> TuneResult:
    """Train what is left of a search that was begun, and give its results.

    Args:
        places: of the study.
        definition: what it is about.
        workers: processes on this machine; 1: this one.
        reporter: shows progress.

    Raises:
        UserError: the default cannot be trained, or workers die again and again.
        KeyboardInterrupt: interrupted; the same call goes on.
    """
    cohort = Cohort.open(places.run)
    if workers > 1:
        _with_crew(places, definition, cohort, workers, reporter)
    else:
        _alone(places, definition, cohort, reporter)
    return conclude(places, definition, cohort)


def join(
    run: str | Path,
    name: str,
    options: TuneOptions | None = None,
    *,
    reporter: Reporter | None = None,
) -> None:
    """Work at a study that somebody else has begun, on this machine or another.

    Args:
        run: run folder; all workers see the same one.
        name: of the study.
        options: of the user; refused where the study was begun with other ones.
        reporter: shows progress.

    Raises:
        UserError: there is no such study, it is of another cohort, or was begun otherwise.
        KeyboardInterrupt: interrupted.
    """
    places = StudyPlaces(Path(run), name)
    definition, cohort = joined(places, Definition, options)
    Worker(places, definition, cohort, reporter or Reporter()).run()


def begin(places: StudyPlaces, options: TuneOptions, reporter: Reporter) -> Definition:
    """The definition of a study: the one that is there, or a new one; see `prologue.begin`."""

    def new(cohort: Cohort) -> Definition:
        earlier = list(_earlier(places, options.recipe, reporter))
        return define(places, cohort, options, earlier, reporter=reporter)

    def say(definition: Definition) -> None:
        for note in definition.notes:
            reporter.message(f"note: {note}")

    return prologue.begin(places, Definition, options, new, say, reporter)


def conclude(places: StudyPlaces, definition: Definition, cohort: Cohort) -> TuneResult:
    """Write results and, once the search is complete, the preset that it found."""
    found = result(Storage(places, definition), cohort)
    write_result(found, places.results)
    if complete(found, definition):
        _write_preset(places, definition, found)
    return found


def complete(found: TuneResult, definition: Definition) -> bool:
    """Whether nothing is left to train."""
    searched = [trial for trial in found.trials if trial.purpose != "final"]
    if len(searched) < definition.trials or any(t.state not in DONE for t in found.trials):
        return False
    # A final that has not begun is nowhere among the trials yet.
    return found.finals is not None or not final_settings(searched, definition)


def _write_preset(places: StudyPlaces, definition: Definition, found: TuneResult) -> None:
    base = definition.default_preset
    held = {
        name: value
        for name, value in definition.overrides.items()
        if name not in OF_MACHINES and can_hold(value)
    }
    if held:  # what was found was found beside these
        base = changed(base, held, reason=f"held by --set in study {places.name}", tuned=False)
    chosen: Finals | None = found.finals
    setting = chosen.candidates[chosen.chosen].setting if chosen else {}
    count = sum(trial.purpose != "final" for trial in found.trials)
    reason = f"study {places.name}, {count} trials of {definition.seconds:g} s; " + (
        chosen.reason if chosen else "no trial was better than the default"
    )
    preset = changed(base, setting, reason=reason, tuned=True)
    start = definition.start
    began = f"; it began with what study {start.study} had found" if start else ""
    preset = preset.model_copy(update={"summary": f"found by {reason}{began}"})
    save_preset(places.preset, preset, definition.extends)


def _alone(places: StudyPlaces, definition: Definition, cohort: Cohort, reporter: Reporter) -> None:
    worker = Worker(places, definition, cohort, reporter, told=lambda *_: lines.show())
    with progress(worker.storage, definition, reporter) as lines:
        worker.run()
        lines.show()


def _with_crew(
    places: StudyPlaces, definition: Definition, cohort: Cohort, workers: int, reporter: Reporter
) -> None:
    storage = Storage(places, definition)
    storage.enqueue_defaults()
    with (
        progress(storage, definition, reporter) as lines,
        Crew(places, workers, definition.threads, reporter) as crew,
    ):
        while crew.busy():
            lines.show()
            time.sleep(POLL)
        lines.show()


@contextmanager
def progress(storage: Storage, definition: Definition, reporter: Reporter) -> Iterator[Lines]:
    """Lines and progress of a search and its final; what has ended before is done, and not said.

    Args:
        storage: of the study.
        definition: of the study.
        reporter: shows it.
    """
    lines = Lines(storage, definition, reporter)
    with reporter.task("tuning", lines.total, start=lines.done) as lines.task:
        yield lines


class Lines:
    """Says of every training that ends from now on how it ended, once.

    Attributes:
        total: trainings of search and final; of a final that is not known yet, as many as may be.
        done: trainings that have ended.
        task: moved on with each.
    """

    def __init__(self, storage: Storage, definition: Definition, reporter: Reporter) -> None:
        self.storage, self.definition, self.reporter = storage, definition, reporter
        self.task = Task()
        known = self._ended()
        self._said = {(study, one.number) for study, records in known for one in records}
        self.done = len(self._said)
        self._final = self._expected()
        self.total = definition.trials + self._final

    def show(self) -> None:
        """Lines of the trainings that have ended since."""
        for study, records in self._ended():
            able = [one.kid for one in records if one.state == "complete" and one.kid is not None]
            best = {"best": f"KID {min(able):.4f}"} if able and study == SEARCH else {}
            for record in records:
                if (study, record.number) not in self._said:
                    self._said.add((study, record.number))
                    self.reporter.message(f"{'final: ' * (study == FINALS)}{title(record)}")
                    self._advance(1, **best)
        if (expected := self._expected()) < self._final:
            # Fewer finalists than there might have been: as much less is left.
            self._advance(self._final - expected)
            self._final = expected

    def _advance(self, steps: int, **figures: str) -> None:
        self.done += steps
        self.task.advance(steps, **figures)

    def _ended(self) -> list[tuple[str, list[Trial]]]:
        """Trainings that have ended, of the search and of the final."""
        search, final = judged(self.storage.records(SEARCH)), self.storage.records(FINALS)
        both = ((SEARCH, search), (FINALS, final))
        return [(study, [one for one in some if one.state in DONE]) for study, some in both]

    def _expected(self) -> int:
        """Trainings of the final; an earlier version may have queued one twice."""
        search = judged(self.storage.records(SEARCH))
        return max(finals_expected(search, self.definition), len(self.storage.trials(FINALS)))


def _earlier(places: StudyPlaces, recipe: str, reporter: Reporter) -> Iterable[TuneResult]:
    """Other searches of the run, as far as they can be read: to start from them is no duty."""
    for name in tune_names(places.run):
        try:
            found = None if name == places.name else load_tune(places.run, name)
        except UserError as error:
            reporter.message(f"note: what search {name} has found is not tried ({error})")
            continue
        if found is not None and found.recipe == recipe:
            yield found
