"""Mutated real files at the reader, bounded: `benchmarks/fuzz.py` runs twenty thousand."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("fuzz")


def test_mutated_files_are_read_or_refused_and_never_kill_hang_or_gorge(bench: ModuleType) -> None:
    result = bench.fuzz(2000, seed=1)
    assert result.crashes == []
    assert result.hangs == []
    assert result.over_memory == []
    assert result.bugs == []
    assert result.files == 2000
    # Mutations that spare a file and such that break it: otherwise nothing was tested.
    assert result.taken > 100
    assert sum(result.refused.values()) == 2000 - result.taken


def test_what_must_not_happen_is_seen_when_it_does(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly = bench.COMMAND.replace(
        "        try:\n            answers",
        "        if int(Path(name).name.split('-')[0]) == 7:\n"
        "            box.opening(Path(name))\n"
        "            import ctypes; ctypes.string_at(0)\n"
        "        if int(Path(name).name.split('-')[0]) == 9:\n"
        "            answers.append('MEMORY'); continue\n"
        "        try:\n            answers",
    )
    assert deadly != bench.COMMAND
    monkeypatch.setattr(bench, "COMMAND", deadly)
    result = bench.fuzz(20)
    assert [text.split("-")[0] for text in result.crashes] == ["7"]
    assert [text.split("-")[0] for text in result.over_memory] == ["9"]
    assert result.files == 20


def test_the_same_seed_makes_the_same_files(bench: ModuleType, tmp_path: Path) -> None:
    kinds = bench.seeds(None)
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert len(next(bench._batches(25, kinds, 3, folder))) == 25
    first, second = (sorted((tmp_path / n).iterdir()) for n in "01")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
