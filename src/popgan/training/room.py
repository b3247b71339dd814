"""How many images at once fit into the memory of a machine without a GPU, before it runs out.

A GPU refuses what it has no room for, and training halves what it asks for. Linux refuses nothing:
it ends the program that uses more than there is. So where images are large, one step is made in
small parts, the memory that it takes is measured, and from that follows how many fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import psutil

from popgan.config.schema import Plan
from popgan.device import give_back
from popgan.training.state import TrainState

SHARE = 0.8
"""Of the free memory, what training may take: other programs need some now and then."""
LARGE = 64 * 1024
"""Bytes a pixel of a batch that no network needs, with much to spare: StyleGAN2 with 32 channels at
its top level takes 2.4 kB in bfloat16, so about 20 kB with 128 channels in float32. Where so much
is free, nothing is tried."""
_PARTS = 4
"""Of the step that is measured. What is there once, whatever the parts, counts as often."""
_CGROUP = Path("/sys/fs/cgroup")
_PEAK = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


def free_memory() -> int:
    """Bytes that this process can still get, within the limit of its container."""
    free = int(psutil.virtual_memory().available)
    try:
        limit, used = ((_CGROUP / f"memory.{name}").read_text() for name in ("max", "current"))
        return min(free, max(0, int(limit) - int(used)))
    except (OSError, ValueError):
        return free  # no container, or one without a limit


def make_room(plan: Plan, state: TrainState, level: int, step: Callable[[], object]) -> None:
    """Let networks see fewer images at once at a level, if more would not fit into the memory.

    Args:
        plan: of a throw-away training.
        state: of it, on the CPU; its guard has the result.
        level: that is trained.
        step: makes a step there, with all penalties.
    """
    group, guard, free = max(1, plan.network.minibatch_stddev), state.guard, free_memory()
    whole = guard.at_once(level) or plan.train.batch
    if plan.network.whole or whole <= group or free > LARGE * _pixels(plan, level):
        return
    small = max(group, whole // _PARTS // group * group)
    state.guard = guard.divided(level, plan.network.levels, small)
    taken = _taken(step)
    if taken is None:  # a system that does not tell
        state.guard = guard
        return
    fit = largest(whole, group, SHARE * free_memory() * small / max(taken, 1))
    state.guard = guard.divided(level, plan.network.levels, fit) if fit < whole else guard


def largest(batch: int, group: int, room: float) -> int:
    """The largest half, quarter and so on of a batch for which there is room.

    Args:
        batch: images.
        group: they are divided in multiples of it, and never into less.
        room: images that fit.
    """
    while batch > room and batch > group:
        batch = max(group, batch // 2 // group * group)
    return batch


def _pixels(plan: Plan, level: int) -> int:
    """Of a batch at a level."""
    size = math.prod((plan.data.height, plan.data.width))
    return plan.train.batch * size // 4 ** (plan.network.levels - 1 - level)


def _taken(step: Callable[[], object]) -> int | None:
    """Bytes by which the process grows for a step at most; None where the system does not say."""
    give_back()  # else the step would be made in memory that was freed and kept
    before = psutil.Process().memory_info().rss
    try:
        _PEAK.write_text("5")  # from proc(5): forget the peak
    except OSError:
        return None
    step()  # what it raises is no matter of this
    try:
        lines = _STATUS.read_text().splitlines()
        peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return None
    return max(0, 1024 * peak - before)
