"""A few simulated studies of each kind: intervals hold the truth as often as benchmarks say."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "benchmarks"
STUDIES, REPLICATES = 8, 60


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    truth = importlib.import_module("readers_truth")
    monkeypatch.setattr(truth, "MANY_IMAGES", 2000)
    monkeypatch.setattr(truth, "OVER", 1)
    monkeypatch.setattr(truth, "MANY_READERS", 40)
    monkeypatch.setattr(truth, "FEWER_IMAGES", 300)
    monkeypatch.setattr(truth, "TIMES", 1)
    monkeypatch.setattr(truth, "PAIRS_OF_READERS", 200)
    return importlib.import_module("readers")


def test_intervals_hold_the_truth_and_tests_are_silent(bench: ModuleType) -> None:
    for name, scene in bench.scenes().items():
        truth = bench.truth_of(scene)
        total: Counter[str] = Counter()
        for seed in range(STUDIES):
            total.update(bench.study(scene, truth, seed, REPLICATES))
        for key in (key for key in total if not key.endswith(" +")):
            right = total[f"{key} +"]
            assert total[key] == STUDIES
            # With 95 % each, 4 or fewer of 8 come about once in 3000 times.
            if key.startswith("covers"):
                assert right > 4, f"{name}: {key} in {right} of {STUDIES}"
            elif key.startswith("false"):
                assert right < 4, f"{name}: {key} in {right} of {STUDIES}"


def test_results_are_kept_and_nothing_is_done_twice(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "CHUNK", 2)
    output = tmp_path / "readers"
    arguments = ["readers.py", "--replicates", "50", "--only", "choice", "-o", str(output)]
    monkeypatch.setattr("sys.argv", [*arguments, "--studies", "2"])
    bench.main()
    first = output.with_suffix(".json").read_text()
    assert "2 studies" in output.with_suffix(".md").read_text()
    bench.main()
    assert output.with_suffix(".json").read_text() == first
    monkeypatch.setattr("sys.argv", [*arguments, "--studies", "4"])
    bench.main()
    assert "4 studies" in output.with_suffix(".md").read_text()
