"""The trials of a study in Optuna's journal, which several processes and machines write at once.

The journal is the only memory of a study. A trial is `running` there as long as nobody has told
how it ended; whether somebody still works on it is told by the lock of its folder.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import IO

import optuna
from optuna.trial import FrozenTrial, TrialState

from popgan.errors import UserError
from popgan.evidence.experiments.results import Purpose, Setting, Trial
from popgan.seeds import derive
from popgan.tuning.definition import Definition, StudyPlaces
from popgan.tuning.folder import belongs, held, hold, ticks
from popgan.tuning.journal import open_journal, reachable
from popgan.tuning.records import EndedError, broken_default, of_its_own, record_of, write_end
from popgan.tuning.space import differing, rounded, suggest

SEARCH, FINALS = "search", "finals"
MOST_STARTS = 3
_STARTUP = 8  # trials before the model of the objective is asked


@dataclass
class Claim:
    """A trial that this process may train.

    Attributes:
        study: `SEARCH` or `FINALS`.
        trial: Optuna's.
        purpose, setting, seed: of the training.
        lock: held until the trial is told.
    """

    study: str
    trial: optuna.trial.Trial
    purpose: Purpose
    setting: Setting
    seed: int
    lock: IO[str]


class Storage:
    """Both studies of a search: the search itself, and its final.

    Args:
        places: where the files lie; the definition is there.
        definition: of the search.

    Raises:
        LostError: the journal cannot be read or written; all methods do so.
    """

    def __init__(self, places: StudyPlaces, definition: Definition) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.places, self.definition = places, definition
        self._digest = places.digest
        with self._reachable():
            self._storage = open_journal(places.journal)
            self.studies = {name: self._open(name) for name in (SEARCH, FINALS)}

    def _open(self, name: str) -> optuna.Study:
        return optuna.create_study(
            study_name=name,
            storage=self._storage,
            direction="minimize",
            load_if_exists=True,
            pruner=optuna.pruners.NopPruner(),
        )

    def trials(self, study: str) -> list[FrozenTrial]:
        """All trials as they stand now."""
        with self._reachable():
            return self.studies[study].get_trials(deepcopy=False)

    def records(self, study: str) -> list[Trial]:
        """The same as results, in order; those that wait are left out."""
        return [record_of(one) for one in self.trials(study) if one.state != TrialState.WAITING]

    def enqueue_defaults(self) -> None:
        """Queue what the search begins with and is not there: the default with several seeds, warm
        starts."""
        definition, study = self.definition, self.studies[SEARCH]
        with self._turn():
            # Whoever began to queue may have been killed between two; what is there came first.
            known = [one.user_attrs.get("purpose") for one in self.trials(SEARCH)]
            begun = known.count("default") + known.count("seed spread")
            for place in range(begun, min(definition.spread, definition.trials)):
                study.enqueue_trial(
                    dict(definition.default),
                    user_attrs={
                        "purpose": "default" if place == 0 else "seed spread",
                        "seed": definition.search_seed(place),
                    },
                )
            warm = definition.warm[: max(0, definition.trials - definition.spread)]
            for setting in warm[known.count("warm start") :]:
                values = {**definition.default, **setting}
                study.enqueue_trial(values, user_attrs={"purpose": "warm start"})

    def enqueue_finals(self, settings: Sequence[Setting]) -> int:
        """Queue what is not there of the final: every setting with every fresh seed; seeds
        outside, so that all settings have been trained with the first before the second begins.

        Returns:
            How many trainings the final has; an earlier version may have queued one twice.
        """
        definition = self.definition
        with self._turn():
            known = [
                (one.user_attrs["seed"], one.user_attrs["setting"])
                for one in self.trials(FINALS)
                if one.user_attrs.get("purpose") == "final"
            ]
            # Seeds that are there come first: an earlier version began with others.
            seeds = dict.fromkeys(
                [seed for seed, _ in known]
                + [definition.final_seed(place) for place in range(definition.final_seeds)]
            )
            for seed in list(seeds)[: definition.final_seeds]:
                for setting in settings:
                    if (seed, dict(setting)) in known:
                        continue
                    known.append((seed, dict(setting)))
                    attributes = {"purpose": "final", "seed": seed, "setting": dict(setting)}
                    self.studies[FINALS].enqueue_trial({}, user_attrs=attributes)
            return len(self.trials(FINALS))

    def claim(self, study: str, most: int) -> Claim | None:
        """A trial to train: one that lost its worker, else the next in the queue, else a new one.

        Args:
            study: which; a final has no new ones.
            most: trials of a search that may begin in all.

        Returns:
            None if nothing is to be begun now.
        """
        with self._turn():
            for frozen in self.trials(study):
                if frozen.state == TrialState.RUNNING:
                    claim = self._taken_over(study, frozen)
                    if claim is not None:
                        return claim
            states = [one.state for one in self.trials(study)]
            waiting = states.count(TrialState.WAITING)
            begun = len(states) - waiting
            if not waiting if study == FINALS else begun >= most:
                return None
            return self._asked(study, begun)

    def report(self, claim: Claim, kid: float, rung: int) -> None:
        """Write the KID of a trial at a rung, which others are compared with.

        One that is there stays: so it is where a training was interrupted behind a rung, and goes
        on from a checkpoint before it.

        Raises:
            EndedError: another worker has ended the trial.
        """
        with self._reachable(), of_its_own():
            frozen = self._storage.get_trial(claim.trial._trial_id)
            if frozen.state.is_finished():
                raise EndedError(f"trial {frozen.number} has ended")
            if rung not in frozen.intermediate_values:
                claim.trial.report(kid, rung)

    def tell(self, claim: Claim, record: Trial, violations: Mapping[str, float]) -> None:
        """Write how a trial ended, and let it go; see `records.write_end`.

        Raises:
            EndedError: another worker has ended it.
        """
        try:
            with self._reachable():
                write_end(self.studies[claim.study], claim.trial, record, violations)
        finally:
            claim.lock.close()

    def leave(self, claim: Claim) -> None:
        """Let a trial go that has not ended, by no fault of its own: that start does not count."""
        try:
            # Where nothing can be written it counts, and so could the next one not begin.
            with suppress(UserError, EndedError), self._reachable(), of_its_own():
                known = self._storage.get_trial(claim.trial._trial_id).user_attrs
                claim.trial.set_user_attr("starts", max(0, int(known.get("starts", 1)) - 1))
        finally:
            claim.lock.close()

    def _taken_over(self, study: str, frozen: FrozenTrial) -> Claim | None:
        """A trial whose worker has gone; None if it has not, or has ended the trial."""
        lock = hold(self.places.trial(study, frozen.number))
        if lock is None:
            return None
        claim = None
        try:
            with suppress(EndedError), of_its_own():
                claim = self._resumed(study, frozen._trial_id, lock)
        finally:
            if claim is None:
                lock.close()
        return claim

    def _resumed(self, study: str, key: int, lock: IO[str]) -> Claim | None:
        """A trial that this process holds now; after some deaths it is to blame itself.

        Raises:
            UserError: so it is, and it is the default.
        """
        # It may have ended between the look and the lock.
        frozen = self._storage.get_trial(key)
        if frozen.state != TrialState.RUNNING:
            return None
        folder = self.places.trial(study, frozen.number)
        belongs(folder, self._digest)
        trial = optuna.trial.Trial(self.studies[study], key)
        # A worker that got further was not killed by the trial, but interrupted, or its node died.
        come = ticks(folder)
        further = come > frozen.user_attrs.get("ticks", 0)
        starts = 1 if further else int(frozen.user_attrs.get("starts", 1)) + 1
        claim = self._claim(study, trial, lock)
        if starts > MOST_STARTS:
            reason = f"its worker died {MOST_STARTS} times, without a word"
            if claim.purpose == "default":
                trial.set_user_attr("starts", 0)
                raise broken_default(reason, self.places.folder)
            record = record_of(frozen).model_copy(update={"state": "failed", "reason": reason})
            self.tell(claim, record, {})
            return None
        if further:
            trial.set_user_attr("ticks", come)
        trial.set_user_attr("starts", starts)
        return claim

    def _asked(self, study: str, number: int) -> Claim:
        definition = self.definition
        # A sampler of its own for each trial: what it proposes follows from the journal alone.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self.studies[study].sampler = optuna.samplers.TPESampler(
                seed=derive(definition.seed, f"sampler {number}") % 2**31,
                multivariate=True,
                group=True,
                constant_liar=True,
                n_startup_trials=_STARTUP,
            )
        trial = self.studies[study].ask()
        folder = self.places.trial(study, trial.number)
        lock = hold(folder)
        assert lock is not None, "a new trial is nobody's"
        belongs(folder, self._digest, new=True)
        trial.set_user_attr("starts", 1)
        return self._claim(study, trial, lock)

    def _claim(self, study: str, trial: optuna.trial.Trial, lock: IO[str]) -> Claim:
        """Complete what is known of a trial: a worker may have died while it was asked for."""
        definition = self.definition
        if "setting" not in trial.user_attrs:
            chosen = rounded(suggest(trial, definition.space, definition.held))
            trial.set_user_attr("setting", differing(chosen, definition.default))
        for name, value in (("purpose", "sampled"), ("seed", definition.search_seed(trial.number))):
            if name not in trial.user_attrs:
                trial.set_user_attr(name, value)
        known = trial.user_attrs
        return Claim(study, trial, known["purpose"], dict(known["setting"]), known["seed"], lock)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Take trials one worker at a time.

        Raises:
            UserError: another one does not let go.
        """
        with held(self.places.private / "turn"), self._reachable():
            yield

    def _reachable(self) -> AbstractContextManager[None]:
        return reachable(self.places.journal)
