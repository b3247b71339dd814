"""The benchmark of the main line: what it measures, and that it measures nothing twice."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from popgan.errors import UserError
from popgan.files import read_json

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
TINY = ["--set", "train.images=160", "--set", "evaluate.n=20", "--set", "generate.n=8"]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("main_line")


def cells() -> dict[str, Any]:
    """Made-up results."""
    score = {"value": 0.31, "low": 0.26, "high": 0.36, "floor": 0.01, "floor_low": 0.0}
    score |= {"floor_high": 0.02, "ceilings": {"mean image": 1.7}}
    record = {
        "commit": "0123abc",
        "created": "2026-11-22T12:00:00+00:00",
        "machine": {"cpu": "Some CPU", "cores": 2, "memory_gib": 7.8, "system": "Linux x86_64"},
        "versions": {"popgan": "0.1.0", "torch": "2.13.0", "python": "3.11.7"},
    }
    values = {
        "run": {
            "seconds": 611.0,
            "scans": 40,
            "scans_per_second": 2.1,
            "stations": {"ingest": 19.0, "train": 480.0},
            "peak_gib": {"start": 0.2, "train": 1.25},
        },
        "training": {
            "sides": ["32", "64"],
            "probe": [66.0, 21.4],
            "log": [None, 19.6],
            "images": 9984,
            "threads": 2,
            "precision": "bf16",
        },
        "generation": {"images": 512, "images_per_second": 381.6},
        "quality": {
            "backbone": {"backbone": "efficientnet-lite0", "input_size": 160},
            "n_synthetic": 500,
            "n_reference": 144,
            "n_reference_subjects": 6,
            "verdict": "in between",
            "scores": {"kid": score},
        },
    }
    return {name: {"value": value, **record} for name, value in values.items()}


def test_the_table_names_machine_command_and_every_figure(bench: ModuleType) -> None:
    settings = {"cohort": "ixi", "subjects": None, "command": "popgan run $POPGAN_DATA/ixi -o RUN"}
    text = bench.table(settings, cells())
    for part in (
        "Some CPU, cores used: 2, 7.8 GiB",
        "commit 0123abc",
        "    popgan run $POPGAN_DATA/ixi -o RUN",
        "at 32 / 64 px, steps alone | 66 / 21 |",
        "in the run | - / 20 |",
        "generation, images/s at 64 px | 382 |",
        "2.1 (40 scans)",
        "| peak memory, GiB | 1.25 |",
        "| train | 480.0 | 1.25 |",
        "| kid | 0.31 (0.26 to 0.36) | 0.01 (0 to 0.02) | 1.7 |",
        "efficientnet-lite0 at 160 pixels",
        "Verdict: in between.",
    ):
        assert part in text


def test_a_finished_cell_is_not_measured_again(bench: ModuleType, tmp_path: Path) -> None:
    path, settings = tmp_path / "results.json", {"cohort": "phantom", "cores": 1}
    asked = []

    def measure() -> int:
        asked.append(1)
        return 7

    def results(**changes: Any) -> Any:
        restart = bool(changes.pop("restart", False))
        return bench.Results(path, settings | changes, restart=restart)

    assert results().cell("a", measure) == results().cell("a", measure) == 7
    assert len(asked) == 1
    assert read_json(path)["cells"]["a"]["machine"]["cores"] >= 1
    results(restart=True).cell("a", measure)
    results(cores=2).cell("a", measure)  # figures of other settings are not mixed in
    assert len(asked) == 3


def test_a_failed_cell_leaves_the_finished_ones(bench: ModuleType, tmp_path: Path) -> None:
    results = bench.Results(tmp_path / "r.json", {}, restart=False)
    results.cell("a", lambda: 1)
    with pytest.raises(ZeroDivisionError):
        results.cell("b", lambda: 1 / 0)
    assert set(read_json(tmp_path / "r.json")["cells"]) == {"a"}


def test_speed_of_a_level_counts_only_ticks_within_it(bench: ModuleType) -> None:
    levels = [1, 1, 1, 2, 2, 3]
    speeds = [100, 90, 95, 50, 40, 20]
    pairs = zip(levels, speeds, strict=True)
    rows = [{"level": float(level), "images_per_second": float(s)} for level, s in pairs]
    assert bench.level_speeds(rows, [1, 2, 3]) == [95.0, 40.0, None]


def test_memory_is_sampled_in_the_station_that_takes_it(bench: ModuleType) -> None:
    code = (
        'import sys, time; sys.stderr.write(\'{"text": "[train x]"}\\n\'); sys.stderr.flush();'
        "a = bytearray(300 * 2**20); time.sleep(1.0)"
    )
    name = Path(sys.executable).name
    watched = bench.watch([name, "-c", code])
    assert 0.28 < watched["peak_gib"]["train"] < 0.6
    assert watched["seconds"] >= 1


def test_a_run_that_fails_is_an_error_with_its_own_words(bench: ModuleType) -> None:
    name = Path(sys.executable).name
    with pytest.raises(UserError, match="status 3: out of luck"):
        bench.watch([name, "-c", "print('out of luck'); raise SystemExit(3)"])


def test_real_data_are_asked_for_by_name(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("POPGAN_DATA", raising=False)
    monkeypatch.setattr(bench, "Results", lambda *_, **__: type("R", (), {"cell": call_it})())
    assert bench.main(["--cohort", "ixi"]) == 2
    assert "POPGAN_DATA is not set" in capsys.readouterr().err


def call_it(_self: object, _name: str, measure: Any) -> Any:
    return measure()


@pytest.mark.slow
def test_the_whole_benchmark_on_a_small_phantom(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folders = ["--work", str(tmp_path / "work"), "--results", str(tmp_path / "results")]
    arguments = ["--cohort", "phantom", "--subjects", "12", *TINY, *folders]
    assert bench.main(arguments) == 0
    path = tmp_path / "results" / "main_line-phantom.md"
    text = path.read_text()
    stations = ("ingest", "plan", "train", "generate", "evaluate", "report")
    assert all(f"| {name} | " in text for name in stations)
    assert str(tmp_path) not in text
    found = read_json(path.with_suffix(".json"))["cells"]
    assert min(found["training"]["value"]["probe"]) > 0
    assert 0.1 < max(found["run"]["value"]["peak_gib"].values()) < 8
    assert found["quality"]["value"]["scores"]["kid"]["value"] > 0

    def refuse(*_: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(bench, "watch", refuse)
    monkeypatch.setattr(bench, "measure_training", refuse)
    assert bench.main(arguments) == 0
    assert path.read_text() == text
