"""What a busy neighbour costs: popgan's threads that wait briefly, against torch's own default.

    python benchmarks/busy.py [--rounds 7] [-o benchmarks/results/busy]

Each way of waiting has a process of its own, in which `popgan quick` trains at 64 x 64, on all
cores and on one fewer. Rounds alternate between the processes, and between a quiet machine and one
on which another program keeps one core busy. Medians, with the range.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from engine import Training, top_level

from popgan._waiting import SPINS
from popgan.files import write_text
from popgan.provenance import machine, usable_cores
from popgan.training.loop import threads

DEFAULT = "torch's default"
WAYS: dict[str, dict[str, str]] = {
    "popgan": {"GOMP_SPINCOUNT": SPINS},
    DEFAULT: {},
    "passive": {"OMP_WAIT_POLICY": "passive"},
}
"""What each process finds in its environment."""
SECONDS = 1.5  # of each cell in a round, at least
MOMENTS = ("quiet", "one neighbour")
_NAMES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OMP_NUM_THREADS")
# Torch reads its environment when it is imported, and popgan changes it: so torch comes first.
_CHILD = (
    "import torch, os, runpy, sys; del sys.argv[0]; "
    "sys.path.insert(0, os.path.dirname(sys.argv[0])); "  # the engine's benchmark lies there
    "runpy.run_path(sys.argv[0], None, '__main__')"
)


def serve(count: int) -> None:
    """Child: for every line of input, images/s of each cell as a line of JSON."""
    cells = {"all cores": Training(top_level(count))}
    if count > 1:
        cells["one core fewer"] = Training(top_level(count - 1))
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps({name: _speed(cell) for name, cell in cells.items()}), flush=True)


def _speed(cell: Training) -> float:
    found: list[float] = []
    start = time.perf_counter()
    with threads(cell.plan.train.threads):
        while not found or time.perf_counter() - start < SECONDS:
            found.append(cell.round())
    return cell.plan.train.batch * len(found) / sum(found)


class Child:
    """A process that trains in one way of waiting, when it is asked to.

    Args:
        way: what its environment has besides.
        count: threads.
    """

    def __init__(self, way: dict[str, str], count: int) -> None:
        environment = {k: v for k, v in os.environ.items() if k not in _NAMES} | way
        command = [sys.executable, "-c", _CHILD, __file__, "--serve", "--threads", str(count)]
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def round(self) -> dict[str, float]:
        """Images/s of each cell."""
        assert self._process.stdin is not None
        print(file=self._process.stdin, flush=True)
        found: dict[str, float] = json.loads(self._answer())
        return found

    def end(self) -> None:
        """Let it go."""
        self._process.kill()
        self._process.wait()


def measure(rounds: int, count: int) -> dict[str, Any]:
    """Images/s by cell, moment and way."""
    children = {name: Child(way, count) for name, way in WAYS.items()}
    # In a session of its own, like a program that somebody else has started: Linux shares the
    # cores among sessions.
    neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
    neighbour.send_signal(signal.SIGSTOP)
    speeds: dict[str, dict[str, dict[str, list[float]]]] = {}
    try:
        for _ in range(rounds):
            for moment, switch in zip(MOMENTS, (signal.SIGSTOP, signal.SIGCONT), strict=True):
                neighbour.send_signal(switch)
                for name, child in children.items():
                    for cell, speed in child.round().items():
                        by_way = speeds.setdefault(cell, {}).setdefault(moment, {})
                        by_way.setdefault(name, []).append(round(speed, 2))
    finally:
        neighbour.kill()
        for child in children.values():
            child.end()
    return {"rounds": rounds, "threads": count, "speeds": speeds, "machine": machine()}


def table(result: dict[str, Any]) -> str:
    """The result as a page of Markdown."""
    about = f"{result['machine']['cpu']}, {result['threads']} threads"
    lines = [
        "# Training beside another program",
        "",
        f"{about}; images/s, medians (range) of {result['rounds']} alternating rounds.",
        "",
        f"| | {' | '.join(WAYS)} |",
        f"| --- |{' --- |' * len(WAYS)}",
    ]
    for cell, moments in result["speeds"].items():
        for moment, ways in moments.items():
            told = (_told(ways[name]) for name in WAYS)
            lines.append(f"| {cell}, {moment} | {' | '.join(told)} |")
    lines += ["", "`popgan` by `torch's default`, round by round:", ""]
    for cell, moments in result["speeds"].items():
        for moment, ways in moments.items():
            pairs = zip(ways["popgan"], ways[DEFAULT], strict=True)
            lines.append(f"- {cell}, {moment}: {_told([a / b for a, b in pairs])}")
    return "\n".join(lines) + "\n"


def _told(values: Sequence[float]) -> str:
    return f"{median(values):.3g} ({min(values):.3g}-{max(values):.3g})"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write JSON and page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument(
        "-o", "--out", type=Path, default=Path(__file__).parent / "results" / "busy"
    )
    options = parser.parse_args(arguments)
    if options.serve:
        serve(options.threads)
        return
    result = measure(options.rounds, options.threads)
    write_text(options.out.with_suffix(".json"), json.dumps(result, indent=1) + "\n")
    write_text(options.out.with_suffix(".md"), table(result))
    print(table(result))


if __name__ == "__main__":
    main()
