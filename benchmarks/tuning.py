"""Parameter optimisation: equal searches, then the found settings against everything else.

    python benchmarks/tuning.py --only search [--threads 1]      # three searches, hours
    python benchmarks/tuning.py --speeds                          # on a quiet machine
    python benchmarks/tuning.py [--only verify,third,efficiency] [--threads 1]
    python benchmarks/tuning.py --only overhead --threads 2       # on a quiet machine, 25 minutes
    python benchmarks/tuning.py --status

`search`: popgan, stylegan2 and r3gan get the same 24 trials of 180 s (of one process with
`--threads` threads) on the benchmark cohort at 64 x 64, by popgan's own `tune`. `verify`: 8
minutes on two cores a training, three fresh seeds, benchmark cohort and LGG FLAIR, KID to test
patients that no search has touched. `third`: the same on slices of a set that was never searched.
`efficiency`: 40 tiny configurations trained in full on each of three cohorts: how many images would
successive halving have needed, what matters, and does what is good on one cohort hold on another?
`overhead`: short searches on a machine at rest, for the seconds that a trial takes beside training.

What is measured is kept in results/tuning.json; the same command does only what is missing, and
an interrupted training goes on. Two processes may work at once, at one search as well. Scans are
looked for under $POPGAN_DATA; runs lie under runs/tuning.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from popgan.cohort import Cohort
from popgan.errors import UserError
from popgan.files import write_text
from popgan.tuning.definition import StudyPlaces
from popgan.tuning.outcome import result
from popgan.tuning.search import complete
from popgan.tuning.worker import Worker, title
from quality_cells import FRESH, RECIPES, Bench, Cell, Lines
from quality_plan import Speeds, copy_of, provisional, shape
from quality_run import Cohorts, minutes_since, run_cells
from quality_speeds import held_against, measure_speeds, with_known
from quality_store import Store
from tuning_efficiency import COHORTS, COUNT, GROUP, efficiency
from tuning_methods import (
    METHODS,
    MINUTES,
    OLD,
    OLD_SCRATCH,
    SEARCH_COHORT,
    SEARCHED,
    SECONDS,
    SEEDS,
    THIRD,
    THIRD_METHODS,
    TRIALS,
    VERIFY_COHORTS,
    definition_of,
    method,
    start_of,
    stays,
)
from tuning_overhead import overhead
from tuning_table import table

HERE = Path(__file__).resolve().parent
GROUPS = ("search", "verify", "third", "efficiency", "overhead")
ALONE = ("overhead",)
"""Asked for by name only: other programs would be measured with it."""
SPEEDS, SPEED_THREADS = "speeds", 2
YARDSTICK = RECIPES[0]
"""Its speed is measured with every new one: the machine may be another, and the ratio counts."""


class Run:
    """One call of this benchmark."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.work = options, options.work
        self.quality = options.results / "quality.json"
        self.store = Store(options.results / "tuning.json", options.work / "locks", [self.quality])
        self.cohorts = Cohorts(self.work, self.store)

    def search(self, recipe: str) -> None:
        """Work at the search of a recipe until it is complete; others may work beside."""
        name = f"search/{recipe}"
        if name in self.store.cells():
            return
        print(f"{name} ...", flush=True)
        start = time.monotonic()
        with self.store.alone(f"begin-{recipe}"):
            run = copy_of(self.cohorts[SEARCH_COHORT], self.work / "search" / recipe)
            places = StudyPlaces(run.run, recipe)
            definition = definition_of(
                recipe, places, run, self.options.threads, preset=start_of(recipe)
            )
        worker = Worker(places, definition, run, Lines(), preset=start_of(recipe), told=_told)
        worker.run()
        found = result(worker.storage, run)
        if complete(found, definition):
            asked = {"trials": TRIALS, "seconds": SECONDS, "threads": definition.threads}
            value = {"result": found.model_dump(mode="json")}
            self.store.put(name, asked, value, wall_minutes=minutes_since(start))
            self.write()

    def trainings(self) -> list[Cell]:
        """The trainings of `verify` and `third`, as far as their searches are done; seeds last."""
        known, found = self.store.cells(), []
        for seed in SEEDS:
            for group, cohorts, names in (
                ("verify", VERIFY_COHORTS, METHODS),
                ("third", (THIRD,), THIRD_METHODS),
            ):
                if group not in self.options.only:
                    continue
                for cohort in cohorts:
                    for name in names:
                        if name not in self.options.methods:
                            continue
                        if name in (OLD, OLD_SCRATCH) and stays(known):
                            continue  # it is the new one
                        try:
                            setting = method(name, cohort, known)
                        except UserError:
                            continue  # its search is not finished
                        title = f"{group}/{cohort}, {name}/{seed}"
                        found.append(Cell(title, group, setting, MINUTES, FRESH + seed))
        return found

    def speeds(self) -> dict[str, Any] | None:
        """The speeds that are frozen: those of the benchmark of quality, and what was added here.

        One record for both, so that a training that both ask for is one training.
        """
        own = self.store.cells().get(SPEEDS, {}).get("value")
        first = Store(self.quality, self.store.locks).cells().get(SPEEDS, {}).get("value")
        return first if own is None else with_known(own, first)

    def freeze_speeds(self) -> None:
        """Measure the speeds that are missing, against the yardstick of those that are known."""
        known = self.speeds()
        named: list[tuple[str, Any, Cohort]] = []
        for cell in self.trainings():
            cohort = self.cohorts[cell.setting.cohort]
            plan = provisional(cell.setting, cohort, SPEED_THREADS)
            if known is None or shape(plan) not in known["shapes"]:
                named.append((cell.setting.name, plan, cohort))
        if not named:
            return
        if known is not None:
            cohort = self.cohorts[YARDSTICK.cohort]
            named.append((YARDSTICK.name, provisional(YARDSTICK, cohort, SPEED_THREADS), cohort))
        value = measure_speeds(named, rounds=self.options.rounds, count=SPEED_THREADS)
        if known is not None:
            value = held_against(YARDSTICK.name, value, known)
        own = self.store.cells().get(SPEEDS, {}).get("value")
        self.store.put(SPEEDS, {}, with_known(value, own))

    def train(self) -> int:
        """Train and score what is missing; how many could not be."""
        speeds = Speeds(self.speeds())
        bench = Bench(self.work, self.options.results, speeds, self.options.threads, 2000)
        return run_cells(self.trainings(), self.store, self.cohorts, bench, self.write)

    def write(self) -> None:
        """The page."""
        with self.store.alone("tables"):
            write_text(self.options.results / "tuning.md", table(self.store.cells()))

    def status(self) -> str:
        """What is done and what is missing."""
        known = self.store.cells()
        lines = [
            f"search/{recipe}: {'done' if f'search/{recipe}' in known else 'missing'}"
            for recipe in SEARCHED
        ]
        lines += [
            f"{cell.name}: {'done' if cell.name in known else 'missing'}"
            for cell in self.trainings()
        ]
        for cohort in COHORTS:
            done = sum(name.startswith(f"{GROUP}/{cohort}/setting/") for name in known)
            lines.append(f"efficiency/{cohort}: {done} of {COUNT} configurations")
        lines += [
            f"overhead/{recipe}: {'done' if f'overhead/{recipe}' in known else 'missing'}"
            for recipe in SEARCHED
        ]
        return "\n".join(lines)


def _told(record: Any, _: Any) -> None:
    print(f"  {title(record)}", flush=True)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of this benchmark."""

    def groups(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in GROUPS]:
            raise argparse.ArgumentTypeError(f"{unknown[0]} is none of {', '.join(GROUPS)}")
        return names

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    together = [name for name in GROUPS if name not in ALONE]
    parser.add_argument("--only", type=groups, default=together, metavar="CELLS")
    parser.add_argument("--recipes", type=lambda text: text.split(","), default=list(SEARCHED))
    parser.add_argument(
        "--method", action="append", choices=METHODS, dest="methods", help="only these; repeatable"
    )
    parser.add_argument("--speeds", action="store_true", help="measure and freeze the speeds")
    parser.add_argument("--rounds", type=int, default=3, help="of the speeds")
    parser.add_argument("--threads", type=int, default=1, help="of every training")
    parser.add_argument("--status", action="store_true", help="what is done and what is missing")
    parser.add_argument("--table", action="store_true", help="write the page again, no more")
    parser.add_argument("--work", type=Path, default=HERE.parent / "runs" / "tuning")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    options = parser.parse_args(arguments)
    options.methods = options.methods or METHODS
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is missing; write the JSON and the page."""
    options = parse(arguments)
    run, troubles = Run(options), 0
    try:
        if options.status:
            print(run.status())
            return 0
        if options.table:
            run.write()
            return 0
        if options.speeds:
            run.freeze_speeds()
            return 0
        if "search" in options.only:
            for recipe in options.recipes:
                run.search(recipe)
        if {"verify", "third"} & set(options.only):
            troubles = run.train()
        if "efficiency" in options.only:
            efficiency(run.store, run.cohorts, options)
        if "overhead" in options.only:
            overhead(run.store, run.cohorts, options)
        run.write()
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 1 if troubles else 0


if __name__ == "__main__":
    raise SystemExit(main())
