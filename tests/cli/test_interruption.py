"""Killed or interrupted at any moment, the same command goes on and ends the same, bit for bit."""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from small_runs import INGEST, call, leavings, sets, start, write_heads

pytestmark = pytest.mark.xdist_group("finished run")
PATIENCE = 180  # seconds, for a machine that is busy with other things


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Look often until a condition holds; fail if the process ends before."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.002)


def rows(run: Path) -> int:
    log = run / "models/popgan/log.csv"
    return len(log.read_text().splitlines()) - 1 if log.exists() else 0


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is ready to train for some seconds."""
    folder = tmp_path_factory.mktemp("planned")
    scans, run = write_heads(folder / "scans", 3), folder / "run"
    assert call("ingest", scans, "-o", run, *INGEST).status == 0
    assert call("plan", run, *sets(train__images=800, train__ticks=50)).status == 0
    return run


@pytest.fixture(scope="module")
def undisturbed(planned: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    shutil.copytree(planned, run)
    assert call("train", run).status == 0
    return run


def test_killed_three_times_training_ends_the_same_bit_for_bit(
    planned: Path, undisturbed: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(planned, tmp_path / "run"))
    chance = random.Random()
    reached = 0
    for _ in range(3):
        process = start("train", run)
        goal = reached + chance.randint(3, 9)
        wait_for(lambda goal=goal: rows(run) >= goal, process)
        time.sleep(chance.uniform(0, 0.1))  # anywhere in a step, a tick or a file being written
        assert process.poll() is None, "it was to be killed while it trains"
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not (run / "models/popgan/weights.safetensors").exists()
        # What a checkpoint has secured is kept.
        assert rows(run) >= goal > reached
        reached = rows(run)
    answer = call("train", run)
    assert answer.status == 0
    mine, theirs = run / "models/popgan", undisturbed / "models/popgan"
    name = "weights.safetensors"
    assert (mine / name).read_bytes() == (theirs / name).read_bytes()
    # The log and the grids of samples show one training, without gaps or repetitions.
    images = [line.split(",")[0] for line in (mine / "log.csv").read_text().splitlines()]
    assert images == [line.split(",")[0] for line in (theirs / "log.csv").read_text().splitlines()]
    for grid in (theirs / "samples").iterdir():
        assert (mine / "samples" / grid.name).read_bytes() == grid.read_bytes()
    assert leavings(run) == []


def test_interrupted_training_goes_on_where_it_stopped(
    planned: Path, undisturbed: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(planned, tmp_path / "run"))
    for number in (signal.SIGINT, signal.SIGTERM):
        process, before = start("train", run), rows(run)
        wait_for(lambda before=before: rows(run) >= before + 2, process)
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130
        last = "popgan: interrupted; the same command goes on where it stopped."
        assert err.splitlines()[-1] == last
        assert "Traceback" not in err
        assert out == ""
        assert leavings(run) == []
    assert call("train", run).status == 0
    name = "models/popgan/weights.safetensors"
    assert (run / name).read_bytes() == (undisturbed / name).read_bytes()


def test_an_interrupted_phantom_says_that_nothing_was_kept(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "cohort"
    process = start("phantom", "-o", out, "-n", 5000, "--spacing", 6, "--workers", 2)
    wait_for(lambda: any(tmp_path.rglob("sub-phantom0002")), process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    last = f"popgan: interrupted; nothing was kept in {out}, the same command begins anew."
    assert err.splitlines()[-1] == last
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_what_makes_one_thing_says_that_it_begins_anew(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> NoReturn:
        raise KeyboardInterrupt

    for verb in ("generate", "evaluate", "audit", "compare", "plan"):
        name = "plan_station" if verb == "plan" else verb
        monkeypatch.setattr(f"popgan.stations.{verb}.{name}", stopped)
        answer = call(verb, finished / "run")
        of_sets = "a set that is not whole was not kept"
        kept = of_sets if verb == "generate" else "nothing of it was kept"
        last = f"popgan: interrupted; {kept}, the same command begins anew."
        assert (answer.status, answer.err.splitlines()[-1]) == (130, last)


def test_what_a_module_that_is_being_loaded_makes_of_ctrl_c_is_no_bug(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def loading(**_: object) -> NoReturn:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(PATIENCE)
        except KeyboardInterrupt as stop:
            raise ImportError("numpy.core failed to load") from stop
        raise AssertionError("the signal was not heard")

    monkeypatch.setattr("popgan.cli.main.app", loading)
    answer = call("doctor")
    assert answer.status == 130 and answer.line.startswith("popgan: interrupted; ")
    # The same error without a signal is one, and so is another one after a signal.
    monkeypatch.setattr("popgan.cli.main.app", lambda **_: [][1])
    assert call("doctor").status == 1

    def serving(**_: object) -> NoReturn:
        with contextlib.suppress(KeyboardInterrupt):  # the usual end of a server
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(PATIENCE)
        raise KeyError("tidying up")

    monkeypatch.setattr("popgan.cli.main.app", serving)
    assert "KeyError" in call("doctor").line


def die_in(module: str, name: str, *command: object) -> None:
    """Run a command in a forked process that kills itself where it would call module.name.

    A fork, because a fresh process would import torch again each time.
    """
    found = importlib.import_module(module)
    assert hasattr(found, name)
    child = os.fork()
    if child == 0:
        setattr(found, name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
        call(*command)
        os._exit(1)
    end = time.monotonic() + PATIENCE
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            pytest.fail(f"{module}.{name} was never called")
        time.sleep(0.01)
    assert os.WIFSIGNALED(status), f"{module}.{name} was not called"
    assert os.WTERMSIG(status) == signal.SIGKILL


def test_killed_in_every_station_a_run_ends_the_same(finished: Path, tmp_path: Path) -> None:
    run, scans = tmp_path / "run", finished / "scans"
    command = ["run", scans, "-o", run, "--no-audit", *INGEST, *sets()]
    die_in("popgan.cohort.write", "fingerprint", *command)
    assert len(leavings(run)) == 1  # half a store: the test does catch a station in the middle
    # Pseudonyms hang on the key of the run folder; with the same key they are the same.
    shutil.copy(finished / "run/private/pseudonyms.key", run / "private/pseudonyms.key")
    die_in("popgan.cohort.write", "Manifest", *command)
    die_in("popgan.stations.plan", "build_plan", *command)
    # Torch refuses to train in a fork of a process that has trained; training has its own test.
    for words in (["ingest", scans, "-o", run, *INGEST], ["plan", run, *sets()], ["train", run]):
        assert call(*words).status == 0
    die_in("popgan.synthesis.bids", "_write_subject", *command)
    assert len(leavings(run)) == 2
    die_in("popgan.stations.evaluate", "assess", *command)
    die_in("popgan.stations.report", "write_private_report", *command)
    assert call(*command).status == 0
    assert leavings(run) == []
    other = finished / "run"
    same = ["dataset/manifest.json", "cache/slices.npy", "evaluation/popgan.json"]
    same += ["models/popgan/weights.safetensors", "models/popgan/plan.yaml"]
    same += [path.relative_to(other).as_posix() for path in other.glob("synthetic/**/*_T1w.*")]
    assert len(same) > 15
    for name in same:
        assert (run / name).read_bytes() == (other / name).read_bytes(), name


def test_a_demo_killed_while_phantoms_are_made_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("popgan.run.DEMO_SUBJECTS", 1)
    command = ["run", "--demo", "-o", tmp_path / "run", *INGEST]
    die_in("popgan.phantom.cohort", "_write_tables", *command)
    assert len(leavings(tmp_path)) == 1
    # One subject is too few to go further; what counts is that it was made whole.
    assert "one subject cannot be split" in call(*command).line
    assert leavings(tmp_path) == []
    assert (tmp_path / "run/cache/phantom-0/participants.tsv").exists()
