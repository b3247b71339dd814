"""When snapshots are taken is a function of the plan."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from engine import tiny_job

from plans import recipe_plan, tiny_plan
from popgan.recipes.mustgan import search_until
from popgan.training.growth import fully_grown_at
from popgan.training.snapshots import (
    keep_only,
    keep_snapshot,
    place,
    snapshot_ticks,
    take_snapshot,
)
from popgan.training.tensors import TensorFileError


@pytest.mark.parametrize("count", [0, 1, 2, 5, 12, 100])
def test_they_end_with_the_training_and_begin_when_it_is_fully_grown(count: int) -> None:
    plan = tiny_plan(train__images=4000, train__ticks=50, train__snapshots=count).train
    ticks = snapshot_ticks(plan)
    assert len(ticks) <= count
    assert len(ticks) >= min(count, 12)
    assert ticks == sorted(set(ticks))
    for tick in ticks:
        assert tick * plan.images / plan.ticks >= max(fully_grown_at(plan), plan.images / 2)
    assert ticks[-1:] == ([50] if count else [])


def test_a_network_that_does_not_grow_is_measured_in_its_second_half() -> None:
    plan = tiny_plan(
        train__level_shares=[0.0, 1.0], train__fade=0.0, train__ticks=10, train__snapshots=10
    ).train
    assert min(snapshot_ticks(plan)) > 5


def test_a_translator_without_a_place_of_fusion_is_no_snapshot() -> None:
    plan = recipe_plan("mustgan", train__ticks=20, train__snapshots=20)
    first = min(snapshot_ticks(plan.train))
    assert first * plan.train.images / plan.train.ticks >= search_until(plan)


def test_the_average_of_then_can_be_had_again(tmp_path: Path) -> None:
    _, state = tiny_job(tiny_plan(), tmp_path)
    state.images = 80
    keep_snapshot(state, tmp_path)
    then = {key: value.clone() for key, value in state.average.state_dict().items()}
    state.images = 96
    with torch.no_grad():
        for parameter in state.average.parameters():
            parameter += 1
    keep_snapshot(state, tmp_path)
    take_snapshot(state, tmp_path, 80)
    assert all(torch.equal(value, then[key]) for key, value in state.average.state_dict().items())
    keep_only(tmp_path, 80)
    assert [path.name for path in tmp_path.glob("average-*")] == [place(tmp_path, 80).name]
    with pytest.raises(TensorFileError, match="not there"):
        take_snapshot(state, tmp_path, 96)
