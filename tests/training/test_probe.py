"""The probe runs real steps at every level."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from engine import Discs

from plans import tiny_plan
from popgan.recipes.table import find_recipe
from popgan.training import probe
from popgan.training.neighbours import QUIET
from popgan.training.phase import Phase, Step
from popgan.training.probe import TRIES


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


class Clock:
    """A clock that steps move on, in place of the module `time`.

    Args:
        share: of the time, how much the thread has a core at a time; a step needs 10 ms of it.
    """

    def __init__(self, share: Callable[[float], float]) -> None:
        self.wall = self.own = 0.0
        self.share, self.steps = share, 0

    def perf_counter(self) -> float:
        return self.wall

    def thread_time(self) -> float:
        return self.own

    def step(self, *_: Any, **__: Any) -> None:
        self.steps += 1
        self.pass_by(0.01)

    def pass_by(self, seconds: float) -> None:
        self.own += seconds
        self.wall += seconds / self.share(self.wall)


def on_a_clock(
    monkeypatch: pytest.MonkeyPatch, share: Callable[[float], float], **changes: Any
) -> tuple[Clock, probe.Measured]:
    """A plan of two levels at a batch of 8, measured for two seconds each."""
    clock = Clock(share)
    monkeypatch.setattr(probe, "time", clock)
    monkeypatch.setattr(probe, "one_step", clock.step)
    shares = {"train__level_shares": [0.2, 0.8]}
    plan = tiny_plan(train__batch=8, **(shares | changes))
    state = find_recipe("popgan").start(plan, torch.device("cpu"))
    phase = Phase("Gmain", "G", 1, lambda step: step.reals.sum())
    return clock, probe.measure_patiently(plan, [phase], state, Discs(), 2.0)


def test_a_quiet_machine_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, found = on_a_clock(monkeypatch, lambda now: 0.97)
    assert found.speeds == pytest.approx([0.97 * 8 / 0.01] * 2)
    assert found.share == pytest.approx(0.97)
    assert clock.wall == pytest.approx(2 * 2.0, abs=0.1)


def test_a_moment_in_which_others_have_the_cores_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, found = on_a_clock(monkeypatch, lambda now: 0.1 if now < 3 else 1.0)
    assert found.speeds == pytest.approx([800.0] * 2) and found.share == pytest.approx(1.0)


def test_a_machine_that_stays_busy_is_told_by_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, found = on_a_clock(monkeypatch, lambda now: 0.3)
    assert found.speeds == pytest.approx([240.0] * 2)
    assert found.share == pytest.approx(0.3) and found.share < QUIET
    assert clock.wall == pytest.approx(2 * TRIES * 2.0, rel=0.1), "it does not go on for ever"


def test_steps_that_take_long_are_taken_twice_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, found = on_a_clock(monkeypatch, lambda now: 0.0005)  # 20 s a step
    assert clock.steps == 2 * 2 and found.share == pytest.approx(0.0005)


def _sum(step: Step) -> torch.Tensor:
    return step.reals.sum()


def of_phases(
    monkeypatch: pytest.MonkeyPatch,
    costs: dict[str, float],
    phases: list[Phase],
    first: probe.First,
) -> tuple[list[str], probe.Measured]:
    """Which phases were run to measure one level, and what was found; each takes its seconds."""
    clock, run = Clock(lambda now: 1.0), []

    def update(phase: Phase, step: Step) -> None:
        run.append(phase.name)
        clock.pass_by(costs[phase.name])

    monkeypatch.setattr(probe, "time", clock)
    monkeypatch.setattr(probe, "update", update)
    plan = tiny_plan(train__batch=8, train__level_shares=[0.0, 1.0])
    state = find_recipe("popgan").start(plan, torch.device("cpu"))
    return run, probe.measure_patiently(plan, phases, state, Discs(), 2.0, first=first)


LAZY = [Phase("Dmain", "D", 1, _sum), Phase("Dreg", "D", 16, _sum), Phase("Greg", "G", 4, _sum)]


@pytest.mark.parametrize("first", ["whole", "without penalties", "none"])
def test_a_lazy_penalty_has_the_share_of_the_steps_in_which_it_is_due(
    monkeypatch: pytest.MonkeyPatch, first: probe.First
) -> None:
    costs = {"Dmain": 0.010, "Dreg": 0.048, "Greg": 0.020}
    run, found = of_phases(monkeypatch, costs, LAZY, first)
    assert found.speeds[1] == found.own[1] == pytest.approx(8 / (0.010 + 0.048 / 16 + 0.020 / 4))
    assert len(run) > 3 * 2.0 / sum(costs.values()), "for the seconds that it was given"


@pytest.mark.parametrize(
    ("first", "made"), [("whole", LAZY), ("without penalties", LAZY[:1]), ("none", [])]
)
def test_penalties_that_take_long_are_made_once_where_nothing_is_read_from_the_disk(
    monkeypatch: pytest.MonkeyPatch, first: probe.First, made: list[Phase]
) -> None:
    costs = {"Dmain": 10.0, "Dreg": 32.0, "Greg": 8.0}
    run, found = of_phases(monkeypatch, costs, LAZY, first)
    assert run == [phase.name for phase in made + LAZY]
    assert found.speeds[1] == pytest.approx(8 / 14.0)


def test_a_first_step_that_reads_programs_from_the_disk_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, found = on_a_clock(monkeypatch, lambda now: 0.0009 if now < 1 else 1.0)  # 11 s, then 10 ms
    assert found.speeds == pytest.approx([800.0] * 2) and found.share == pytest.approx(1.0)


def test_the_fastest_counts_where_none_was_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    _, found = on_a_clock(monkeypatch, lambda now: 0.7 if 2.1 < now < 4 else 0.4)
    first, second = found.speeds
    assert first > 1.5 * second and 0.4 < found.share < 0.7


def test_a_level_without_images_has_no_say_in_the_share(monkeypatch: pytest.MonkeyPatch) -> None:
    _, found = on_a_clock(monkeypatch, lambda now: 0.9, train__level_shares=[0.0, 1.0])
    assert found.speeds == pytest.approx([1.0, 720.0]) and found.share == pytest.approx(0.9)


def test_on_a_gpu_the_clock_on_the_wall_is_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_wait", lambda state: True)
    clock, found = on_a_clock(monkeypatch, lambda now: 0.05)  # its processor waits for the GPU
    assert found.share == 1.0 and clock.wall == pytest.approx(2 * 2.0, abs=1.0)
