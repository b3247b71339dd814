"""Workers of one machine: who gets which GPU. No GPU is needed here."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from popgan.device import side_by_side, visible_gpus
from popgan.progress import Reporter
from popgan.tuning.crew import Crew
from popgan.tuning.definition import StudyPlaces


class Process:
    """One that has been started, and died once if it was asked to."""

    started: list[dict[str, str]]

    def __init__(self, command: list[str], *, env: dict[str, str], **_: Any) -> None:
        self.started.append(env)
        self.status: int | None = None

    def poll(self) -> int | None:
        return self.status

    def terminate(self) -> None:
        self.status = -15

    def wait(self, timeout: float | None = None) -> int:
        return 0


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """Environments of the processes that were started."""
    found: list[dict[str, str]] = []
    monkeypatch.setattr(Process, "started", found, raising=False)
    monkeypatch.setattr(subprocess, "Popen", Process)
    return found


def machine(monkeypatch: pytest.MonkeyPatch, gpus: int, asked: str | None = None) -> None:
    """One with so many GPUs, of which the user has asked for some."""
    count = gpus if asked is None else len([one for one in asked.split(",") if one])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    if asked is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", asked)


@pytest.mark.parametrize(
    ("gpus", "asked", "dealt"),
    [
        (4, None, ["0", "1", "2", "3", "0", "1"]),
        (1, None, 6 * ["0"]),
        (8, "5,2", ["5", "2", "5", "2", "5", "2"]),
        (8, "GPU-8932f937, GPU-1f22a253,", 3 * ["GPU-8932f937", "GPU-1f22a253"]),
    ],
)
def test_workers_share_out_the_gpus_that_may_be_used(
    monkeypatch: pytest.MonkeyPatch,
    started: list[dict[str, str]],
    tmp_path: Path,
    gpus: int,
    asked: str | None,
    dealt: list[str],
) -> None:
    machine(monkeypatch, gpus, asked)
    with Crew(StudyPlaces(tmp_path, "popgan"), 6, 1, Reporter()) as crew:
        assert [one["CUDA_VISIBLE_DEVICES"] for one in started] == dealt
        process: Any = crew._running[3][0]
        process.status = 1  # it died
        assert crew.busy()
    assert [one["CUDA_VISIBLE_DEVICES"] for one in started[6:]] == [dealt[3]]


@pytest.mark.parametrize("asked", [None, ""])
def test_without_a_gpu_nothing_is_said_about_any(
    monkeypatch: pytest.MonkeyPatch,
    started: list[dict[str, str]],
    tmp_path: Path,
    asked: str | None,
) -> None:
    machine(monkeypatch, 0, asked)
    with Crew(StudyPlaces(tmp_path, "popgan"), 2, 3, Reporter()):
        assert [one.get("CUDA_VISIBLE_DEVICES") for one in started] == 2 * [asked]
        assert [one["OMP_NUM_THREADS"] for one in started] == ["3", "3"]


def test_as_many_trainings_run_side_by_side_as_there_are_gpus_for_or_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for gpus, asked, beside in (
        (0, None, [1, 3, 8]),
        (4, None, [1, 3, 4]),
        (4, "2", [1, 1, 1]),
        (4, "", [1, 3, 8]),
    ):
        machine(monkeypatch, gpus, asked)
        assert [side_by_side(workers) for workers in (1, 3, 8)] == beside
    machine(monkeypatch, 2, None)
    assert visible_gpus() == ["0", "1"]
