"""The ablation of a run: begin it or go on with it, alone or with several workers.

    popgan ablate RUN --seeds 5 --budget 8h

Every variant is trained with the same seeds for the same seconds, so a difference between two
variants is a difference of what they are. Trainings are cells that any number of workers share.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

from popgan.cohort.cohort import Cohort
from popgan.config.preset import Preset
from popgan.evidence.experiments.results import AblationResult
from popgan.progress import Reporter, Task
from popgan.stations.experiments import load_ablation
from popgan.tuning import prologue
from popgan.tuning.ablation_begin import AblateOptions, define
from popgan.tuning.ablation_outcome import write
from popgan.tuning.ablation_study import CURVE, AblationPlaces, AblationStudy
from popgan.tuning.cells import Cell, Cells, Claim, Ended
from popgan.tuning.crew import Crew
from popgan.tuning.folder import forget
from popgan.tuning.planner import Planner
from popgan.tuning.prologue import joined
from popgan.tuning.study import refuse_other_cohort
from popgan.tuning.trial import BLAMELESS, train_trial
from popgan.tuning.worker import POLL


def ablate(
    run: str | Path,
    options: AblateOptions | None = None,
    *,
    name: str | None = None,
    reporter: Reporter | None = None,
) -> AblationResult:
    """Find what each part of a default is worth, or go on with a study that was interrupted.

    Args:
        run: run folder with an ingested cohort.
        options: what to train; None goes on with the study as it was begun, or takes defaults.
        name: of the study; the recipe's by default.
        reporter: shows progress.

    Returns:
        All trainings, contrasts and what else was asked for; also in RUN/ablation/NAME.

    Raises:
        UserError: no cohort, an impossible option, a study of other options or another cohort, a
            budget too short, or a default that cannot be trained.
        KeyboardInterrupt: interrupted; the same call goes on.
    """
    reporter = reporter or Reporter()
    wanted = options or AblateOptions()
    places = AblationPlaces(Path(run), name or wanted.recipe)
    return train(places, begin(places, wanted, reporter), wanted.workers, reporter)


def train(
    places: AblationPlaces, study: AblationStudy, workers: int, reporter: Reporter
) -> AblationResult:
    """Train what is left of a study that was begun, and give its results.

    Args:
        places: of the study.
        study: what it is about.
        workers: processes on this machine; 1: this one.
        reporter: shows progress.

    Raises:
        UserError: the cohort is another one, or workers die again and again.
        KeyboardInterrupt: interrupted; the same call goes on.
    """
    cohort = Cohort.open(places.run)
    cells = study.open(places)
    done = sum(1 for _ in cells.records())
    with reporter.task("ablating", len(cells.cells), start=done) as task:
        lines = _Lines(study, cells, reporter, task)
        if workers > 1 and not cells.done():
            with Crew(places, workers, study.threads, reporter) as crew:
                while crew.busy():
                    lines.show()
                    time.sleep(POLL)
                lines.show()
        else:
            Trainer(places, study, cohort, reporter, told=lines.show).run()
    return conclude(places, study, cohort)


def join(
    run: str | Path,
    name: str,
    options: AblateOptions | None = None,
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
    places = AblationPlaces(Path(run), name)
    study, cohort = joined(places, AblationStudy, options)
    Trainer(places, study, cohort, reporter or Reporter()).run()


def begin(places: AblationPlaces, options: AblateOptions, reporter: Reporter) -> AblationStudy:
    """What a study is about: the one that is there, or a new one; see `prologue.begin`."""

    def new(cohort: Cohort) -> AblationStudy:
        return define(places, cohort, options, reporter)

    return prologue.begin(
        places, AblationStudy, options, new, lambda study: _say(study, reporter), reporter
    )


def conclude(places: AblationPlaces, study: AblationStudy, cohort: Cohort) -> AblationResult:
    """Write results as things stand, and give them."""
    write(places, study, study.open(places), cohort)
    found = load_ablation(places.run, places.name)
    assert found is not None, "it was written just now"
    return found


class Trainer:
    """Trains cells of one study until none is left.

    Args:
        places: of the study.
        study: what it is about.
        cohort: it is about.
        reporter: shows progress.
        preset: the default, where it is not the study's.
        told: called after each cell.
    """

    def __init__(
        self,
        places: AblationPlaces,
        study: AblationStudy,
        cohort: Cohort,
        reporter: Reporter,
        *,
        preset: Preset | None = None,
        told: Callable[[], None] = lambda: None,
    ) -> None:
        refuse_other_cohort(places, study, cohort)
        self.places, self.study, self.cohort = places, study, cohort
        self.reporter, self._told = reporter, told
        self.cells = study.open(places)
        self.planner = Planner(study, cohort, places.speeds, preset)
        self.name = f"{platform.node()}:{os.getpid()}"

    def run(self) -> None:
        """Train whatever can be taken; wait for what others train, and take over if they die.

        Raises:
            KeyboardInterrupt: interrupted; another `run`, here or elsewhere, goes on.
            UserError: a folder cannot be written.
        """
        while True:
            claim = self.cells.claim()
            if claim is not None:
                self._train(claim)
            elif self.cells.done():
                return
            else:
                time.sleep(POLL)

    def _train(self, claim: Claim) -> None:
        cell = claim.cell
        folder = self.cells.folder(cell)
        try:
            outcome = train_trial(
                folder,
                lambda: self.planner.plan(cell.setting, cell.seed),
                self.cohort,
                rungs=CURVE,
                seed=self.study.seed,
                judge=lambda rung, kid: False,
                reporter=self.reporter,
            )
        except BaseException as error:
            # Nothing is told, so the cell waits for whoever takes it over.
            self.cells.leave(claim, died=not isinstance(error, (KeyboardInterrupt, *BLAMELESS)))
            raise
        self.cells.tell(claim, Ended.of(cell, outcome, self.name))
        forget(folder)
        write(self.places, self.study, self.cells, self.cohort)
        self._told()


class _Lines:
    """Says of every cell how it ended, once."""

    def __init__(self, study: AblationStudy, cells: Cells, reporter: Reporter, task: Task) -> None:
        self.cells, self.reporter, self.task = cells, reporter, task
        self._default = study.variants[0].name
        self._said = {cell.name for cell, _ in cells.records()}

    def show(self) -> None:
        """Lines of the cells that have ended since."""
        records = list(self.cells.records())
        default = {c.seed: ended.kid for c, ended in records if c.variant == self._default}
        for cell, ended in records:
            if cell.name not in self._said:
                self._said.add(cell.name)
                self.reporter.message(title(cell, ended, default.get(cell.seed)))
                self.task.advance(1)


def title(cell: Cell, ended: Ended, default: float | None) -> str:
    """A line about a cell that ended: seed, variant, score, and how far from the default."""
    changes = ", ".join(f"{n.partition('.')[2]} {value}" for n, value in cell.setting.items())
    what = cell.variant or f"trial: {changes or 'the default'}"
    if ended.kid is None:
        return f"seed {cell.seed}  {'-':>10}  {what}: {ended.reason}"
    gap = ""
    if cell.variant and cell.setting and default is not None:
        gap = f" ({ended.kid - default:+.4f} to the default)"
    return f"seed {cell.seed}  KID {ended.kid:.4f}  {what}{gap}"


def _say(study: AblationStudy, reporter: Reporter) -> None:
    """What is decided, before anything is trained."""
    reporter.message(study.budget)
    for one in study.variants:
        if one.impossible:
            reporter.message(f"note: {one.name} cannot be trained: {one.impossible}; {one.about}")
    for note in study.notes:
        reporter.message(f"note: {note}")
    if len(study.seeds) < 2:
        reporter.warning("with one seed nothing can be told from chance; take --seeds 5")
