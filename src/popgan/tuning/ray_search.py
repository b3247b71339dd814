"""Ray Tune as the hand that places trainings on nodes; the study's journal is the head.

A trial of Ray is a ticket to train one trial of the journal, whichever it gives: one that lost its
worker, else the next in the queue, else a new proposal (Optuna's TPE). At a rung the training is
judged where it runs, against the values in the journal (ASHA), and its end is written there before
Ray hears of it. A ticket that is lost with its node is replaced, not repeated: whoever comes next
takes the trial over from its last tick, and nobody else can hold its lock.

Ray's own `OptunaSearch` and `ASHAScheduler` are not used. They live in the memory of the process
that called Ray: the trials of a lost node would stay `running` in the study for good, and a lost
caller would take the rungs with it; ASHA's rungs there are powers of its reduction, and it would
stop the default's trainings, whose spread has to be known.
"""

from __future__ import annotations

import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.search import Searcher

from popgan._version import __version__
from popgan.cohort.cohort import Cohort
from popgan.errors import UserError
from popgan.evidence.experiments.results import Trial
from popgan.progress import Reporter
from popgan.tuning.definition import Definition, StudyPlaces
from popgan.tuning.storage import FINALS, SEARCH, Claim, Storage
from popgan.tuning.worker import POLL, Worker

_AGAIN = 4
"""How often each worker may be lost, without a trial that ends in between."""
_LOST = ("ActorDiedError", "ActorUnavailableError", "RayActorError")
_PATIENCE = 120.0  # seconds without any training until the user is told


def exhaust(head: Worker, workers: int, needs: dict[str, float], show: Callable[[], None]) -> None:
    """Have a search and its final trained by the cluster that this process is connected to.

    Args:
        head: worker of the study, which trains nothing itself; defaults are queued.
        workers: trials at the same time.
        needs: `cpu` and `gpu` of each.
        show: says what has ended since.

    Raises:
        UserError: a node refused to train, or trainings are lost again and again.
    """
    show()
    tickets = Tickets(head)
    if not tickets.left():
        return
    with tempfile.TemporaryDirectory(prefix="popgan-ray-") as folder:
        tune.run(
            train,
            name=head.places.name,
            config={
                "run": str(head.places.run),
                "name": head.places.name,
                "version": __version__,
            },
            search_alg=tickets,
            num_samples=-1,
            max_concurrent_trials=workers,
            resources_per_trial=needs,
            reuse_actors=True,
            max_failures=0,
            raise_on_failed_trial=False,
            callbacks=[Watch(workers, show, head.reporter)],
            storage_path=folder,
            verbose=0,
        )
    show()
    if tickets.left():
        raise UserError("Ray Tune ended before its time", do="the same command goes on")


class Tickets(Searcher):
    """As many tickets as there are trials that have not ended: of the search, then of the final.

    Args:
        head: worker of the study; it queues the final when the search is complete.
    """

    def __init__(self, head: Worker) -> None:
        super().__init__()
        self._head = head
        self._study, self._most = SEARCH, head.definition.trials
        self._out: set[str] = set()
        self._given = 0
        self._known: tuple[float, int] | None = None

    def left(self) -> int:
        """Trials that have not ended, of the search or, if there are none, of its final."""
        left = self._most - self._ended()
        if left == 0 and self._study == SEARCH:
            self._study, self._most = FINALS, self._head.queue_final()
            left = self._most - self._ended()
        return left

    def _ended(self) -> int:
        return sum(one.state.is_finished() for one in self._head.storage.trials(self._study))

    def suggest(self, trial_id: str) -> dict[str, str | int] | str | None:
        """A ticket, nothing for now, or that no more will come."""
        now = time.monotonic()
        if self._known is None or now - self._known[0] > POLL:
            self._known = (now, self.left())
        left = self._known[1]
        if left == 0:
            return str(Searcher.FINISHED)
        if len(self._out) >= left:
            return None
        self._out.add(trial_id)
        self._given += 1
        return {"study": self._study, "most": self._most, "ticket": self._given}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """A ticket was used or lost; the journal knows what came of it."""
        self._out.discard(trial_id)
        self._known = None

    def save(self, checkpoint_path: str) -> None:
        """Nothing is kept here."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing is kept here."""


class Watch(tune.Callback):
    """Shows what ends, and gives up where no patience helps.

    Args:
        workers: trials at the same time.
        show: says what has ended since.
        reporter: told of what is lost.
    """

    def __init__(self, workers: int, show: Callable[[], None], reporter: Reporter) -> None:
        self._workers, self._show, self._reporter = workers, show, reporter
        self._refused = ""
        self._lost: list[str] = []
        self._shown = self._busy = time.monotonic()

    def on_trial_result(self, *, result: dict[str, Any], **_: Any) -> None:
        """A rung, or the end of a training."""
        self._refused = self._refused or str(result.get("refused", ""))
        if "ended" in result:
            self._lost.clear()

    def on_trial_error(self, *, trial: Any, **_: Any) -> None:
        """A training was lost."""
        self._lost.append(_words(trial.get_error()))
        self._reporter.warning(f"a training was lost ({self._lost[-1]}); it goes on elsewhere")

    def on_step_end(self, *, trials: list[Any], **_: Any) -> None:
        """Several times a second.

        Raises:
            UserError: it makes no sense to go on.
        """
        if self._refused:
            raise UserError(self._refused)
        if len(self._lost) > _AGAIN * self._workers:
            raise UserError(
                f"trainings are lost again and again ({self._lost[-1]})",
                do="see to the nodes; the same command goes on",
            )
        now = time.monotonic()
        if now - self._shown < POLL:
            return
        self._shown = now
        self._show()
        if any(one.status == "RUNNING" for one in trials):
            self._busy = now
        elif now - self._busy > _PATIENCE:
            self._busy = now + 9 * _PATIENCE
            self._reporter.warning("nothing is trained; trials wait until Ray has a free node")


def train(config: dict[str, Any]) -> None:
    """Train one trial on this node, which may be any.

    Args:
        config: run folder, name and half of the study, number of its trials, version of popgan.
    """
    answer: dict[str, Any] = {}

    def told(record: Trial, storage: Storage) -> None:
        answer.update(number=record.number, state=record.state, kid=record.kid)

    places = StudyPlaces(Path(config["run"]), config["name"])
    try:
        _check(places, config["version"])
        definition, cohort = Definition.load(places.definition), Cohort.open(places.run)
        worker = _OnNode(places, definition, cohort, Reporter(), told=told)
        worker.train_next(config["study"], config["most"])
        answer["ended"] = True
    except UserError as error:
        answer["refused"] = str(error)
    tune.report({**answer, "done": True})


class _OnNode(Worker):
    """A worker that tells Ray of rungs as well, for its own dashboard."""

    def _judge(self, claim: Claim) -> Callable[[int, float], bool]:
        judge = super()._judge(claim)

        def judged(rung: int, kid: float) -> bool:
            stops = judge(rung, kid)
            tune.report({"number": claim.trial.number, "rung": rung, "kid": kid})
            return stops

        return judged


def _check(places: StudyPlaces, version: str) -> None:
    """Refuse what would go wrong on this node for every trial.

    Raises:
        UserError: it does not see the run folder, or has another popgan.
    """
    node = platform.node()
    if version != __version__:
        raise UserError(
            f"node {node} has popgan {__version__}, not {version}", do="install the same on all"
        )
    if not places.definition.exists():
        raise UserError(
            f"node {node} does not see it",
            where=places.definition,
            do="put the run folder where all nodes see it at the same path",
        )


def _words(error: str | None) -> str:
    """What the text of an error that Ray gives comes to."""
    lines = [line.strip() for line in (error or "").splitlines() if line.strip()]
    # Ray's words about a lost process fill a paragraph, and its causes are guesses.
    if not lines or any(name in line for line in lines for name in _LOST):
        return "its node or its process died"
    return lines[-1][:300]
