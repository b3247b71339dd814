"""What a trial of a search takes beside training and being measured, on a machine at rest.

The long searches of this benchmark ran beside each other, so what they tell of it is of busy cores.
Here each recipe searches for a few minutes by itself. How long a trial is granted does not matter
for what is asked, but how many there are does: a search begins with the presets, whose networks
are the largest, and a short one has little else.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from popgan.evidence.experiments.results import Trial
from popgan.tuning.definition import StudyPlaces
from popgan.tuning.outcome import result
from popgan.tuning.worker import Worker
from quality_cells import Lines
from quality_plan import copy_of
from quality_run import Cohorts
from quality_store import Store
from tuning_methods import SEARCH_COHORT, SEARCHED, TRIALS, definition_of

GROUP = "overhead"
SECONDS = 45.0


def overhead(store: Store, cohorts: Cohorts, options: argparse.Namespace) -> None:
    """Measure the recipes that are missing; other programs should be at rest.

    Args:
        store: of results.
        cohorts: by their names.
        options: of the benchmark.
    """
    for recipe in options.recipes:
        name, threads = f"{GROUP}/{recipe}", options.threads
        asked = {"trials": TRIALS, "seconds": SECONDS, "threads": threads}
        if store.find(name, asked) is not None:
            continue
        with store.claim(name) as mine:
            if not mine:
                continue
            print(f"{name} ...", flush=True)
            load = os.getloadavg()[0]
            run = copy_of(cohorts[SEARCH_COHORT], options.work / "search" / f"{GROUP}-{recipe}")
            places = StudyPlaces(run.run, recipe)
            definition = definition_of(recipe, places, run, threads, seconds=SECONDS, finalists=0)
            worker = Worker(places, definition, run, Lines())
            worker.run()
            value = _value(result(worker.storage, run).trials)
            store.put(name, asked, {**value, "load_before": round(load, 2)})


def _value(trials: Sequence[Trial]) -> dict[str, Any]:
    """Seconds of each trial that was trained; the default's apart, of which the speed is known."""
    trained = [one for one in trials if one.images]
    return {
        "default": [one.overhead for one in trained if not one.setting],
        "others": [one.overhead for one in trained if one.setting],
    }


def overhead_lines(cells: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The section of the page."""
    rows = []
    for recipe in SEARCHED:
        record = cells.get(f"{GROUP}/{recipe}")
        if record is None:
            continue
        asked, value = record["asked"], record["value"]
        default, others = value["default"], value["others"]
        rows.append(
            f"| {recipe} | {asked['trials']} | {', '.join(f'{one:.1f}' for one in default)} | "
            f"{', '.join(f'{one:.1f}' for one in others)} | {median(others):.1f} | "
            f"{asked['threads']} | {value['load_before']:.2f} |"
        )
    if not rows:
        return []
    return [
        "## Overhead of a trial",
        "",
        "Seconds beside training and being measured: planning, with a probe where networks have a "
        "new shape, building networks, judging. Each search by itself on a machine at rest. The "
        "default's speed is measured before the first trial, once a search.",
        "",
        "| recipe | trials | the default | every other trial | median | threads | load before |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *rows,
    ]
