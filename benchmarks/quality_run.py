"""Cells one after the other: what is missing is measured, and the page is written after each."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from popgan.cohort import Cohort
from popgan.errors import UserError
from quality_cells import Bench, Cell, asked_of, measure
from quality_plan import NoPriorError, data_folder, open_cohort
from quality_store import Store


class Cohorts:
    """Cohorts by name, ingested when they are first needed."""

    def __init__(self, work: Path, store: Store) -> None:
        self.work, self.store = work, store
        self._open: dict[str, Cohort] = {}

    def __getitem__(self, name: str) -> Cohort:
        if name not in self._open:
            # Another process must not ingest into the same folder meanwhile.
            with self.store.alone(f"cohort-{name}"):
                self._open[name] = open_cohort(name, data=data_folder(), work=self.work)
        return self._open[name]


def run_cells(
    wanted: Sequence[Cell],
    store: Store,
    cohorts: Cohorts,
    bench: Bench,
    write: Callable[[], None],
) -> int:
    """Measure what is missing, cell by cell.

    Args:
        wanted: the cells.
        store: of results.
        cohorts: that they are about.
        bench: what they share.
        write: called after each that was measured.

    Returns:
        How many cells could not be measured; each was told, and the others were gone on with.

    Raises:
        UserError: a cohort cannot be opened.
    """
    troubles = 0
    for cell in wanted:
        cohort = cohorts[cell.setting.cohort]
        try:
            with store.claim(cell.name) as mine:
                if not mine:
                    print(f"{cell.name}: another process is at it", flush=True)
                elif run_cell(cell, store, cohort, bench):
                    write()
        except NoPriorError as error:
            print(f"{cell.name}: left out ({error})", flush=True)
        except UserError as error:
            print(f"{cell.name}: {error}", file=sys.stderr, flush=True)
            troubles += 1
    return troubles


def run_cell(cell: Cell, store: Store, cohort: Cohort, bench: Bench) -> bool:
    """Measure a cell and say so, unless that was done, here or by another benchmark.

    A budget that popgan refuses is a result, too.

    Returns:
        Whether the store has changed.
    """
    refused: dict[str, str] = {}
    try:
        asked, plan = asked_of(cell, cohort, bench)
    except UserError as error:
        if "is too short" not in str(error):
            raise
        refused = {"refused": str(error)}
        asked, plan = {"minutes": cell.minutes, **refused}, None
    if store.find(cell.name, asked):
        return False
    if store.adopt(cell.name, asked):
        return True
    print(f"{cell.name} ...", flush=True)
    start = time.monotonic()
    value = refused or measure(cell, plan, cohort, bench)
    store.put(cell.name, asked, value, wall_minutes=minutes_since(start), threads=bench.threads)
    return True


def minutes_since(start: float) -> float:
    """Minutes of the clock since a `time.monotonic()`."""
    return round((time.monotonic() - start) / 60, 2)
