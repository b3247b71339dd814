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

import tempfile
import time
from collections.abc import Callable
from typing import Any

import ray
from ray import tune
from ray.exceptions import RayError, RayTaskError
from ray.tune.search import Searcher

from popgan._version import __version__
from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.tuning.ray_node import probe, train
from popgan.tuning.storage import FINALS, SEARCH
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
        UserError: a node refused to train, trainings are lost again and again, or all of Ray is.
    """
    show()
    tickets = Tickets(head)
    if not tickets.left():
        return
    try:
        _measure(head, needs)
        _train_all(head, tickets, workers, needs, Watch(workers, show, head.reporter))
    except (RayError, ConnectionError) as error:
        if isinstance(error, RayTaskError):  # of our own code
            raise
        words = " ".join(str(error).split())[:200]
        again = "start it again; the same command goes on"
        raise UserError(f"the Ray cluster was lost ({words})", do=again) from error
    show()
    if tickets.left():
        raise UserError("Ray Tune ended before its time", do="the same command goes on")


def _measure(head: Worker, needs: dict[str, float]) -> None:
    """Have the default's speed measured by a node before several would do so at once.

    The nodes train, so it is their speed that matters; and all trainings of the default must get
    the same number of images.

    Raises:
        UserError: the default cannot be planned, or the node does not see the run folder.
    """
    if head.places.speeds.exists():
        return
    task = ray.remote(probe).options(num_cpus=needs["cpu"], num_gpus=needs.get("gpu", 0))
    refused = ray.get(task.remote(_described(head)))
    if refused:
        raise UserError(refused)


def _train_all(
    head: Worker, tickets: Tickets, workers: int, needs: dict[str, float], watch: Watch
) -> None:
    with tempfile.TemporaryDirectory(prefix="popgan-ray-") as folder:
        tune.run(
            train,
            name=head.places.name,
            config=_described(head),
            search_alg=tickets,
            num_samples=-1,
            max_concurrent_trials=workers,
            resources_per_trial=needs,
            reuse_actors=True,
            max_failures=0,
            raise_on_failed_trial=False,
            callbacks=[watch],
            storage_path=folder,
            verbose=0,
        )


def _described(head: Worker) -> dict[str, Any]:
    """What a node is told; it reads all else from the run folder."""
    places = head.places
    return {"run": str(places.run), "name": places.name, "version": __version__}


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


def _words(error: str | None) -> str:
    """What the text of an error that Ray gives comes to."""
    lines = [line.strip() for line in (error or "").splitlines() if line.strip()]
    # Ray's words about a lost process fill a paragraph, and its causes are guesses.
    if not lines or any(name in line for line in lines for name in _LOST):
        return "its node or its process died"
    return lines[-1][:300]
