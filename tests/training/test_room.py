"""On a machine without a GPU, images are divided before the memory runs out, and not sooner."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from engine import Discs
from hypothesis import given
from hypothesis import strategies as st

from plans import recipe_plan, tiny_plan
from popgan.recipes.table import find_recipe
from popgan.training import probe, room
from popgan.training.guard import Guard

MIB = 2**20


@given(batch=st.integers(1, 64), group=st.integers(1, 8), fits=st.floats(0, 100))
def test_as_many_images_as_fit_stay_together_in_whole_groups(
    batch: int, group: int, fits: float
) -> None:
    batch *= group
    found = room.largest(batch, group, fits)
    assert found % group == 0 and group <= found <= batch
    assert found <= fits or found == group
    # Nothing that is twice as large would have fitted.
    assert found == batch or 2 * found + group > min(fits, batch / 2)


@pytest.mark.parametrize(
    ("used", "limit", "expected"),
    [("1000", "5000", 4000), ("1000", "max", None), ("9000", "5000", 0), (None, "5000", None)],
)
def test_a_container_may_have_less_than_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, used: str | None, limit: str,
    expected: int | None,
) -> None:  # fmt: skip
    monkeypatch.setattr(room, "_CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text(limit + "\n")
    if used is not None:
        (tmp_path / "memory.current").write_text(used + "\n")
    found, machine = room.free_memory(), psutil.virtual_memory().total
    assert found == expected if expected is not None else MIB < found <= machine


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells the peak")
def test_what_a_step_takes_is_measured_even_if_it_is_freed_again() -> None:
    def step() -> None:
        for _ in range(2):  # one after the other, so it is no more than one
            assert np.ones(64 * MIB, np.uint8).sum() == 64 * MIB

    taken = room._taken(step)
    assert taken is not None and 60 * MIB < taken < 110 * MIB


@pytest.fixture
def scarce(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A machine with a gigabyte to spare; each image at once takes 256 MiB at the upper level."""
    seen: list[int] = []
    monkeypatch.setattr(room, "free_memory", lambda: 1024 * MIB)
    monkeypatch.setattr(room, "LARGE", 2**40)
    monkeypatch.setattr(probe, "SECONDS_A_LEVEL", 1e-9)
    return seen


def test_a_level_whose_images_do_not_fit_gets_smaller_parts_and_lower_ones_stay_whole(
    scarce: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan(train__batch=32, network__minibatch_stddev=2)
    state = find_recipe("popgan").start(plan, torch.device("cpu"))

    def taken(step: object) -> int:
        level = len(scarce)
        scarce.append(state.guard.at_once(level))
        return scarce[-1] * (1, 100)[level] * MIB

    monkeypatch.setattr(room, "_taken", taken)
    probe.measure(plan, find_recipe("popgan").phases(plan), state, Discs())
    assert scarce == [8, 8]  # a quarter is tried first
    # 80 % of 1024 MiB hold 8 images of 100 MiB, of which 32, 16 and 8 can be had.
    assert [state.guard.at_once(level) for level in (0, 1)] == [0, 8]


def test_a_step_in_parts_is_really_made_before_a_whole_one(
    scarce: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan(train__batch=16, train__level_shares=[0.0, 1.0])
    state = find_recipe("popgan").start(plan, torch.device("cpu"))
    own = state.discriminator.forward

    def forward(images: torch.Tensor, *more: object) -> torch.Tensor:
        scarce.append(len(images))
        return own(images, *more)

    monkeypatch.setattr(state.discriminator, "forward", forward)
    probe.measure(plan, find_recipe("popgan").phases(plan), state, Discs())
    assert 4 * scarce[0] == max(scarce)


def test_a_level_that_is_measured_again_is_not_tried_again(
    scarce: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan(train__batch=16, train__level_shares=[0.0, 1.0])
    state = find_recipe("popgan").start(plan, torch.device("cpu"))
    monkeypatch.setattr(room, "_taken", lambda step: scarce.append(1) or 1)
    monkeypatch.setattr(probe, "QUIET", 2.0)  # no machine is so quiet
    monkeypatch.setattr(probe, "PATIENCE", 1e12)
    probe.measure_patiently(plan, find_recipe("popgan").phases(plan), state, Discs())
    assert scarce == [1]


def test_nothing_is_tried_where_memory_is_plenty_or_a_batch_cannot_be_divided(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never() -> None:
        raise AssertionError("a step was made")

    state = find_recipe("popgan").start(tiny_plan(), torch.device("cpu"))
    monkeypatch.setattr(room, "free_memory", lambda: 2**40)
    room.make_room(tiny_plan(), state, 1, never)
    monkeypatch.setattr(room, "free_memory", lambda: 1)
    room.make_room(recipe_plan("dcgan"), state, 0, never)
    assert state.guard == Guard()


def test_a_system_that_does_not_tell_is_left_as_it_was(
    scarce: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(room, "_PEAK", tmp_path / "absent" / "clear_refs")
    plan = tiny_plan(train__batch=16)
    state = find_recipe("popgan").start(plan, torch.device("cpu"))
    room.make_room(plan, state, 1, lambda: math.pi)
    assert state.guard == Guard()


@given(st.lists(st.integers(0, 64), min_size=1, max_size=6), st.data())
def test_what_a_level_has_no_room_for_no_higher_one_tries(sizes: list[int], data: st.DataObject):
    level, images = data.draw(st.integers(0, len(sizes) - 1)), data.draw(st.integers(1, 64))
    found = Guard(micro_batch=sizes).divided(level, len(sizes), images)
    after = [found.at_once(one) for one in range(len(sizes))]
    assert after[:level] == sizes[:level]
    assert all(0 < one <= images and (not old or one <= old) for one, old in
               zip(after[level:], sizes[level:], strict=True))  # fmt: skip
    # One number for all is as good as a list of it.
    assert Guard(micro_batch=sizes[0]).divided(level, len(sizes), images) == Guard(
        micro_batch=[sizes[0]] * len(sizes)
    ).divided(level, len(sizes), images)
