"""The probe runs real steps at every level."""

from __future__ import annotations

import pytest
import torch
from engine import Discs

from plans import tiny_plan
from popgan.recipes.table import find_recipe
from popgan.training import probe
from popgan.training.phase import Phase, Step
from popgan.training.probe import kinds_of_steps


def test_every_trained_level_is_measured_at_its_own_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "SECONDS_A_LEVEL", 1e-9)
    plan = tiny_plan()
    recipe = find_recipe("popgan")
    seen: list[tuple[int, float, int]] = []

    def loss(step: Step) -> torch.Tensor:
        seen.append((step.stage.level, step.stage.alpha, step.reals.shape[2]))
        return step.state.generator.dense.weight.sum()

    state = recipe.start(plan, torch.device("cpu"))
    speeds = probe.measure(plan, [Phase("Gmain", "G", 1, loss)], state, Discs())
    assert len(speeds) == 2
    assert all(speed > 0 for speed in speeds)
    assert set(seen) == {(0, 1.0, 8), (1, 1.0, 16)}


def test_a_skipped_level_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "SECONDS_A_LEVEL", 1e-9)
    plan = tiny_plan(train__level_shares=[0.0, 1.0])
    recipe = find_recipe("popgan")
    state = recipe.start(plan, torch.device("cpu"))
    speeds = probe.measure(plan, recipe.phases(plan), state, Discs())
    assert len(speeds) == 2


def test_kinds_of_steps_are_weighed_by_how_often_they_come() -> None:
    def phase(name: str, interval: int) -> Phase:
        return Phase(name, "G", interval, lambda step: step.reals.sum())

    lazy = [phase("Dmain", 1), phase("Dreg", 16), phase("Greg", 4)]
    assert kinds_of_steps(lazy) == {0: 1, 1: 12, 4: 3}
    assert kinds_of_steps([phase("Dmain", 1)]) == {0: 1}
