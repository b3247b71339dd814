"""Measure the phantom: time a subject, memory of a stream, and how near its heads are to people.

    python benchmarks/phantom.py                     speed and memory
    python benchmarks/phantom.py --data FOLDER       and the comparison with IXI

FOLDER defaults to $POPGAN_DATA. Times are seconds of one core (CPU time), because they vary less
than wall time on a machine with other work; wall time stands beside them. Results are kept in
results/phantom.json cell by cell: the same command does only what is missing, `--restart` does
everything again.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from main_line import Results
from phantom_ixi import compare
from phantom_table import table
from popgan import provenance
from popgan.files import write_text

HERE = Path(__file__).resolve().parent
FOUR = ("T1w", "T2w", "FLAIR", "PDw")
REPEATS = 7
STREAMED = 1000
EVERY = 0.2  # seconds between two looks at the memory


def clocked(work: Callable[[], Any]) -> dict[str, float]:
    """Median CPU and wall seconds over repeats, after one that does not count."""
    work()
    cpu, wall = [], []
    for _ in range(REPEATS):
        start = time.process_time(), time.perf_counter()
        work()
        cpu.append(time.process_time() - start[0])
        wall.append(time.perf_counter() - start[1])
    return {
        "cpu": round(statistics.median(cpu), 3),
        "cpu_least": round(min(cpu), 3),
        "cpu_most": round(max(cpu), 3),
        "wall": round(statistics.median(wall), 3),
    }


def subject_times(spacing: float, contrasts: tuple[str, ...], lesions: str) -> dict[str, Any]:
    """Seconds to make one subject in memory, and to write it as BIDS after that."""
    import torch

    from popgan.phantom import Study, draw, simulate
    from popgan.phantom.cohort import write_subject

    torch.set_num_threads(1)
    study = Study(contrasts=contrasts, spacing=spacing, lesions=lesions)
    index = iter(range(100))
    making = clocked(lambda: simulate(draw(0, next(index), study), study))
    made = simulate(draw(0, 0, study), study)
    with tempfile.TemporaryDirectory() as folder:
        writing = clocked(lambda: write_subject(Path(folder), made))
    return {"making": making, "writing": writing}


def template_time() -> dict[str, float]:
    """Seconds to read the atlas, once a process."""
    from popgan.phantom.template import load_template

    def load() -> None:
        load_template.cache_clear()
        load_template()

    return clocked(load)


def linearity() -> dict[str, float]:
    """CPU seconds a subject in streams of different lengths."""
    from popgan.phantom import axial_slices, stream

    found = {}
    for count in (5, 10, 20, 40):
        start = time.process_time()
        for _ in stream(count, axial_slices, workers=1):
            pass
        found[str(count)] = round((time.process_time() - start) / count, 3)
    return found


def stream_to_slices(folder: Path, count: int) -> None:
    """What the child process does: subjects to 24 axial slices each, on disk."""
    from popgan.phantom import axial_slices, stream

    with (folder / "slices.raw").open("wb") as out:
        for slices in stream(count, axial_slices):
            out.write(slices.tobytes())


def streaming() -> dict[str, Any]:
    """Peak memory and time of a long stream, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--stream-to", folder]
        start = time.perf_counter()
        child = subprocess.Popen(command)
        process, peak, cpu = psutil.Process(child.pid), 0, 0.0
        while child.poll() is None:
            try:
                peak = max(peak, process.memory_info().rss)
                cpu = sum(process.cpu_times()[:2])
            except psutil.Error:
                break
            time.sleep(EVERY)
        if child.wait() != 0:
            raise RuntimeError("the stream ended with an error")
        size = (Path(folder) / "slices.raw").stat().st_size
    return {
        "subjects": STREAMED,
        "peak_gib": round(peak / 2**30, 2),
        "cpu": round(cpu, 1),
        "wall": round(time.perf_counter() - start, 1),
        "slices_gib": round(size / 2**30, 2),
    }


def measure(results: Results, data: Path | None) -> None:
    """All cells that can be measured here."""
    results.cell("template", template_time)
    for name, values in {
        "2 mm, T1w": (2.0, ("T1w",), "none"),
        "2 mm, four contrasts": (2.0, FOUR, "none"),
        "2 mm, four contrasts, MS": (2.0, FOUR, "ms"),
        "2 mm, four contrasts, tumour": (2.0, FOUR, "tumour"),
        "1 mm, T1w": (1.0, ("T1w",), "none"),
    }.items():
        results.cell(name, partial(subject_times, *values))
    results.cell("linearity", linearity)
    if data is not None:
        results.cell("ixi", lambda: compare(data))
    results.cell("stream", streaming)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("POPGAN_DATA"))
    parser.add_argument("--restart", action="store_true")
    parser.add_argument("--stream-to", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stream_to is not None:
        stream_to_slices(options.stream_to, STREAMED)
        return 0
    settings = {"repeats": REPEATS, "streamed": STREAMED, "popgan": provenance.versions()["popgan"]}
    results = Results(HERE / "results" / "phantom.json", settings, restart=options.restart)
    measure(results, Path(options.data) if options.data else None)
    write_text(HERE / "results" / "phantom.md", table(results.cells))
    print((HERE / "results" / "phantom.md").read_text())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
