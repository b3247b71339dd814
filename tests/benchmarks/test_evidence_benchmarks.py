"""The benchmarks of evidence: their truth is true, their tables say what was measured."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def bias(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("bias")


@pytest.fixture
def speed(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("evidence_speed")


def test_the_true_kernel_distance_is_that_of_many_draws(bias: ModuleType) -> None:
    kernels = []
    for seed in range(400):
        real, _, made = bias.people(seed, False)
        first, second = np.roll(real, 1, 0), np.roll(made, 1, 0)
        pairs = ((real, first), (made, second), (real, second))
        k = [(((a * b).sum(1) / bias.DIMENSION + 1) ** 3).mean() for a, b in pairs]
        kernels.append(k[0] + k[1] - 2 * k[2])
    error = np.std(kernels) / np.sqrt(len(kernels))
    assert abs(np.mean(kernels) - bias.true_kid()) < 3.5 * error
    assert error < 0.1 * bias.true_kid()


def test_the_bias_table_shows_falling_bias_and_what_intervals_miss(bias: ModuleType) -> None:
    result = bias.run(bias.QUICK)
    for rows in result["same"].values():
        distances = [row["distance"] for row in rows]
        assert distances == sorted(distances, reverse=True)
        assert rows[-1]["extrapolated"] < distances[-1]
    bootstrap = result["intervals"][-1]
    assert bootstrap["coverage"] == 0 and bootstrap["mean_low"] > bootstrap["truth"]
    text = bias.page(result)
    assert "| KID, jackknife by patient |" in text and "| power 1.5 |" in text


def test_the_speed_of_every_measure_is_told(speed: ModuleType) -> None:
    class Grey:
        """A network that is no time at all."""

        identity = {"backbone": "grey"}  # noqa: RUF012

        def __call__(self, images: np.ndarray, *, advance: object = None) -> np.ndarray:
            return images[:, 0, ::8, 0].astype(np.float32)

    speed.extractor_of = lambda _: Grey()
    options = argparse.Namespace(
        synthetic=100, training=80, held_out=80, side=32, threads=1, features=None
    )
    found = speed.measured(options)
    assert set(found["seconds"]) == {
        "features of the network", "everything else", *(m.__name__.replace("_", " ")
        for m in speed.suite.MEASURES)}  # fmt: skip
    assert found["total_seconds"] > 0 and found["peak_gib"] > 0
    assert found["images"] == {"synthetic": 100, "training": 80, "held out": 80}
