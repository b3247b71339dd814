"""Trials get the same seconds, whatever their networks cost and whoever else uses the machine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from popgan.errors import UserError
from popgan.planning.rules import SUSTAINED
from popgan.training.probe import TRIES, Measured
from popgan.tuning.planner import Planner
from tuning.tiny_searches import cheap, heads, own_run, study

BUSY = Measured([4.0, 2.0], 0.31, [9.0, 5.0])
_ = (heads, own_run, cheap)


def planner(run: Path) -> Planner:
    places, definition, cohort = study(run, seconds=2.0)
    return Planner(definition, cohort, places.speeds)


def test_a_faster_shape_gets_more_images_in_the_same_time(
    own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(plan: Any, *_: Any, **__: Any) -> Measured:
        speeds = [800.0, 400.0] if plan.train.batch == 4 else [400.0, 200.0]
        return Measured(speeds, 1.0, speeds)

    monkeypatch.setattr("popgan.tuning.planner.measure_patiently", measured)
    plans = planner(own_run)
    default, other = plans.plan({}, 0), plans.plan({"train.batch": 4}, 0)
    assert default.train.images == pytest.approx(SUSTAINED * 2 / (0.2 / 400 + 0.8 / 200), abs=8)
    assert other.train.images == pytest.approx(2 * default.train.images, abs=8)
    assert plans.plan({"train.lr_generator": 0.001}, 7).train.images == default.train.images


def test_a_penalty_that_is_switched_on_is_another_speed(
    own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(plan: Any, *_: Any, **__: Any) -> Measured:
        speeds = [400.0, 200.0] if plan.train.gamma else [800.0, 400.0]
        return Measured(speeds, 1.0, speeds)

    monkeypatch.setattr("popgan.tuning.planner.measure_patiently", measured)
    plans = planner(own_run)
    default, without = (plans.plan(setting, 0) for setting in ({}, {"preset.gamma_at_64": 0.0}))
    assert without.train.images == pytest.approx(2 * default.train.images, abs=8)
    stronger = plans.plan({"preset.gamma_at_64": 2.0}, 0)
    assert stronger.train.images == default.train.images, "how strong it is costs nothing"


def test_a_busy_moment_costs_a_trial_nothing(
    own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = [1.0]
    asked: list[int] = []

    def measured(*_: Any, tries: int, **__: Any) -> Measured:
        asked.append(tries)
        speeds = [400.0 / busy[0], 200.0 / busy[0]]
        return Measured(speeds, 1 / busy[0], speeds)

    monkeypatch.setattr("popgan.tuning.planner.measure_patiently", measured)
    plans = planner(own_run)
    quiet = plans.plan({}, 0).train.images
    busy[0] = 5.0
    assert plans.plan({"train.batch": 4}, 0).train.images == pytest.approx(quiet, abs=8)
    # Only the default's speed counts by itself; the other one does as a ratio to the reference.
    assert asked == [TRIES, TRIES, 1, 1] and plans.notes == []


def test_a_standstill_while_a_trial_is_planned_gives_it_neither_more_nor_less(
    own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A single measurement that got a hundredth of a core: of the reference, then of the trial.
    stolen = iter([1.0, 1.0, 100.0, 1.0, 1.0, 100.0])

    def measured(*_: Any, **__: Any) -> Measured:
        wall = next(stolen)
        return Measured([400.0 / wall, 200.0 / wall], 1 / wall, [400.0, 200.0])

    monkeypatch.setattr("popgan.tuning.planner.measure_patiently", measured)
    plans = planner(own_run)
    quiet = plans.plan({}, 0).train.images
    assert plans.plan({"train.batch": 4}, 0).train.images == pytest.approx(quiet, abs=8)
    assert plans.plan({"train.batch": 16}, 0).train.images == pytest.approx(quiet, abs=16)


def test_the_reference_is_small_steps_of_the_default_without_lazy_penalties(
    own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, list[float], int]] = []

    def measured(plan: Any, phases: Any, *_: Any, **__: Any) -> Measured:
        train = plan.train
        seen.append((train.batch, train.level_shares, max(one.interval for one in phases)))
        # The machine has become half as fast when the second shape is measured.
        speed = 200.0 if len(seen) < 3 else 100.0
        return Measured([2 * speed, speed], 1.0, [2 * speed, speed])

    monkeypatch.setattr("popgan.tuning.planner.measure_patiently", measured)
    plans = planner(own_run)
    plans.definition.overrides["train.penalty_interval"] = 16
    default = plans.plan({}, 0).train
    other = plans.plan({"train.batch": 16}, 0).train
    assert other.images == pytest.approx(default.images, abs=16)
    whole, small = (8, default.level_shares, 16), (4, [0.0, 1.0], 1)
    assert seen == [whole, small, small, (16, default.level_shares, 16)]


def test_a_worker_that_has_not_made_steps_of_the_reference_makes_one_that_does_not_count(
    own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def measured(*_: Any, first: str, **__: Any) -> Measured:
        seen.append(first)
        return Measured([400.0, 200.0], 1.0, [400.0, 200.0])

    monkeypatch.setattr("popgan.tuning.planner.measure_patiently", measured)
    one, another = planner(own_run), planner(own_run)
    one.plan({"train.batch": 16}, 0)
    default = ["whole", "whole"]  # and the reference, to hold it against the default
    assert seen == [*default, "none", "without penalties"]
    seen.clear()
    another.plan({"train.batch": 4}, 0)
    another.plan({"train.batch": 2}, 0)
    assert seen == ["whole", "without penalties", "none", "without penalties"]


def test_another_machine_finds_out_its_own_reference_and_keeps_the_speed_of_the_default(
    own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = {"here": (1.0, 1.0), "there": (3.0, 2.0)}  # whole steps, small steps
    host = ["here"]

    def measured(plan: Any, *_: Any, **__: Any) -> Measured:
        small = plan.train.level_shares[0] == 0
        speed = 200.0 / slow[host[0]][small]
        return Measured([2 * speed, speed], 1.0, [2 * speed, speed])

    monkeypatch.setattr("popgan.tuning.planner.measure_patiently", measured)
    monkeypatch.setattr("popgan.tuning.planner.platform.node", lambda: host[0])
    images = planner(own_run).plan({}, 0).train.images
    host[0] = "there"
    # A shape that is as fast as the default there gets as many images as the default had here.
    other = planner(own_run).plan({"train.batch": 16}, 0).train.images
    assert other == pytest.approx(images, abs=16)
    assert planner(own_run).plan({}, 0).train.images == images


def test_a_default_that_was_measured_on_a_busy_machine_is_noted(
    own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Planner, "_measured", lambda *_, **__: BUSY)
    plans = planner(own_run)
    plans.seconds_needed({}, 0)
    (note,) = plans.notes
    assert "busy" in note and "31% of the processor's time" in note


@pytest.mark.usefixtures("cheap")
def test_workers_that_measure_at_once_lose_nothing_and_take_the_same_number(own_run: Path) -> None:
    plans = planner(own_run)
    plans.plan({}, 0)
    before = plans._known()
    names = [str(place) for place in range(8)]
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda name: planner(own_run)._keep(name, {name: [1.0]}), names))
    assert kept == 8 * [[1.0]]
    assert plans._known() == before | {name: [1.0] for name in names}
    assert plans._keep("3", {"3": [2.0]}) == [1.0], "who was first counts"


def test_images_that_did_not_fit_into_memory_are_divided_in_training_too(
    own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(plan: Any, *_: Any, **__: Any) -> Measured:
        fits = [0, 4] if plan.train.batch == 16 else [plan.train.batch] * 2
        return Measured([400.0, 200.0], 1.0, [400.0, 200.0], fits)

    monkeypatch.setattr("popgan.tuning.planner.measure_patiently", measured)
    plans = planner(own_run)
    whole = plans.plan({}, 0).train
    for _ in range(2):  # measured, then remembered
        divided = plans.plan({"train.batch": 16}, 0).train
        assert (divided.batch, divided.micro_batch) == (16, [0, 4])
    assert plans.plan({}, 0).train == whole and whole.micro_batch == whole.batch
    held = plans.definition.overrides | {"train.micro_batch": 8}
    plans.definition = plans.definition.model_copy(update={"overrides": held})  # type: ignore[attr-defined]
    assert plans.plan({"train.batch": 16}, 0).train.micro_batch == 8


def test_a_trial_is_planned_as_training_it_would_be_but_for_its_ticks(own_run: Path) -> None:
    plans = planner(own_run)
    plan = plans.draft({"preset.gamma_at_64": 1.0, "train.batch": 4}, 5, 400)
    assert plan.train.batch == 4 and plan.seed == 5 and plan.train.images == 400
    assert plan.train.gamma == pytest.approx(1.0 * 16 * 16 / 64**2, abs=1e-4)
    assert plan.train.ticks == 20 and plan.train.snapshots == 0
    assert plan.network.channels == [16, 16]


@pytest.mark.usefixtures("cheap")
def test_a_trial_that_does_not_fit_its_time_says_how_much_does(own_run: Path) -> None:
    plans = planner(own_run)
    plans.definition = plans.definition.model_copy(update={"seconds": 0.1})  # type: ignore[attr-defined]
    with pytest.raises(
        UserError, match=r"0\.1 s are too short: the 160 images that 20 ticks"
    ) as error:
        plans.plan({}, 0)
    times = float(str(error.value).partition("it needs ")[2].partition(" times")[0])
    assert times == pytest.approx(plans.seconds_needed({}, 0) / 0.1, abs=0.1)
    enough = plans.definition.model_copy(update={"seconds": 0.1 * times})  # type: ignore[attr-defined]
    plans.definition = enough
    assert plans.plan({}, 0).train.images >= 160
    held = enough.overrides | {"train.level_shares": [0.01, 0.99]}
    plans.definition = enough.model_copy(update={"overrides": held})
    with pytest.raises(UserError, match=r"the 800 images that 20 ticks, and all levels, need"):
        plans.plan({}, 0)
