"""Measure the main line as a user runs it: speed, memory and quality, as a table to commit.

    python benchmarks/main_line.py --cohort phantom
    python benchmarks/main_line.py --cohort ixi --preset quick --budget 10m --threads 2

`popgan run` works in a child process, whose memory is sampled. What is measured is kept in
results/main_line-COHORT.json cell by cell: the same command does only what is missing, and
`--restart` does everything again. The run itself lies under runs/, which is not committed.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from main_line_table import table
from popgan import provenance
from popgan.errors import UserError
from popgan.files import read_json, write_json, write_text

HERE = Path(__file__).resolve().parent
SOURCE_OF = {"ixi": "ixi_t1_2mm", "phantom": "phantom"}
DRAWN = 512  # images drawn to time the generator
EVERY = 0.05  # seconds between two looks at the memory

Cells = dict[str, Any]


class Results:
    """The measured cells of one file; those of other settings do not count."""

    def __init__(self, path: Path, settings: Mapping[str, Any], *, restart: bool) -> None:
        self.path, self.settings = path, dict(settings)
        known = read_json(path) if path.exists() and not restart else {}
        self.cells: Cells = known["cells"] if known.get("settings") == self.settings else {}

    def cell(self, name: str, measure: Callable[[], Any]) -> Any:
        """A cell's value: from the file, or measured now and written at once."""
        if name not in self.cells:
            print(f"{name} ...", flush=True)
            self.cells[name] = {"value": measure(), "commit": commit(), **provenance.record()}
            write_json(self.path, {"settings": self.settings, "cells": self.cells})
        return self.cells[name]["value"]


def run_command(options: argparse.Namespace, source: str, run: str) -> list[str]:
    """The command line that a user would type."""
    command = ["popgan", "run", source, "-o", run, "--preset", options.preset]
    command += ["--contrast", "T1w", "--resolution", "64", "--slices", "24", "--keep-ids"]
    command += ["--intensity", "percentile"]
    command += ["--keep-skull", "--bias-field", "off"]
    command += ["--seed", str(options.seed)]
    command += ["--budget", options.budget] if options.budget else []
    return command + [part for text in options.set for part in ("--set", text)]


def watch(command: Sequence[str]) -> dict[str, Any]:
    """Run popgan in a child process; its wall time and its peak memory in each station.

    Memory is the resident size of the process and all its children, so that pages they share
    count more than once: an upper bound.

    Raises:
        UserError: popgan ended with an error, which is passed on.
    """
    program = str(Path(sys.executable).with_name(command[0]))
    start = time.perf_counter()
    pipe = subprocess.PIPE
    child = subprocess.Popen([program, *command[1:], "--json"], stdout=pipe, stderr=pipe, text=True)
    assert child.stdout is not None and child.stderr is not None
    progress = child.stderr
    station: list[str] = ["start"]
    peaks: dict[str, int] = {}

    def listen() -> None:
        for line in progress:
            found = re.search(r'"text": "\[(\w+)', line)
            station[0] = found[1] if found else station[0]

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    while child.poll() is None:
        peaks[station[0]] = max(peaks.get(station[0], 0), tree_memory(child.pid))
        time.sleep(EVERY)
    listener.join()
    if child.returncode:
        raise UserError(f"popgan ended with status {child.returncode}: {child.stdout.read()}")
    return {
        "seconds": round(time.perf_counter() - start, 1),
        "peak_gib": {name: round(peak / 2**30, 2) for name, peak in peaks.items()},
    }


def tree_memory(process: int) -> int:
    """Resident bytes of a process and its children; 0 once it is gone."""
    total = 0
    try:
        parent = psutil.Process(process)
        for member in (parent, *parent.children(recursive=True)):
            total += member.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total


def measure_run(options: argparse.Namespace, source: Path, run: Path) -> dict[str, Any]:
    """The main line from scans to report, in a fresh run folder."""
    if (run / "provenance.json").exists() or (run / "dataset").exists():
        shutil.rmtree(run)  # an interrupted run would have a part of its cost behind it
    watched = watch(run_command(options, str(source), str(run)))
    stations = read_json(run / "provenance.json")["stations"]
    seconds = {name.split(" ")[0]: entry["seconds"] for name, entry in stations.items()}
    scans = read_json(run / "dataset" / "fingerprint.json")["scans"]
    return {
        **watched,
        "stations": seconds,
        "scans": scans,
        "scans_per_second": round(scans / seconds["ingest"], 2),
    }


def measure_training(run: Path) -> dict[str, Any]:
    """Images/s at each level: by the probe (steps alone), and by the log (with all that is around
    them: sample grids, checkpoints, a busy machine)."""
    import torch

    import popgan
    from popgan.device import best_device
    from popgan.recipes.table import find_recipe
    from popgan.stations.source import CohortImages
    from popgan.training.log import read_log
    from popgan.training.probe import measure

    model = popgan.find_model(run, None)
    plan, images = model.plan(), CohortImages(popgan.Cohort.open(run), "train")
    recipe = find_recipe(plan.recipe)
    with torch.random.fork_rng(devices=[]):
        state = recipe.start(plan, best_device())
        speeds = measure(plan, recipe.phases(plan), state, images)
    levels = [level for level, share in enumerate(plan.train.level_shares) if share > 0]
    return {
        "sides": [f"{plan.base[0] * 2**level}" for level in levels],
        "probe": [round(speeds[level], 1) for level in levels],
        "log": level_speeds(read_log(model.log_path), levels),
        "images": plan.train.images,
        "threads": plan.train.threads,
        "precision": plan.train.precision,
    }


def level_speeds(rows: Sequence[Mapping[str, float]], levels: Sequence[int]) -> list[float | None]:
    """Median images/s of the ticks that lie within a level; None where a level has no such tick."""
    found: dict[int, list[float]] = {level: [] for level in levels}
    before = float(levels[0])
    for row in rows:
        if row["level"] == before:
            found[int(before)].append(row["images_per_second"])
        before = row["level"]
    return [round(statistics.median(own), 1) if own else None for own in found.values()]


def measure_generation(run: Path) -> dict[str, Any]:
    """Images/s of the generator, drawn into memory."""
    import popgan

    model = popgan.find_model(run, None)
    popgan.synthesise(model, 64, seed=1)  # warms up
    start = time.perf_counter()
    popgan.synthesise(model, DRAWN, seed=1)
    seconds = time.perf_counter() - start
    return {"images": DRAWN, "images_per_second": round(DRAWN / seconds, 1)}


def measure_quality(run: Path) -> dict[str, Any]:
    """The scores that the run has measured, and their network."""
    import popgan
    from popgan.evidence.fidelity.results import FidelityResult
    from popgan.evidence.fidelity.verdict import verdict

    fidelity = popgan.evaluate(popgan.find_model(run, None))
    assert isinstance(fidelity, FidelityResult)  # the main line trains no translator
    scores = {}
    for metric in fidelity.metrics:
        entry = {**metric.value.model_dump(include={"value", "low", "high"}), "floor": metric.floor}
        entry |= {"floor_low": metric.floor_low, "floor_high": metric.floor_high}
        scores[metric.name] = {**entry, "ceilings": metric.ceilings}
    return {
        "backbone": fidelity.backbone,
        "n_synthetic": fidelity.n_synthetic,
        "n_reference": fidelity.n_reference,
        "n_reference_subjects": fidelity.n_reference_subjects,
        "verdict": verdict(fidelity).level,
        "scores": scores,
    }


def commit() -> str:
    """The checkout's commit, with "+" where files differ from it; "unknown" without git."""
    try:
        git = ["git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
        return subprocess.check_output(git, cwd=HERE, text=True, stderr=subprocess.DEVNULL).strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def find_source(options: argparse.Namespace) -> Path:
    """The folder of scans; the phantom is written if it is not there.

    Raises:
        UserError: IXI is asked for and POPGAN_DATA is unset.
    """
    if options.cohort == "phantom":
        folder = options.work / f"phantom-{options.subjects}"
        if not (folder / "participants.tsv").exists():
            watch(["popgan", "phantom", "-o", str(folder), "-n", str(options.subjects)])
        return folder
    if "POPGAN_DATA" not in os.environ:
        raise UserError("POPGAN_DATA is not set", do="set it to the folder of real MRI")
    return Path(os.environ["POPGAN_DATA"]) / SOURCE_OF["ixi"]


def check_cohort(options: argparse.Namespace, run: Path) -> None:
    """Make sure that `popgan run` ingested the benchmark cohort as benchmarks/cohort.py does.

    Raises:
        UserError: its subjects are divided differently.
    """
    if options.cohort != "ixi":
        return
    import popgan
    from cohort import OPTIONS, SPLIT_SUBJECTS

    opened = popgan.Cohort.open(run)
    sizes = {split: len(set(opened.subjects(split))) for split in SPLIT_SUBJECTS}
    manifest = read_json(run / "dataset" / "manifest.json")
    if sizes != SPLIT_SUBJECTS or manifest["options"] != OPTIONS.model_dump(
        mode="json", exclude={"subjects", "contrast_map"}
    ):
        raise UserError(f"this is not the benchmark cohort (subjects: {sizes})", where=run)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of this benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cohort", choices=sorted(SOURCE_OF), default="phantom")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--budget", help="training time; the preset's by default")
    parser.add_argument("--threads", type=int, help="cores to use; all by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--subjects", type=int, default=48, help="of the phantom")
    parser.add_argument("--work", type=Path, default=HERE.parent / "runs" / "main_line")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--restart", action="store_true", help="measure everything again")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is missing; write the JSON and the table."""
    options = parse(arguments)
    if options.threads:
        # The child inherits the cores, and popgan plans for the cores that it may use.
        own = psutil.Process()
        own.cpu_affinity(own.cpu_affinity()[: options.threads])
    shown = f"$POPGAN_DATA/{SOURCE_OF['ixi']}" if options.cohort == "ixi" else "PHANTOM"
    settings = {
        "cohort": options.cohort,
        "subjects": options.subjects if options.cohort == "phantom" else None,
        "command": re.sub(r"'(\$\S+)'", r"\1", shlex.join(run_command(options, shown, "RUN"))),
        "cores": provenance.usable_cores(),
        "popgan": provenance.versions()["popgan"],
    }
    stem = options.results / f"main_line-{options.cohort}"
    results = Results(stem.with_suffix(".json"), settings, restart=options.restart)
    run = options.work / options.cohort
    try:
        results.cell("run", lambda: measure_run(options, find_source(options), run))
        check_cohort(options, run)
        results.cell("training", lambda: measure_training(run))
        results.cell("generation", lambda: measure_generation(run))
        results.cell("quality", lambda: measure_quality(run))
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    text = table(settings, results.cells)
    write_text(stem.with_suffix(".md"), text)
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
