"""A worker of a search: takes a trial, trains it, tells how it ended, until nothing is left.

All that workers share is the run folder: the definition, the journal and the locks of trials. So
one may be started on every machine that sees the folder, and killed at any time.
"""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Callable
from pathlib import Path

from popgan.cohort.cohort import Cohort
from popgan.config.preset import Preset
from popgan.errors import UserError
from popgan.evidence.experiments.results import Outcome, Trial
from popgan.progress import Reporter
from popgan.tuning.definition import Definition, StudyPlaces
from popgan.tuning.folder import forget, hold
from popgan.tuning.halving import by_setting, goes_on
from popgan.tuning.outcome import final_settings, judged, result, violations, write_result
from popgan.tuning.planner import Planner
from popgan.tuning.records import DONE, FAILED, EndedError, broken_default
from popgan.tuning.storage import FINALS, SEARCH, Claim, Storage
from popgan.tuning.study import refuse_other_cohort
from popgan.tuning.trial import train_trial

POLL = 2.0
"""Seconds between two looks at what others do, while nothing is left to take."""

Told = Callable[[Trial, Storage], None]
"""Told of every trial that ended here."""


class Worker:
    """Works on one study.

    Args:
        places: of the study.
        definition: of the study.
        cohort: it is about.
        reporter: shows progress.
        preset: the default, where it is not the definition's.
        told: called after each trial.
    """

    def __init__(
        self,
        places: StudyPlaces,
        definition: Definition,
        cohort: Cohort,
        reporter: Reporter,
        *,
        preset: Preset | None = None,
        told: Told = lambda trial, storage: None,
    ) -> None:
        refuse_other_cohort(places, definition, cohort)
        self.places, self.definition, self.cohort = places, definition, cohort
        self.reporter, self._told = reporter, told
        self.storage = Storage(places, definition)
        self.planner = Planner(definition, cohort, places.speeds, preset)
        self.name = f"{platform.node()}:{os.getpid()}"

    def run(self) -> None:
        """Work until search and final are complete.

        Raises:
            KeyboardInterrupt: interrupted; another `run`, here or elsewhere, goes on.
            UserError: the default cannot be trained, or the journal cannot be reached.
        """
        self.storage.enqueue_defaults()
        self._exhaust(SEARCH, self.definition.trials)
        self._exhaust(FINALS, self.queue_final())
        self.write()

    def queue_final(self) -> int:
        """Queue the final of a search whose trials have all ended; returns how many it has."""
        settings = final_settings(judged(self.storage.records(SEARCH)), self.definition)
        return self.storage.enqueue_finals(settings) if settings else 0

    def write(self) -> None:
        """Write results.json as things stand."""
        write_result(result(self.storage, self.cohort), self.places.results)

    def _exhaust(self, study: str, most: int) -> None:
        """Train until all trials of a study have ended."""
        while self.train_next(study, most):
            pass

    def train_next(self, study: str, most: int) -> bool:
        """Train a trial; wait for what others train, and take over if they die.

        Args:
            study: `SEARCH` or `FINALS`.
            most: trials that it has in all.

        Returns:
            False if all have ended, so that there was none to train.

        Raises:
            UserError: the default cannot be trained, the disk is full or the journal out of reach;
                the trial waits, and the same call goes on with it.
        """
        while True:
            records = self.storage.records(study)
            if len(records) >= most and all(one.state in DONE for one in records):
                return False
            self._refuse_broken_default()
            if (claim := self.storage.claim(study, most)) is not None:
                self._train(claim)
                return True
            time.sleep(POLL)

    def _train(self, claim: Claim) -> None:
        folder = self.places.trial(claim.study, claim.trial.number)
        interrupted = threading.Event()
        # If anything is raised, nothing is told: the trial waits for whoever takes it over.
        with claim.lock:
            try:
                record = self._trained(claim, folder, interrupted)
                if record.state in FAILED and not self._default_trained():
                    self.storage.leave(claim)
                    return
                others = self.storage.records(claim.study)
                self.storage.tell(claim, record, violations(record, others))
            except EndedError:
                forget(folder)
                return
            except (KeyboardInterrupt, UserError):
                self.storage.leave(claim)
                raise
        forget(folder)
        self.write()
        self._told(record, self.storage)
        if interrupted.is_set():
            raise KeyboardInterrupt

    def _default_trained(self) -> bool:
        """Wait until the default has been trained; False if nobody trains it now.

        Before that a failure says nothing of a setting: the machine may be to blame, and the trial
        has to be tried again when that is mended.
        """
        alone = False
        while True:
            default = next(one for one in self.storage.records(SEARCH) if one.purpose == "default")
            if default.state in DONE or alone:
                return default.state in DONE
            lock = hold(self.places.trial(SEARCH, default.number))
            if lock is not None:
                lock.close()
                alone = True  # unless it has ended since
            else:
                time.sleep(POLL)

    def _trained(self, claim: Claim, folder: Path, interrupted: threading.Event) -> Trial:
        """Train a trial; see `trial.train_trial`.

        Raises:
            EndedError: another worker has ended it.
            UserError: it says nothing of the setting, or it is the default that failed.
        """
        outcome = train_trial(
            folder,
            lambda: self.planner.plan(claim.setting, claim.seed),
            self.cohort,
            rungs=self.definition.rungs,
            seed=self.definition.seed,
            judge=self._judge(claim),
            reporter=self.reporter,
            interrupted=interrupted,
        )
        if claim.purpose == "default" and outcome.state in FAILED:
            raise broken_default(outcome.reason, self.places.folder)
        return self._record(claim, outcome)

    def _record(self, claim: Claim, outcome: Outcome) -> Trial:
        return Trial(
            number=claim.trial.number,
            purpose=claim.purpose,
            setting=claim.setting,
            seed=claim.seed,
            worker=self.name,
            **vars(outcome),
        )

    def _judge(self, claim: Claim) -> Callable[[int, float], bool]:
        """Reports a rung, and says whether the trial may stop there; a default never does."""

        def judge(rung: int, kid: float) -> bool:
            self.storage.report(claim, kid, rung)
            if claim.purpose not in ("sampled", "warm start"):
                return False
            others = [
                (frozen.user_attrs["setting"], frozen.intermediate_values[rung])
                for frozen in self.storage.trials(claim.study)
                if rung in frozen.intermediate_values and frozen.number != claim.trial.number
            ]
            return not goes_on(kid, by_setting(others), self.definition.reduction)

        return judge

    def _refuse_broken_default(self) -> None:
        """Earlier versions wrote down that the default had failed, and went on around nothing.

        Raises:
            UserError: so it was.
        """
        for record in self.storage.records(SEARCH):
            if record.purpose == "default" and record.state in FAILED:
                raise UserError(
                    f"the default could not be trained ({record.reason.rstrip('.')}), and there is "
                    "nothing to hold other trials against",
                    where=self.places.folder,
                    do="see to that and begin anew: with another --name, or without this folder",
                )


def title(record: Trial) -> str:
    """A line about a trial that ended: number, score, state, and what it changed."""
    changes = ", ".join(
        f"{name.partition('.')[2]} {value}" for name, value in record.setting.items()
    )
    score = f"KID {record.kid:.4f}" if record.kid is not None else f"{'-':>10}"
    if record.state == "pruned" and record.points:
        score = f"KID {record.points[-1].kid:.4f}"
    share = f"{record.images / record.planned:.0%}" if record.planned else ""
    state = {"complete": "", "pruned": f"stopped at {share}"}.get(record.state, record.reason)
    what = changes or "the default"
    return f"trial {record.number:>3}  {score}  {state:<15}  {what}"
