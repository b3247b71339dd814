"""Measure the quality of the engine in cells that take minutes to an hour each.

    python benchmarks/quality.py --speeds              # first, on a quiet machine
    python benchmarks/quality.py [--only recipes,prior] [--threads 1] [--seeds 0,1,2]
    python benchmarks/quality.py --status

`--speeds` measures how fast every setting trains with two threads, in rounds that alternate between
all of them, and freezes it; what is frozen stays. Every other cell takes its number of images from
these speeds and the minutes it is granted, by popgan's own rule for budgets. So a result does not
depend on how busy the machine is that trains it, nor (beyond rounding) on `--threads`; only the
wall time does, which is written down and used for nothing.

What is measured is kept in results/quality.json cell by cell. The same command does only what
is missing, or what popgan would plan differently now; an interrupted training goes on. Two
processes may work at once: each takes cells that the other does not hold. Real scans are looked for
under $POPGAN_DATA; runs lie under runs/quality and are not committed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from popgan.cohort import Cohort
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.files import write_text
from quality_cells import DEFAULT, GROUPS, Bench, Cell, asked_of, cells, settings_of
from quality_figures import figures
from quality_plan import NoPriorError, Speeds, provisional, shape
from quality_run import Cohorts, minutes_since, run_cells
from quality_speeds import held_against, measure_speeds, with_known, without
from quality_store import Store
from quality_table import table

HERE = Path(__file__).resolve().parent
SPEEDS = "speeds"
YARDSTICK = "popgan standard"
SPEED_THREADS = 2


def freeze_speeds(options: argparse.Namespace, store: Store, cohorts: Cohorts) -> None:
    """Measure the speeds that are not known, or with --restart all, and keep them.

    A frozen speed is never measured again by accident: it would change every cell that rests on it.
    With --again, the settings it names are measured anew, because their code became faster. They
    alternate with a setting whose speed stays, and the ratio counts: the machine may be another.
    """
    known = store.cells().get(SPEEDS, {}).get("value")
    known = None if options.restart else known
    again = [*options.again, YARDSTICK] if options.again else []
    named: list[tuple[str, Plan, Cohort]] = []
    for setting in settings_of(GROUPS):
        cohort = cohorts[setting.cohort]
        try:
            plan = provisional(setting, cohort, SPEED_THREADS)
        except NoPriorError as error:
            print(f"left out: {error}", flush=True)
            continue
        if known is None or shape(plan) not in known["shapes"] or setting.name in again:
            named.append((setting.name, plan, cohort))
    if not named:
        print("all speeds are known; --restart measures them anew", flush=True)
        return
    start = time.monotonic()
    value = measure_speeds(named, rounds=options.rounds, count=SPEED_THREADS)
    if again:
        value = held_against(YARDSTICK, value, known)
        known = without(options.again, known)
    store.put(SPEEDS, {}, with_known(value, known), wall_minutes=minutes_since(start))


def write_tables(store: Store, results: Path) -> None:
    """The page and the figures, from what the file holds now."""
    with store.alone("tables"):
        known = store.cells()
        drawn = figures(known, results)
        write_text(results / "quality.md", table(known, drawn))


def status(wanted: Sequence[Cell], store: Store, cohorts: Cohorts, bench: Bench) -> str:
    """What is done and what is missing, and about how long that takes."""
    lines, left, known = [], 0.0, store.cells()
    walls = [
        record["wall_minutes"] / record["asked"]["minutes"]
        for record in known.values()
        if record.get("threads") == bench.threads and record["asked"].get("minutes")
    ]
    # Minutes are granted of two threads, and scores and points of curves take time, too.
    factor = sorted(walls)[len(walls) // 2] if walls else 1.3 * SPEED_THREADS / bench.threads
    for cell in wanted:
        try:
            asked, _ = asked_of(cell, cohorts[cell.setting.cohort], bench)
            word = "done" if known.get(cell.name, {}).get("asked") == asked else "missing"
        except UserError as error:
            word = f"not possible: {error}"
        left += factor * (cell.minutes or 0.5) if word == "missing" else 0.0
        lines.append(f"{cell.name}: {word}")
    lines.append(f"missing: about {left / 60:.1f} h with {bench.threads} threads")
    return "\n".join(lines)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of this benchmark."""

    def groups(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in GROUPS]:
            raise argparse.ArgumentTypeError(f"{unknown[0]} is none of {', '.join(GROUPS)}")
        return names

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--speeds", action="store_true", help="measure and freeze the speeds")
    parser.add_argument("--rounds", type=int, default=3, help="of the speeds")
    parser.add_argument(
        "--again",
        action="append",
        choices=[setting.name for setting in settings_of(GROUPS)],
        default=[],
        metavar="SETTING",
        help=f"whose speed to measure anew, as a ratio to '{YARDSTICK}'; may be given repeatedly",
    )
    parser.add_argument("--only", type=groups, default=list(DEFAULT), metavar="CELLS")
    parser.add_argument("--threads", type=int, default=1, help="of every training")
    parser.add_argument("--seeds", type=lambda text: [int(part) for part in text.split(",")])
    parser.add_argument("--minutes", type=float, help="of every training, for a trial")
    parser.add_argument("--samples", type=int, default=2000, help="synthetic images a score")
    parser.add_argument("--status", action="store_true", help="what is done and what is missing")
    parser.add_argument(
        "--restart", action="store_true", help="forget the cells of --only, or the speeds, first"
    )
    parser.add_argument("--table", action="store_true", help="write the page again, no more")
    parser.add_argument("--work", type=Path, default=HERE.parent / "runs" / "quality")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is missing; write the JSON, the page and the figures."""
    options = parse(arguments)
    beside = [options.results / "tuning.json"]
    store = Store(options.results / "quality.json", options.work / "locks", beside)
    cohorts = Cohorts(options.work, store)
    wanted, troubles = cells(options.only, options.seeds, options.minutes), 0
    try:
        if options.speeds:
            freeze_speeds(options, store, cohorts)
        elif options.restart:
            store.forget([cell.name for cell in wanted])
        record = store.cells().get(SPEEDS, {}).get("value")
        bench = Bench(
            options.work, options.results, Speeds(record), options.threads, options.samples
        )
        if options.status:
            print(status(wanted, store, cohorts, bench))
        elif not options.speeds and not options.table:
            write = partial(write_tables, store, options.results)
            troubles = run_cells(wanted, store, cohorts, bench, write)
        if not options.status:
            write_tables(store, options.results)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 1 if troubles else 0


if __name__ == "__main__":
    raise SystemExit(main())
