"""The search on a Ray cluster: its nodes train the trials of one journal.

    popgan tune RUN --engine ray --address HEAD:6379

Ray Tune places trainings on nodes and notices when one is lost; nothing else is left to it. Which
trial comes next, whether it stops at a rung and how it ended stands in the journal of the run
folder, which all nodes see. So a node may die at any time, and this process as well.
Ray itself is imported only where it is asked for.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import math
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from popgan.cohort.cohort import Cohort
from popgan.errors import UserError
from popgan.evidence.experiments.results import TuneResult
from popgan.progress import Reporter
from popgan.stations.folder import locked
from popgan.tuning.begin import TuneOptions
from popgan.tuning.definition import Definition, StudyPlaces
from popgan.tuning.search import begin, conclude, progress
from popgan.tuning.worker import Worker
from popgan.wording import counted

PATIENCE = 10.0  # seconds for the head node to answer
NEW = "local"  # Ray's word for a cluster that is started for this process
_SILENT = 50  # of Python's levels of logging: what matters is said in our own lines
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent anywhere
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C ends here what it ends elsewhere
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # trials are logged in the run folder
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "RAY_AIR_NEW_OUTPUT": "0",  # the former output is silent when told to be
}


@dataclass(frozen=True)
class Nodes:
    """What a cluster has.

    Attributes:
        cores: of each node that can train; only of those with a GPU, if there are any.
        gpus: of all nodes.
    """

    cores: tuple[int, ...]
    gpus: int

    @classmethod
    def of(cls, described: list[dict[str, Any]]) -> Nodes:
        """As `ray.nodes()` describes them.

        Raises:
            UserError: none can train.
        """
        alive = [one["Resources"] for one in described if one["Alive"]]
        able = [one for one in alive if one.get("CPU", 0) >= 1]
        able = [one for one in able if one.get("GPU", 0) >= 1] or able
        if not able:
            raise UserError("the Ray cluster has no node with a core", do="add nodes to it")
        gpus = sum(int(one.get("GPU", 0)) for one in able)
        return cls(tuple(int(one["CPU"]) for one in able), gpus)

    @property
    def trainings(self) -> int:
        """At the same time, unless the user says otherwise: one a GPU, or one a node."""
        return self.gpus or len(self.cores)

    def threads(self, workers: int) -> int:
        """Of each training, so that the smallest node can do its share of so many."""
        return max(1, min(self.cores) // math.ceil(workers / len(self.cores)))

    def needs(self, threads: int, workers: int) -> dict[str, float]:
        """What Ray reserves for a training; no more cores than a node has."""
        needs: dict[str, float] = {"cpu": min(threads, max(self.cores))}
        if self.gpus:
            needs["gpu"] = 1 / math.ceil(workers / self.gpus)
        return needs

    def __str__(self) -> str:
        parts = [
            counted(len(self.cores), "node", "nodes"),
            counted(sum(self.cores), "core", "cores"),
        ]
        return ", ".join(parts + ([counted(self.gpus, "GPU", "GPUs")] if self.gpus else []))


def tune(
    run: str | Path,
    options: TuneOptions | None = None,
    *,
    workers: int | None = None,
    name: str | None = None,
    address: str | None = None,
    reporter: Reporter | None = None,
) -> TuneResult:
    """Search like `popgan.tuning.search.tune`, with trials trained by the nodes of a cluster.

    Args:
        run: run folder with an ingested cohort, at the same path on all nodes.
        options: what to search; None goes on with the study as it was begun, or takes defaults.
        workers: trials at the same time; one a GPU by default, or one a node without GPUs.
        name: of the study; the recipe's by default.
        address: HOST:PORT of the head node; by default the one in RAY_ADDRESS, else that of the
            cluster that runs on this machine, else a new one of this machine alone.
        reporter: shows progress.

    Raises:
        UserError: there is no Ray or no cluster, a node does not see the run folder, nodes are
            lost again and again, or what `search.tune` raises.
        KeyboardInterrupt: interrupted; the same call goes on.
    """
    reporter = reporter or Reporter()
    places = StudyPlaces(Path(run).absolute(), name or (options or TuneOptions()).recipe)
    with connected(address) as nodes:
        count = workers or nodes.trainings
        wanted = options or TuneOptions()
        wanted = replace(
            wanted,
            workers=count,
            beside=min(count, nodes.gpus or count),
            threads=wanted.threads or nodes.threads(count),
        )
        wanted.check()
        new = not places.definition.exists()
        with locked(places.run):
            definition = begin(places, wanted, reporter)
        if new:  # this machine's speed was measured, which trains nothing
            places.speeds.unlink(missing_ok=True)
        reporter.message(f"Ray: {nodes}; {counted(count, 'trial', 'trials')} at a time")
        cohort = Cohort.open(places.run)
        _Head(places, definition, cohort, nodes, count, reporter).run()
    return conclude(places, definition, cohort)


class _Head(Worker):
    """Has trials trained by nodes instead of training them."""

    def __init__(
        self,
        places: StudyPlaces,
        definition: Definition,
        cohort: Cohort,
        nodes: Nodes,
        workers: int,
        reporter: Reporter,
    ) -> None:
        super().__init__(places, definition, cohort, reporter)
        self.workers = workers
        threads = int(definition.overrides.get("train.threads", definition.threads))
        self.needs = nodes.needs(threads, workers)

    def run(self) -> None:
        """See `Worker.run`.

        Raises:
            UserError: also, a node does not see the run folder, or nodes are lost all the time.
        """
        from popgan.tuning.ray_search import exhaust

        # Ray prints what it knows of lost nodes on standard output, which is for results.
        nowhere = contextlib.redirect_stdout(io.StringIO())
        with progress(self.storage, self.definition, self.reporter) as lines, nowhere:
            self.storage.enqueue_defaults()
            exhaust(self, self.workers, self.needs, lines.show)


@contextmanager
def connected(address: str | None) -> Iterator[Nodes]:
    """Be connected to a cluster within the block.

    Args:
        address: see `tune`.

    Raises:
        UserError: Ray is not installed, or the cluster cannot be reached.
    """
    require_ray()
    place = _found(address)
    for key, value in _SETTINGS.items():
        os.environ.setdefault(key, value)
    import ray

    if ray.is_initialized():  # by whoever calls; it stays theirs
        yield Nodes.of(ray.nodes())
        return
    with _own_signals():
        try:
            ray.init(
                address=place,
                include_dashboard=False if place == NEW else None,
                log_to_driver=False,
                logging_level=_SILENT,
            )
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            words = " ".join(str(error).split())[:200]
            raise UserError(f"the Ray cluster cannot be used ({words})", do=_START) from error
    try:
        yield Nodes.of(ray.nodes())
    finally:
        ray.shutdown()


_START = "start it with `ray start --head`, and popgan on one of its nodes"


def require_ray() -> None:
    """Refuse to go on without Ray.

    Raises:
        UserError: it is not installed.
    """
    if any(importlib.util.find_spec(name) is None for name in ("ray", "pyarrow")):
        raise UserError("--engine ray needs Ray Tune", do="pip install popgan[ray]")


def _found(address: str | None) -> str:
    """Where the cluster is: as it was given, as in RAY_ADDRESS, of this machine, or `NEW`.

    Ray would look in the same places; but for one that is not there any more it waits for minutes.

    Raises:
        UserError: it does not answer.
    """
    asked = address or os.environ.get("RAY_ADDRESS", "")
    if asked == NEW:
        return NEW
    if asked not in ("", "auto"):
        _call(asked)
        return asked
    folder = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir())
    with contextlib.suppress(OSError, UserError):
        started = (folder / "ray" / "ray_current_cluster").read_text(encoding="utf-8").strip()
        _call(started)
        return started
    if asked:
        raise UserError("no Ray cluster runs on this machine", do=_START)
    return NEW


def _call(address: str) -> None:
    """Call the head node.

    Raises:
        UserError: it does not answer, or that is no address.
    """
    host, _, port = address.rpartition(":")
    if not host or "/" in address or not port.isdecimal() or int(port) > 65535:
        raise UserError(
            f"--address {address} is not an address", do="give the head node as HOST:PORT"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
    except OSError as error:
        why = error.strerror or str(error)
        raise UserError(f"no Ray cluster answers at {address} ({why})", do=_START) from error


@contextmanager
def _own_signals() -> Iterator[None]:
    """Ray takes SIGTERM over when it starts; give it back to whoever had it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
