"""The phantom's benchmark: what it measures on labels is right, and its table says it."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from popgan.phantom import make_subject

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


def module(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module(name)


def test_a_phantoms_row_counts_its_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_subject(0, 1)
    row = module("phantom_ixi", monkeypatch).phantom(made)
    assert row["grey_ml"] == pytest.approx((made.labels() == 2).sum() * 0.008)
    assert row["grey_share"] == pytest.approx(
        row["grey_ml"] / (row["grey_ml"] + row["white_ml"]), rel=1e-6
    )
    # Lateral ventricles of an adult, and their largest axial section.
    assert 5 < row["ventricles_ml"] < 80
    assert 2 < row["ventricle_cm2"] < 30


def test_wider_ventricles_are_measured_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = module("phantom_ixi", monkeypatch)
    young, old = (compared.phantom(make_subject(0, 1, age=age)) for age in (25, 80))
    assert old["ventricle_cm2"] > 1.2 * young["ventricle_cm2"]


def test_a_summary_has_mean_spread_and_trend(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"age": 20.0 + k, "grey_ml": 700.0 - 2 * k} for k in range(11)]
    found = module("phantom_ixi", monkeypatch).summary(rows, "grey_ml")
    assert found == {
        "mean": 690.0,
        "sd": round(float(np.std(np.arange(11), ddof=1)) * 2, 3),
        "r_age": -1.0,
    }


def test_the_table_names_machine_times_and_people(monkeypatch: pytest.MonkeyPatch) -> None:
    times = {"cpu": 0.51, "cpu_least": 0.49, "cpu_most": 0.6, "wall": 0.7}
    side = {"mean": 719.4, "sd": 88.4, "r_age": -0.68}
    measures = (
        "grey_ml", "white_ml", "cavity_ml", "grey_share", "ventricles_ml", "ventricle_cm2",
    )  # fmt: skip
    values = {
        "template": times,
        "2 mm, T1w": {"making": times, "writing": times},
        "linearity": {"10": 0.2, "20": 0.21},
        "stream": {"subjects": 1000, "peak_gib": 0.6, "cpu": 400.0, "wall": 300.0, "slices_gib": 9},
        "ixi": {
            **{name: {"people": side, "phantom": side} for name in measures},
            "subjects": 40,
            "ms_ssim": {"people": {"mean": 0.683, "sd": 0.1}},
        },
    }
    record = {
        "commit": "0123abc",
        "created": "2026-11-22T12:00:00+00:00",
        "machine": {"cpu": "Some CPU", "cores": 2, "memory_gib": 7.8, "system": "Linux x86_64"},
        "versions": {"popgan": "0.1.0", "torch": "2.13.0", "python": "3.11.7"},
    }
    cells = {name: {"value": value, **record} for name, value in values.items()}
    text = module("phantom_table", monkeypatch).table(cells)
    for words in (
        "Some CPU, 2 cores",
        "| 2 mm, T1w | 0.51 [0.49 to 0.60] (0.70) |",
        "| subjects | 10 | 20 |",
        "1000 subjects",
        "peak memory 0.6 GiB",
        "| grey matter, ml | 719 (88; -0.68) | 719 (88; -0.68) |",
        "| people | 0.683 (0.100) |",
    ):
        assert words in text
