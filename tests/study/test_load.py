"""Fifty readers at once: nobody waits long, and nothing acknowledged is lost to `kill -9`."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from types import ModuleType

import pytest

from study.small_studies import make_study

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("study_load")


@pytest.mark.slow
def test_fifty_readers_lose_nothing_to_ten_kills_and_wait_no_fifth_of_a_second(
    bench: ModuleType, tmp_path: Path
) -> None:
    study = make_study(tmp_path / "run", readers=50, real=60, synthetic=60, size=(128, 128))
    with bench.first_in_line() as first:
        result = asyncio.run(bench.drive(study, quiet=30, harsh=120, kills=10))
    assert result.kills == 10
    assert len(result.acknowledged) > 4000
    assert (result.lost, result.doubled, result.changed) == (0, 0, 0)
    assert result.refused == []
    assert set(result.statuses) == {200}
    # Without precedence the neighbours of a test runner are measured, not the server.
    if first:
        assert result.percentile("answer", 0.99) < 200
        assert result.percentile("stimulus", 0.99) < 200
