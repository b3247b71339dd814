"""Contrast translation: mustgan against single sources and every trivial way, cell by cell.

    python benchmarks/translation.py --speeds          # first, on a quiet machine
    python benchmarks/translation.py --speeds --again mustgan   # because its code has changed
    python benchmarks/translation.py [--only lgg-flair,lgg-t1ce,phantom-t2] [--threads 1]
    python benchmarks/translation.py --status

A cell is one model of one task and seed: 15 minutes of training on two cores, at speeds that were
measured once and are kept (as in quality.py: the number of images, and so the result, does not
depend on how busy the machine is), then popgan's own paired evaluation on the test patients. The
tasks: T1w + T1wCE to FLAIR and T1w + FLAIR to T1wCE on gliomas (LGG, 49 patients, a quarter held
out), T1w + PDw to T2w on the phantom. What is measured is kept in results/translation.json; the
same command does only what is missing, and an interrupted training goes on. Two processes may work
at once. Scans are looked for under $POPGAN_DATA; runs lie under runs/translation.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import torch

import popgan
from frozen_speed import Frozen
from popgan.cohort import Cohort, IngestOptions
from popgan.config.schema import Plan
from popgan.device import best_device
from popgan.errors import UserError
from popgan.files import sha256_value, write_text
from popgan.phantom.cohort import write_cohort
from popgan.progress import Reporter
from popgan.recipes.table import find_recipe
from popgan.seeds import numpy_rng
from popgan.stations.evaluate import evaluate
from popgan.stations.evidence import load_evaluation
from popgan.stations.ingest import ingest_station
from popgan.stations.pairs import training_images
from popgan.synthesis.translate import Translator
from popgan.training.loop import threads
from popgan.training.probe import measure
from quality_store import Store
from translation_table import table

HERE = Path(__file__).resolve().parent
SPEEDS, SLICES = "speeds", "slices a second"
MINUTES = 15.0
SPEED_THREADS = 2
PHANTOMS = 48
SIDE = 128
YARDSTICK = f"pix2pix, 1 of {SIDE} x {SIDE}"
WHOLE = {"resolution": SIDE, "slices": 40, "slice_range": (5, 95), "keep_ids": True}


@dataclass(frozen=True)
class Task:
    """A translation.

    Attributes:
        name: in the results.
        cohort: "lgg" or "phantom".
        sources, target: contrasts.
        seeds: of training.
    """

    name: str
    cohort: str
    sources: tuple[str, str]
    target: str
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Cell:
    """One model of a task: `mustgan` of both sources, or `pix2pix` of one."""

    task: Task
    recipe: str
    sources: tuple[str, ...]
    seed: int

    @property
    def name(self) -> str:
        """TASK/MODEL/SEED."""
        return f"{self.task.name}/{self.recipe} of {' + '.join(self.sources)}/{self.seed}"

    @property
    def shape(self) -> str:
        """What decides its speed."""
        return f"{self.recipe}, {len(self.sources)} of {SIDE} x {SIDE}"


TASKS = (
    Task("lgg-flair", "lgg", ("T1w", "T1wCE"), "FLAIR", (0, 1, 2)),
    Task("phantom-t2", "phantom", ("T1w", "PDw"), "T2w", (0,)),
    Task("lgg-t1ce", "lgg", ("T1w", "FLAIR"), "T1wCE", (0,)),
)
INGEST = {
    "lgg": WHOLE
    | {
        "contrasts": ["T1w", "T1wCE", "FLAIR"],
        "fractions": (0.65, 0.10, 0.25),
        "label_map": "mask",
    },
    "phantom": WHOLE | {"contrasts": ["T1w", "PDw", "T2w"]},
}


def cells(tasks: Sequence[str]) -> list[Cell]:
    """All cells of some tasks, first seeds first."""
    found = []
    for seed in range(3):
        for task in TASKS:
            if task.name in tasks and seed in task.seeds:
                found.append(Cell(task, "mustgan", task.sources, seed))
                found += [Cell(task, "pix2pix", (source,), seed) for source in task.sources]
    return found


@dataclass
class Bench:
    """Where things lie, cohorts that are open, and what a trial may make smaller.

    Attributes:
        minutes: granted to each model.
        side: of the slices.
        phantoms: simulated heads.
        overrides: values of every plan.
    """

    work: Path
    store: Store
    threads: int
    minutes: float = MINUTES
    side: int = SIDE
    phantoms: int = PHANTOMS
    overrides: Mapping[str, Any] = field(default_factory=dict)
    opened: dict[str, Cohort] = field(default_factory=dict)

    def cohort(self, name: str) -> Cohort:
        """A cohort, ingested when it is first needed."""
        if name not in self.opened:
            with self.store.alone(f"cohort-{name}"):
                self.opened[name] = self._open(name)
        return self.opened[name]

    def _open(self, name: str) -> Cohort:
        source = self.work / "phantoms"
        if name == "lgg":
            if "POPGAN_DATA" not in os.environ:
                raise UserError("POPGAN_DATA is not set", do="set it to the folder of real MRI")
            source = Path(os.environ["POPGAN_DATA"]) / "lgg_tcga_128"
        elif not (source / "participants.tsv").exists():
            write_cohort(source, self.phantoms, seed=0, contrasts=("T1w", "PDw", "T2w"))
        options = IngestOptions.parse(**{**INGEST[name], "resolution": self.side})
        return ingest_station(source, self.work / name, options, reporter=Reporter())


def make_plan(cell: Cell, bench: Bench, speed: float | None, count: int) -> Plan:
    """The plan of a cell: popgan's own for its minutes; of a made-up length without a speed."""
    overrides: dict[str, Any] = {
        **bench.overrides,
        "network.sources": list(cell.sources),
        "network.target": cell.task.target,
        "train.threads": count,
    }
    if speed is None:
        overrides |= {"train.images": 100_000, "train.snapshots": 0}
    return popgan.make_plan(
        bench.cohort(cell.task.cohort),
        recipe=cell.recipe,
        preset="standard",
        budget=None if speed is None else f"{60 * bench.minutes:g}s",
        seed=cell.seed,
        overrides=overrides,
        probe=None if speed is None else Frozen(lambda plan: [speed]),
    )


def freeze_speeds(
    bench: Bench, rounds: int, task: str = "lgg-flair", again: Sequence[str] = ()
) -> None:
    """Measure images/s of every shape, and slices/s of translation, in alternating rounds.

    With `again` only those recipes get new speeds; pix2pix, whose speeds stay, is the yardstick.
    """
    shapes = {cell.shape: cell for cell in cells([task])}
    cohort, start = bench.cohort(next(iter(shapes.values())).task.cohort), time.monotonic()
    trained: dict[str, list[float]] = {shape: [] for shape in shapes}
    translated: dict[str, list[float]] = {shape: [] for shape in shapes}
    load = os.getloadavg()[0]
    for number in range(rounds):
        for shape, cell in shapes.items():
            print(f"speeds, round {number + 1} of {rounds}: {shape} ...", flush=True)
            plan = make_plan(cell, bench, None, SPEED_THREADS)
            recipe, images = find_recipe(plan.recipe), training_images(plan, cohort)
            state = recipe.start(plan, best_device())
            with threads(SPEED_THREADS):
                trained[shape] += measure(plan, recipe.phases(plan), state, images)
            translated[shape].append(slices_a_second(plan))
    wall = round((time.monotonic() - start) / 60, 2)
    facts = {"threads": SPEED_THREADS, "rounds": rounds, "load_before": round(load, 2)}
    for name, found in ((SPEEDS, trained), (SLICES, translated)):
        value = {shape: _summary(own) for shape, own in found.items()}
        if again:
            value = _held_against(YARDSTICK, value, bench.store.cells()[name]["value"], again)
        bench.store.put(name, facts, value, wall_minutes=wall)


def _summary(values: list[float]) -> dict[str, float]:
    return {
        "median": round(median(values), 2),
        "least": round(min(values), 2),
        "most": round(max(values), 2),
    }


def _held_against(
    yardstick: str, new: dict[str, Any], known: dict[str, Any], again: Sequence[str]
) -> dict[str, Any]:
    """Known speeds, those of some recipes anew: as the machine would have shown them back then.

    Every new speed is multiplied by the known speed of the yardstick over its new one.
    """
    factor = known[yardstick]["median"] / new[yardstick]["median"]
    return known | {
        shape: {word: round(factor * speed, 2) for word, speed in entry.items()}
        | {"yardstick_factor": round(factor, 4)}
        for shape, entry in new.items()
        if shape.partition(",")[0] in again
    }


def slices_a_second(plan: Plan) -> float:
    """How fast a volume is translated, after imports and without the spread."""
    generator = find_recipe(plan.recipe).generator(plan).requires_grad_(False).eval()
    generator = generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    translator = Translator(generator, plan)
    shape = (64, len(translator.sources), plan.data.height, plan.data.width)
    stack = numpy_rng(0, "stack").uniform(-1, 1, shape).astype("float32")
    translator(stack[:8])
    start = time.perf_counter()
    translator(stack)
    return len(stack) / (time.perf_counter() - start)


def run_cell(cell: Cell, bench: Bench, speeds: dict[str, Any]) -> bool:
    """Train and evaluate a cell unless that was done."""
    cohort = bench.cohort(cell.task.cohort)
    asked, plan = asked_of(cell, bench, speeds)
    if bench.store.find(cell.name, asked):
        return False
    print(f"{cell.name}: {plan.train.images} images ...", flush=True)
    start = time.monotonic()
    model = popgan.train(plan, cohort, name=folder_of(cell, asked), reporter=Lines())
    evaluate(model, cohort)
    found = load_evaluation(model)
    assert found is not None and found.paired is not None
    wall = round((time.monotonic() - start) / 60, 2)
    parameters = sum(p.numel() for p in find_recipe(plan.recipe).generator(plan).parameters())
    value = {
        "images": plan.train.images,
        "parameters": parameters,
        "choice": found.choice,
        "result": found.paired.model_dump(mode="json"),
    }
    bench.store.put(cell.name, asked, value, wall_minutes=wall, threads=bench.threads)
    return True


class Lines(Reporter):
    """Messages as lines."""

    def message(self, text: str) -> None:
        """Say something."""
        print(f"  {text}", flush=True)


def folder_of(cell: Cell, asked: dict[str, Any]) -> str:
    """The name of a cell's model in the run folder of its cohort."""
    parts = [cell.task.name, cell.recipe, *cell.sources, str(cell.seed), asked["plan"][:8]]
    return "-".join(parts)


def asked_of(cell: Cell, bench: Bench, speeds: dict[str, Any]) -> tuple[dict[str, Any], Plan]:
    """What a cell asks for, and its plan.

    Raises:
        UserError: its speed is not known.
    """
    if cell.shape not in speeds:
        raise UserError(f"the speed of {cell.shape} is not known", do="run with --speeds first")
    plan = make_plan(cell, bench, speeds[cell.shape]["median"], bench.threads)
    values = plan.model_dump(mode="json", exclude_defaults=True, exclude={"decisions", "generate"})
    del values["data"]["cohort"], values["train"]["threads"]
    return {"minutes": bench.minutes, "plan": sha256_value(values)}, plan


def status(wanted: Sequence[Cell], bench: Bench, speeds: dict[str, Any]) -> str:
    """What is done and what is missing."""
    known, lines = bench.store.cells(), []
    for cell in wanted:
        asked, _ = asked_of(cell, bench, speeds)
        done = known.get(cell.name, {}).get("asked") == asked
        lines.append(f"{cell.name}: {'done' if done else 'missing'}")
    return "\n".join(lines)


def run_all(wanted: Sequence[Cell], bench: Bench, speeds: dict[str, Any], results: Path) -> None:
    """Every cell that is missing and that no other process holds."""
    for cell in wanted:
        with bench.store.claim(cell.name) as mine:
            if mine and run_cell(cell, bench, speeds):
                write_table(bench.store, results)


def write_table(store: Store, results: Path) -> None:
    """The page, from what the file holds now."""
    with store.alone("tables"):
        write_text(results / "translation.md", table(store.cells(), MINUTES))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is missing; write the JSON and the page."""
    names = [task.name for task in TASKS]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--speeds", action="store_true", help="measure and freeze the speeds")
    parser.add_argument(
        "--again",
        type=lambda text: text.split(","),
        default=[],
        metavar="RECIPES",
        help="with --speeds: measure these anew, against pix2pix",
    )
    parser.add_argument("--rounds", type=int, default=3, help="of the speeds")
    parser.add_argument("--only", type=lambda text: text.split(","), default=names)
    parser.add_argument("--threads", type=int, default=1, help="of every training")
    parser.add_argument("--status", action="store_true", help="what is done and what is missing")
    parser.add_argument("--table", action="store_true", help="write the page again, no more")
    parser.add_argument("--work", type=Path, default=HERE.parent / "runs" / "translation")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    store = Store(options.results / "translation.json", options.work / "locks")
    bench = Bench(options.work, store, options.threads)
    try:
        if options.speeds:
            freeze_speeds(bench, options.rounds, again=options.again)
        speeds = store.cells().get(SPEEDS, {}).get("value", {})
        wanted = cells(options.only)
        if options.status:
            print(status(wanted, bench, speeds))
        elif not options.speeds and not options.table:
            run_all(wanted, bench, speeds, options.results)
        write_table(store, options.results)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
