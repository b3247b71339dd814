"""Several processes train as one does."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from engine import apart, tiny_job

from plans import recipe_plan, tiny_plan
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.progress import Reporter
from popgan.training import checkpoint
from popgan.training.log import read_log
from popgan.training.loop import run
from popgan.training.processes import ALONE, Processes, processes_of_environment

HERE = Path(__file__).parent


def test_rows_are_shared_in_whole_groups_or_not_at_all() -> None:
    assert ALONE.rows(16, 4) is None
    two = [Processes(rank, 2).rows(16, 4) for rank in (0, 1)]
    assert two == [slice(0, 8), slice(8, 16)]
    assert Processes(0, 2).rows(12, 4) is None
    assert Processes(2, 3).rows(12, 4) == slice(8, 12)


def test_one_process_asks_nobody() -> None:
    x = torch.ones(3)
    ALONE.add_up([x])
    assert ALONE.gather(x) is x
    assert ALONE.any(True, False) == (True, False)
    assert ALONE.told(7) == 7


def test_who_it_is_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    assert processes_of_environment() is None
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert processes_of_environment() is None, "a batch system may count its own tasks"
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", "1")
    assert processes_of_environment() == Processes(1, 2)
    monkeypatch.setenv("RANK", "2")
    with pytest.raises(UserError, match="RANK 2 of WORLD_SIZE 2"):
        processes_of_environment()
    monkeypatch.setenv("RANK", "one")
    with pytest.raises(UserError, match="no numbers"):
        processes_of_environment()


def start(
    count: int, folder: Path, changes: dict[str, object], *more: str
) -> list[subprocess.Popen[str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    paths = [str(HERE), str(HERE.parent), *sys.path]
    base |= {"WORLD_SIZE": str(count), "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, str(HERE / "two_processes.py"), str(folder), json.dumps(changes)]
    return [
        subprocess.Popen(
            [*command, *more], env=base | {"RANK": str(rank)}, stderr=subprocess.PIPE, text=True
        )
        for rank in range(count)
    ]


def plan_of(changes: dict[str, Any]) -> Plan:
    """A tiny plan, of the recipe that the changes name."""
    changes = dict(changes)
    return recipe_plan(changes.pop("recipe", "popgan"), **changes)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"network__dropout": 0.3, "train__loss": "logistic", "train__micro_batch": 4,
         "train__batch": 16},
        {"recipe": "mustgan", "augmentation__probability": 0.3},
        {"recipe": "stylegan2", "augmentation__probability": 0.3},
    ],
    ids=["rpgan", "dropout and micro-batches", "mustgan", "stylegan2"],
)  # fmt: skip
def test_two_processes_do_the_steps_of_one(tmp_path: Path, changes: dict[str, object]) -> None:
    batch = int(str(changes.get("train__batch", 8)))
    rates = {"train__lr_generator": 1e-4, "train__lr_discriminator": 1e-4}
    changes = {**rates, **changes, "train__images": 10 * batch}  # 3 penalties, a level fades in
    job, alone = tiny_job(plan_of(changes), tmp_path / "one")
    run(job, alone, Reporter())
    (tmp_path / "two").mkdir()
    for process in start(2, tmp_path / "two", changes):
        assert process.wait(120) == 0, process.communicate()[1]
    _, both = tiny_job(plan_of(changes), tmp_path / "two")
    assert checkpoint.restore(both, tmp_path / "two/checkpoints", "plan") == (True, [])
    found = apart(alone, both, tiny_job(job.plan, tmp_path)[1])
    assert max(found.values()) < 1e-3, found
    compared = ("loss_generator", "loss_discriminator", "penalty", "likeness_gap")
    for name in (*compared, "reconstruction"):
        one, two = (
            [row[name] for row in read_log(tmp_path / folder / "log.csv")]
            for folder in ("one", "two")
        )
        assert two == pytest.approx(one, rel=1e-4, abs=1e-5), name
    # Both processes hold the same weights, to the last bit.
    follower = torch.load(tmp_path / "two/follower.pt", weights_only=True)
    assert all(torch.equal(value, follower[k]) for k, value in both.generator.state_dict().items())


@pytest.mark.slow
def test_a_process_that_dies_ends_the_others(tmp_path: Path) -> None:
    first, second = start(2, tmp_path, {}, "dies")
    assert second.wait(120) == 9
    assert first.wait(60) == 1
    assert "another process of this training has ended" in first.communicate()[1].splitlines()[-1]
    # Its own checkpoints are there to go on from.
    _, state = tiny_job(tiny_plan(), tmp_path)
    assert checkpoint.restore(state, tmp_path / "checkpoints", "plan")[0]
