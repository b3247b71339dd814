"""How fast every setting trains, in rounds that alternate between all of them.

Each round trains throw-away states by popgan's own probe (`training/probe.py`), and measures a
snapshot as a plan does. The median over the rounds counts; least and most are kept beside it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

import torch

from popgan.cohort import Cohort
from popgan.config.schema import Plan
from popgan.device import best_device
from popgan.recipes.table import find_recipe
from popgan.stations.snapshots import seconds_a_snapshot
from popgan.stations.source import CohortImages
from popgan.training.loop import threads
from popgan.training.probe import measure
from quality_plan import shape

SLOW = 30.0
"""Seconds of a probe beyond which one round is enough: it averages over long enough by itself."""


def measure_speeds(
    named: Sequence[tuple[str, Plan, Cohort]], *, rounds: int, count: int
) -> dict[str, Any]:
    """Images/s of plans at each level, and seconds a snapshot at each size.

    Args:
        named: name, plan and cohort of every setting; those of one shape are measured once.
        rounds: how often.
        count: threads.
    """
    plans: dict[str, tuple[str, Plan, Cohort]] = {}
    for entry in named:
        plans.setdefault(shape(entry[1]), entry)
    sides = sorted({plan.data.height for _, plan, _ in plans.values()})
    speeds: dict[str, list[list[float]]] = {key: [] for key in plans}
    seconds: dict[int, list[float]] = {side: [] for side in sides}
    load, slow = os.getloadavg()[0], set[str]()
    for number in range(rounds):
        for key, (name, plan, cohort) in plans.items():
            if key in slow:
                continue
            print(f"speeds, round {number + 1} of {rounds}: {name} ...", flush=True)
            start = time.monotonic()
            speeds[key].append(once(plan, cohort, count))
            if time.monotonic() - start > SLOW:
                slow.add(key)
        for side in sides:
            with threads(count):
                seconds[side].append(seconds_a_snapshot(1, (side, side)))
    return {
        "threads": count,
        "rounds": rounds,
        "load_before": round(load, 2),
        "shapes": {
            key: {"name": plans[key][0], **over_rounds(values)} for key, values in speeds.items()
        },
        "snapshot_seconds": {str(side): round(median(found), 2) for side, found in seconds.items()},
    }


def with_known(new: dict[str, Any], known: dict[str, Any] | None) -> dict[str, Any]:
    """New speeds beside those that were frozen before, which do not change.

    What is said of all rounds is said of the first measurement; later ones keep their own load.
    """
    if known is None:
        return new
    later = {
        key: {**entry, "load_before": new["load_before"]} for key, entry in new["shapes"].items()
    }
    seconds = {**new["snapshot_seconds"], **known["snapshot_seconds"]}
    return {**known, "shapes": {**later, **known["shapes"]}, "snapshot_seconds": seconds}


def held_against(
    yardstick: str, new: dict[str, Any], known: dict[str, Any] | None
) -> dict[str, Any]:
    """New speeds as the machine would have shown them on which the known ones were measured.

    Every new speed is multiplied by the yardstick's known speed over its new one, both at its top
    level. The yardstick itself keeps its known entry.

    Args:
        yardstick: name of a setting that is in both.
        new, known: from `measure_speeds`.
    """
    assert known is not None, "nothing to hold new speeds against"
    key = next(key for key, entry in new["shapes"].items() if entry["name"] == yardstick)
    factor = known["shapes"][key]["images_per_second"][-1]
    factor /= new["shapes"][key]["images_per_second"][-1]
    shapes = {
        other: {
            "name": entry["name"],
            **{
                # A level without images has a 1 that was not measured.
                word: [1.0 if speed == 1.0 else round(factor * speed, 2) for speed in entry[word]]
                for word in ("images_per_second", "least", "most")
            },
            "yardstick_factor": round(factor, 4),
        }
        for other, entry in new["shapes"].items()
        if other != key
    }
    return {**new, "shapes": shapes}


def without(names: Sequence[str], known: dict[str, Any] | None) -> dict[str, Any] | None:
    """Known speeds less those of some settings."""
    if known is None:
        return None
    shapes = {key: entry for key, entry in known["shapes"].items() if entry["name"] not in names}
    return {**known, "shapes": shapes}


def once(plan: Plan, cohort: Cohort, count: int) -> list[float]:
    """Images/s of a plan at each level, measured now."""
    train = plan.train.model_copy(update={"threads": count})
    plan = plan.model_copy(update={"train": train})
    recipe = find_recipe(plan.recipe)
    images = CohortImages(cohort, "train", plan.data.conditions)
    with torch.random.fork_rng(devices=[]), threads(count):
        state = recipe.start(plan, best_device())
        return measure(plan, recipe.phases(plan), state, images)


def over_rounds(values: Sequence[Sequence[float]]) -> dict[str, list[float]]:
    """Median, least and most of every level over the rounds."""
    levels = list(zip(*values, strict=True))
    return {
        "images_per_second": [round(median(level), 2) for level in levels],
        "least": [round(min(level), 2) for level in levels],
        "most": [round(max(level), 2) for level in levels],
    }
