"""A search on a Ray cluster ends like one on a machine, though a node dies on the way."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from popgan.errors import UserError
from popgan.evidence.experiments.results import Trial, TuneResult
from popgan.progress import Reporter
from popgan.tuning import ray_engine
from popgan.tuning.outcome import DONE, result
from popgan.tuning.ray_engine import Nodes
from popgan.tuning.storage import SEARCH, Storage
from popgan.tuning.worker import Worker
from small_runs import call, start
from tuning.tiny_searches import cheap, heads, own_run, study

_ = (heads, own_run, cheap)
TESTS = Path(__file__).resolve().parent.parent


@pytest.fixture
def no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the extra is not installed."""
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "ray" else found(name)
    )


@pytest.fixture
def some_ray(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As where it is; it is not imported, and no cluster runs."""
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "ray", None)


@pytest.mark.usefixtures("no_ray")
def test_without_ray_one_line_says_how_to_get_it_and_nothing_begins(own_run: Path) -> None:
    answer = call("tune", own_run, "--engine", "ray")
    assert answer.status == 2 and "pip install popgan[ray]" in answer.line
    assert not (own_run / "tune").exists()


@pytest.mark.usefixtures("some_ray")
def test_a_cluster_that_does_not_answer_is_one_line_and_nothing_is_lost(own_run: Path) -> None:
    places, definition, _ = study(own_run)
    Storage(places, definition).enqueue_defaults()
    before = places.journal.read_bytes()
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        answer = call("tune", own_run, "--engine", "ray", "--address", address)
    assert answer.status == 2 and f"no Ray cluster answers at {address}" in answer.line
    for wrong in ("here", "ray://host:10001", "host:port", "host:99999", ":6379"):
        answer = call("tune", own_run, "--engine", "ray", "--address", wrong)
        assert answer.status == 2 and "HOST:PORT" in answer.line
    answer = call("tune", own_run, "--engine", "ray", "--address", "auto")
    assert answer.status == 2 and "no Ray cluster runs on this machine" in answer.line
    assert places.journal.read_bytes() == before


def test_the_cluster_is_looked_for_where_ray_notes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert ray_engine._found(None) == ray_engine.NEW
    note = tmp_path / "ray/ray_current_cluster"
    note.parent.mkdir()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        note.write_text(address)
        assert ray_engine._found(None) == ray_engine.NEW  # it is no more
        listening.listen()
        assert ray_engine._found(None) == ray_engine._found("auto") == address
        monkeypatch.setenv("RAY_ADDRESS", address)
        note.unlink()
        assert ray_engine._found(None) == address


def test_options_of_ray_without_ray_are_refused(own_run: Path) -> None:
    cases = [
        (("--address", "host:6379"), "--engine ray"),
        (("--engine", "dask"), "no engine 'dask'"),
        (("--engine", "ray", "--join"), "--join"),
    ]
    for options, words in cases:
        answer = call("tune", own_run, *options)
        assert answer.status == 2 and words in answer.line, answer


def node(cores: float, gpus: float = 0, alive: bool = True) -> dict[str, Any]:
    return {"Alive": alive, "Resources": {"CPU": cores, **({"GPU": gpus} if gpus else {})}}


def test_trainings_fit_the_nodes_that_there_are() -> None:
    four = Nodes.of([node(0), node(8), node(16), node(8), node(4, alive=False)])
    assert four.cores == (8, 16, 8) and four.trainings == 3
    assert [four.threads(n) for n in (1, 3, 4, 6, 7, 100)] == [8, 8, 4, 4, 2, 1]
    assert four.needs(4, 6) == {"cpu": 4}
    assert four.needs(64, 1) == {"cpu": 16}  # what a study was begun with elsewhere
    two = Nodes.of([node(32), node(8, 1), node(8, 2)])
    assert two.trainings == 3 and str(two) == "2 nodes, 16 cores, 3 GPUs"
    assert two.needs(8, 3) == {"cpu": 8, "gpu": 1.0}
    assert two.needs(8, 4) == two.needs(8, 6) == {"cpu": 8, "gpu": 0.5}
    with pytest.raises(UserError, match="no node"):
        Nodes.of([node(0), node(8, alive=False)])


def test_the_rest_of_popgan_does_not_import_ray() -> None:
    source = TESTS.parent / "src/popgan"
    naming = [
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if "import ray\n" in (text := path.read_text(encoding="utf-8")) or "from ray" in text
    ]
    assert sorted(naming) == [f"tuning/ray_{name}.py" for name in ("engine", "node", "search")]
    assert ray_engine.__dict__.get("ray") is None  # inside of a function


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two nodes of one core, their processes with the stand-ins."""
    pytest.importorskip("ray.tune", reason="popgan[ray] is not installed")
    for key, value in ray_engine._SETTINGS.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("RAY_worker_niceness", "0")  # as other tests; Ray's own is 15
    import ray
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 1, "include_dashboard": False}
    made = Cluster(initialize_head=True, head_node_args=head)
    try:
        made.second = made.add_node(num_cpus=1)
        paths = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
        with ray_engine._own_signals():
            ray.init(
                address=made.address,
                log_to_driver=False,
                logging_level=50,
                runtime_env={
                    "env_vars": {"PYTHONPATH": paths},
                    "worker_process_setup_hook": "tuning.ray_nodes.cheapen",
                },
            )
        yield made
    finally:
        ray.shutdown()
        made.shutdown()


@pytest.mark.slow
def test_there_are_never_more_tickets_than_trials_and_a_lost_one_is_replaced(
    own_run: Path,
) -> None:
    pytest.importorskip("ray.tune", reason="popgan[ray] is not installed")
    from ray.tune.search import Searcher

    from popgan.tuning.ray_search import Tickets

    head = Worker(*study(own_run, trials=3, finalists=0), Reporter())
    head.storage.enqueue_defaults()
    tickets = Tickets(head)
    assert [tickets.suggest(name) for name in "ab"] == [
        {"study": SEARCH, "most": 3, "ticket": number} for number in (1, 2)
    ]
    assert tickets.suggest("c") is not None and tickets.suggest("d") is None
    tickets.on_trial_complete("b", error=True)
    assert tickets.suggest("e") is not None and tickets.suggest("f") is None
    for number in range(3):
        claim = head.storage.claim(SEARCH, 3)
        assert claim is not None
        record = Trial(number=number, purpose="default", setting={}, seed=number, state="complete")
        head.storage.tell(claim, record.model_copy(update={"kid": 0.5}), {})
        tickets.on_trial_complete("ace"[number])
    assert tickets.left() == 0 and tickets.suggest("g") == Searcher.FINISHED


@pytest.mark.slow
def test_nodes_that_are_lost_all_the_time_end_the_search_in_one_line() -> None:
    pytest.importorskip("ray.tune", reason="popgan[ray] is not installed")
    from popgan.tuning.ray_search import Watch

    class Lost:
        def __init__(self, text: str | None) -> None:
            self.get_error = lambda: text

    words = Words()
    watch = Watch(1, lambda: None, words)
    for text in (
        None,
        "Failure # 1\nray.exceptions.ActorDiedError: the actor\n\tdied",
        "a\nE: b\n",
    ):
        watch.on_trial_error(trial=Lost(text))
    assert [text.partition("(")[2].partition(")")[0] for text in words.said] == [
        *("its node or its process died", "its node or its process died", "E: b")
    ]
    watch.on_trial_result(result={"ended": True, "kid": 0.5})
    for _ in range(4):
        watch.on_step_end(trials=[])
        watch.on_trial_error(trial=Lost(None))
    watch.on_step_end(trials=[])
    watch.on_trial_error(trial=Lost("KeyError: 'bug'"))
    with pytest.raises(UserError, match=r"again and again .KeyError: 'bug'.; see to the nodes"):
        watch.on_step_end(trials=[])
    watch.on_trial_result(result={"refused": "node a has popgan 2, not 1."})
    with pytest.raises(UserError, match=r"^node a has popgan 2, not 1\.$"):
        watch.on_step_end(trials=[])


class Killer(threading.Thread):
    """Kills a node as soon as it and another have trained a few ticks of a trial.

    Attributes:
        number: of the trial that it trained.
        rows: of that trial's log by then.
        worker: process that trained it.
    """

    def __init__(self, folder: Path, node: Any, kill: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self.folder, self.node, self.kill = folder, node, kill
        self.number, self.worker, self.rows = -1, -1, list[str]()

    def run(self) -> None:
        end = time.monotonic() + 150
        while time.monotonic() < end and self.number < 0:
            time.sleep(0.1)
            logs = [path for path in self.folder.glob("*/log.csv") if rows(path)[4:]]
            held = dict(self._held())
            if len(logs) >= 2 and any(path.parent in held for path in logs):
                (folder,) = [path.parent for path in logs if path.parent in held]
                self.number, self.worker = int(folder.name), held[folder]
                self.kill()
                self.rows = rows(folder / "log.csv")

    def _held(self) -> Iterator[tuple[Path, int]]:
        """Folders of trials that a process of the node holds the lock of."""
        raylet = psutil.Process(self.node.all_processes["raylet"][0].process.pid)
        for child in raylet.children(recursive=True):
            try:
                for one in child.open_files():
                    if Path(one.path).name == ".lock":
                        yield Path(one.path).parent, child.pid
            except psutil.Error:
                continue


def rows(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


class Words(Reporter):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def message(self, text: str) -> None:
        self.said.append(text)

    warning = message


@pytest.mark.slow
@pytest.mark.usefixtures("cheap")
def test_a_node_that_is_killed_loses_no_trial_and_none_counts_twice(
    cluster: Any, heads: Path, tmp_path: Path
) -> None:
    values: dict[str, Any] = {"trials": 4, "rungs": [], "seconds": 1.0, "final_seeds": 1}
    alone = Worker(*study(Path(shutil.copytree(heads, tmp_path / "alone")), **values), Reporter())
    alone.run()
    expected = result(alone.storage, alone.cohort)

    run = Path(shutil.copytree(heads, tmp_path / "run"))
    places, definition, _ = study(run, **values)
    killer = Killer(
        places.private / SEARCH,
        cluster.second,
        lambda: cluster.remove_node(cluster.second, allow_graceful=False),
    )
    killer.start()
    words = Words()
    found = ray_engine.tune(run, reporter=words)
    assert killer.number >= 0, words.said

    # As on one machine: every trial once, with the same seed, setting and score.
    assert [trial.number for trial in found.trials] == list(range(len(expected.trials)))
    assert all(trial.state in DONE for trial in found.trials)
    assert content(found) == content(expected)
    assert TuneResult.model_validate_json(places.results.read_text()) == found
    assert places.preset.exists()

    # The other node went on with the trial where the killed one was, not from its start.
    storage = Storage(places, definition)
    trial = storage.trials(SEARCH)[killer.number]
    assert trial.user_attrs["ticks"] >= 3
    assert int(found.trials[killer.number].worker.rpartition(":")[2]) != killer.worker
    log = rows(places.trial(SEARCH, killer.number) / "log.csv")
    assert len(log) == 21 and log[: len(killer.rows) - 1] == killer.rows[:-1]
    others = [one for one in storage.trials(SEARCH) if one.number != killer.number]
    assert [one.user_attrs["starts"] for one in others] == [1] * 3
    assert all("ticks" not in one.user_attrs for one in others)
    assert any("was lost (its node or its process died)" in text for text in words.said)
    for number in range(4):
        assert sum(text.startswith(f"trial {number:>3}") for text in words.said) == 1

    # The command finds the cluster, and that nothing is left to do.
    asked = start("tune", run, "--engine", "ray", "--address", cluster.address)
    out, err = asked.communicate(timeout=120)
    assert asked.returncode == 0, err
    assert "Ray: 1 node, 1 core; 1 trial at a time" in err and "seeds alone: SD" in out
    assert content(TuneResult.model_validate_json(places.results.read_text())) == content(found)


def content(found: TuneResult) -> dict[str, Any]:
    """A result without what depends on when and where it was trained."""
    loose = {"worker": "", "seconds": 0.0, "overhead": 0.0}
    trials = [
        one.model_copy(
            update={**loose, "points": [p.model_copy(update={"seconds": 0}) for p in one.points]}
        )
        for one in found.trials
    ]
    return found.model_copy(update={"trials": trials}).model_dump()
