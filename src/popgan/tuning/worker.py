"""A worker of a search: takes a trial, trains it, tells how it ended, until nothing is left.

All that workers share is the run folder: the definition, the journal and the locks of trials. So
one may be started on every machine that sees the folder, and killed at any time.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable

from popgan.cohort.cohort import Cohort
from popgan.config.preset import Preset
from popgan.errors import UserError
from popgan.evidence.experiments.results import Outcome, Trial
from popgan.progress import Reporter
from popgan.tuning.definition import Definition, StudyPlaces
from popgan.tuning.folder import forget
from popgan.tuning.halving import goes_on
from popgan.tuning.outcome import DONE, finalists, judged, result, violations, write_result
from popgan.tuning.planner import Planner
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
        best = finalists(judged(self.storage.records(SEARCH)), self.definition.finalists)
        if not best:
            return 0
        settings = [{}, *(trial.setting for trial in best)]
        self.storage.enqueue_finals(settings)
        return len(settings) * self.definition.final_seeds

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
        """
        while (claim := self.storage.claim(study, most)) is None:
            records = self.storage.records(study)
            if len(records) >= most and all(one.state in DONE for one in records):
                return False
            time.sleep(POLL)
        self._train(claim)
        return True

    def _train(self, claim: Claim) -> None:
        number = claim.trial.number
        folder = self.places.trial(claim.study, number)
        # If anything is raised, nothing is told: the trial waits for whoever takes it over.
        with claim.lock:
            outcome = train_trial(
                folder,
                lambda: self.planner.plan(claim.setting, claim.seed),
                self.cohort,
                rungs=self.definition.rungs,
                seed=self.definition.seed,
                judge=self._judge(claim),
                reporter=self.reporter,
            )
            record = self._record(claim, outcome)
            others = self.storage.records(claim.study)
            self.storage.tell(claim, record, violations(record, others))
        forget(folder)
        self.write()
        self._told(record, self.storage)
        self._refuse_broken_default(record)

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
                frozen.intermediate_values[rung]
                for frozen in self.storage.trials(claim.study)
                if rung in frozen.intermediate_values and frozen.number != claim.trial.number
            ]
            return not goes_on(kid, others, self.definition.reduction)

        return judge

    def _refuse_broken_default(self, record: Trial) -> None:
        """A search around something that cannot be trained would fail trial by trial.

        Raises:
            UserError: the default failed.
        """
        if record.purpose == "default" and record.state in ("failed", "out of memory"):
            raise UserError(
                f"the default cannot be trained ({record.reason})",
                where=self.places.folder,
                do="choose another --preset, or values with --set, and another --name",
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
