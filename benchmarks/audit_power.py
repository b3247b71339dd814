"""Does the privacy audit do what it says? False alarms, and whether memorising is found.

    python benchmarks/audit_power.py [--only alarms,powered,ixi] [--runs 60]
    python benchmarks/audit_power.py --status

alarms    tiny GANs that have seen none of the audited patients: how often does the audit fail them?
          At most 5 % of the time, says `evidence/privacy/verdict.py`.
powered   400 phantoms trained with, 400 held out: a popgan trained as usual must pass; the same
          with a twentieth of its images drawn from a copy that has memorised patients must fail.
ixi       40 people are too few: the audit must say so, and neither pass nor fail an honest popgan.

What is measured is kept in results/audit_power.json cell by cell; the same command does only what
is missing. Scans of people are looked for under $POPGAN_DATA; runs lie under runs/audit_power.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from audit_power_runs import honest, ixi, memorising
from audit_power_table import table
from audit_power_tiny import DRAWN, GROUPS, IMAGES, Pool, tiny_run
from popgan.cohort import Cohort, IngestOptions
from popgan.errors import UserError
from popgan.evidence.features import FeatureExtractor
from popgan.evidence.privacy.results import PrivacyAudit
from popgan.files import write_text
from popgan.phantom.cohort import write_cohort
from popgan.progress import Reporter
from popgan.stations.ingest import ingest_station
from quality_store import Store

HERE = Path(__file__).resolve().parent
PARTS = ("alarms", "powered", "ixi")
PHANTOMS, SEED, SPACING = 1000, 11, 3.0
RUNS = 60
INGEST: dict[str, Any] = {
    "slices": 4,
    "keep_skull": True,
    "bias_field": "off",
    "intensity": "percentile",
    "fractions": (0.4, 0.2, 0.4),
    "keep_ids": True,
}


@dataclass
class Bench:
    """Where things lie, and cohorts that are open."""

    work: Path
    store: Store
    images: int

    def cohort(self, side: int) -> Cohort:
        """The phantoms as slices of `side` pixels."""
        source, run = self.work / "phantoms", self.work / f"phantom-{side}"
        with self.store.alone("phantoms"):
            if not (source / "participants.tsv").exists():
                write_cohort(source, PHANTOMS, seed=SEED, spacing=SPACING)
            options = IngestOptions.parse(**INGEST, resolution=side)
            return ingest_station(source, run, options, reporter=Reporter())

    @cached_property
    def pool(self) -> Pool:
        """Small slices of all phantoms."""
        cohort = self.cohort(32)
        return Pool(cohort, self.work / "phantom-32" / "cache", FeatureExtractor())


@dataclass(frozen=True)
class Cell:
    """One thing to measure: what decides it, and how it is done."""

    name: str
    asked: dict[str, Any]
    measure: Callable[[Bench], PrivacyAudit | dict[str, Any]]


def cells(parts: Sequence[str], runs: int, images: int) -> list[Cell]:
    """All cells of some parts, in the order in which they are measured."""
    phantoms: dict[str, Any] = {"phantoms": PHANTOMS, "seed": SEED}
    found = []
    if "powered" in parts:
        asked = {**phantoms, "images": images}
        found.append(Cell("powered/honest", asked, lambda bench: honest(bench.cohort(64), images)))
        found.append(
            Cell("powered/memorising", asked, lambda bench: memorising(bench.cohort(64), images))
        )
    if "ixi" in parts:
        found.append(
            Cell("ixi", {"images": images}, lambda bench: ixi(bench.work, scans(), images))
        )
    if "alarms" in parts:
        asked = {**phantoms, "groups": GROUPS, "images": IMAGES, "drawn": DRAWN}
        for number in range(runs):
            found.append(Cell(f"alarms/{number:02}", asked, _tiny(number)))
    return found


def _tiny(number: int) -> Callable[[Bench], PrivacyAudit]:
    return lambda bench: tiny_run(bench.pool, number)


def scans() -> Path:
    """Where the scans of people are.

    Raises:
        UserError: it is not said.
    """
    if "POPGAN_DATA" not in os.environ:
        raise UserError("POPGAN_DATA is not set", do="set it to the folder of real MRI")
    return Path(os.environ["POPGAN_DATA"]) / "ixi_t1_2mm"


def run_cell(cell: Cell, bench: Bench) -> bool:
    """Measure a cell unless that was done."""
    if bench.store.find(cell.name, cell.asked):
        return False
    print(f"{cell.name} ...", flush=True)
    start = time.monotonic()
    found = cell.measure(bench)
    value = found.model_dump(mode="json") if isinstance(found, PrivacyAudit) else found
    minutes = round((time.monotonic() - start) / 60, 2)
    bench.store.put(cell.name, cell.asked, value, wall_minutes=minutes)
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is missing; write the JSON and the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(PARTS))
    parser.add_argument("--runs", type=int, default=RUNS, help="tiny runs")
    parser.add_argument("--images", type=int, default=20_000, help="shown in the larger trainings")
    parser.add_argument("--status", action="store_true", help="what is done and what is missing")
    parser.add_argument("--table", action="store_true", help="write the page again, no more")
    parser.add_argument("--work", type=Path, default=HERE.parent / "runs" / "audit_power")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    store = Store(options.results / "audit_power.json", options.work / "locks")
    bench, page = Bench(options.work, store, options.images), options.results / "audit_power.md"
    wanted = cells(options.only, options.runs, options.images)
    try:
        for cell in wanted:
            if options.status:
                done = bench.store.find(cell.name, cell.asked)
                print(f"{cell.name}: {'done' if done else 'missing'}")
            elif not options.table:
                with bench.store.claim(cell.name) as mine:
                    if mine and run_cell(cell, bench):
                        write_text(page, table(store.cells()))
        if not options.status:
            write_text(page, table(store.cells()))
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
