"""The engine's benchmark: it counts arithmetic rightly, and its table says what was measured."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from popgan.training.phase import Phase

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def engine() -> ModuleType:
    # By its path: a helper of other tests has the same name.
    spec = importlib.util.spec_from_file_location("benchmark_engine", FOLDER / "engine.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def spread(value: float) -> dict[str, float]:
    return {"median": value, "least": value * 0.9, "most": value * 1.1}


@pytest.mark.parametrize("own", [False, True])
def test_layers_are_those_of_the_network_and_count_forward_and_backward(
    engine: Any, own: bool
) -> None:
    plan = engine.plan_of("stylegan2", "standard", 16, 1, train__batch=4)
    cell = engine.Convolutions(plan, own=own)
    channels = plan.network.channels
    low, mid, top = channels
    macs = low * low * 16 + 2 * mid * mid * 64 + 2 * top * top * 256
    # Up is computed on the small map, down on the map it leaves: half the side.
    macs += (low * mid * 16 + mid * low * 16) + (mid * top * 64 + top * mid * 64)
    assert cell.flops == 3 * 2 * 9 * 4 * macs


def test_kinds_of_steps_are_weighed_by_how_often_they_come(engine: Any) -> None:
    def phase(interval: int) -> Phase:
        return Phase("Gmain", "G", interval, lambda step: step.reals.sum())

    assert engine.kinds_of_steps([phase(1), phase(16), phase(4)]) == {0: 1, 1: 12, 4: 3}
    assert engine.kinds_of_steps([phase(1)]) == {0: 1}


def test_plain_memory_is_plain_only_within_the_block(engine: Any) -> None:
    with engine.layout(True):
        x = torch.zeros(1, 3, 4, 4).to(memory_format=torch.channels_last)
        assert x.stride()[-1] == 1
    assert torch.zeros(1, 3, 4, 4).to(memory_format=torch.channels_last).stride()[1] == 1


def test_the_table_compares_what_was_measured_together(engine: Any) -> None:
    def cell(seconds: float, throughput: float) -> dict[str, Any]:
        return {
            "batch": 16,
            "seconds_per_kimg": spread(seconds),
            "images_per_second": spread(1000 / seconds),
            "gflop_per_image": 20.0,
            "gflop_per_second": spread(throughput),
        }

    text = engine.table(
        {
            "rounds": 3,
            "threads": 2,
            "machine": {"cpu": "a processor"},
            "cells": {
                "stylegan2 bf16 channels-last": cell(100, 150),
                "stylegan2 fp32 NCHW": cell(200, 75),
                "popgan quick, top level": cell(12, 100),
            },
            "convolutions": {
                "ordinary": {"gflop_per_second": spread(200)},
                "own": {"gflop_per_second": spread(180)},
            },
            "images_drawn_per_second": {"popgan quick": spread(600)},
            "peak_gib": 2.5,
        }
    )
    assert "75% of the throughput of ordinary" in text
    assert "83% of that of the operators" in text
    assert "0.50x the time" in text
    assert "2.5 GiB" in text
