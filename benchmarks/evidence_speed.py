"""How long the measures of `popgan evaluate` take, one by one, and how much memory: at full size.

    .venv/bin/python benchmarks/evidence_speed.py -o benchmarks/results/evidence_speed.json

Synthetic and real images are drawn here: discs of tissue with smooth structure at two scales on
noisy air, which cost every measure what slices of heads cost. Nothing is read from a cache.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import psutil
import torch
import torch.nn.functional as F

from popgan.evidence.backbone import basis_of, extractor_of
from popgan.evidence.fidelity import suite
from popgan.evidence.fidelity.inputs import Material
from popgan.evidence.fidelity.measures import MEASURES
from popgan.evidence.fidelity.results import FidelityResult, Metric
from popgan.files import write_json
from popgan.progress import LineReporter
from popgan.provenance import machine
from popgan.training.loop import threads

SLICES = 20
"""Of a subject."""


class Clock:
    """Seconds by name: of the clock, and of all processors together."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.processor: dict[str, float] = {}

    def timed(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same work, its time added up under a name."""

        def run(*arguments: Any, **options: Any) -> Any:
            start, before = time.perf_counter(), time.process_time()
            try:
                return work(*arguments, **options)
            finally:
                spent, used = time.perf_counter() - start, time.process_time() - before
                self.seconds[name] = self.seconds.get(name, 0.0) + spent
                self.processor[name] = self.processor.get(name, 0.0) + used
                print(f"{name}: {spent:.1f} s, of processors {used:.1f} s", flush=True)

        return run


class Memory:
    """Resident memory of this process, sampled while it works."""

    def __init__(self) -> None:
        self.process, self.peak, self.done = psutil.Process(), 0, threading.Event()
        self.before = self.process.memory_info().rss
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self.done.wait(0.05):
            self.peak = max(self.peak, self.process.memory_info().rss)

    def __enter__(self) -> Memory:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()


def heads(subjects: int, slices: int, side: int, seed: int) -> np.ndarray:
    """Images N x 1 x side x side in [-1, 1], subject after subject."""
    draw = torch.Generator().manual_seed(seed)
    axis = torch.linspace(-1, 1, side)
    found = np.empty((subjects * slices, 1, side, side), np.float32)

    def smooth(count: int, fields: int) -> torch.Tensor:
        field = torch.randn((count, 1, fields, fields), generator=draw)
        return F.interpolate(field, (side, side), mode="bicubic")[:, 0]

    for subject in range(subjects):
        size = 0.7 + 0.2 * torch.rand((2, 1, 1, 1), generator=draw)
        shrink = 0.6 + 0.4 * torch.rand((slices, 1, 1), generator=draw)
        radius = torch.hypot(axis[None, :, None] / size[0], axis[None, None] / size[1]) / shrink
        tissue = 0.5 + 0.08 * smooth(1, 8) + 0.08 * smooth(slices, 12) + 0.05 * smooth(slices, 32)
        head = torch.where(radius < 1, tissue - 0.3 * (radius < 0.25), torch.zeros(()))
        noise = 0.003 * torch.randn((2, slices, side, side), generator=draw)
        units = torch.hypot(head + noise[0], noise[1]).clamp(0, 1)
        found[subject * slices : (subject + 1) * slices, 0] = (2 * units - 1).numpy()
    return found


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Assess once, with every part timed."""
    clock, memory = Clock(), Memory()
    load = os.getloadavg()[0]
    with memory, threads(options.threads):
        sets = {
            name: heads(-(-count // SLICES), SLICES, options.side, seed)[:count]
            for seed, (name, count) in enumerate(counts(options).items())
        }
        images = memory.process.memory_info().rss - memory.before
        start, before = time.perf_counter(), time.process_time()
        result = timed_assessment(clock, sets, options)
        total, used = time.perf_counter() - start, time.process_time() - before
    clock.seconds["everything else"] = total - sum(clock.seconds.values())
    clock.processor["everything else"] = used - sum(clock.processor.values())
    return {
        "images": counts(options),
        "side": options.side,
        "threads": options.threads,
        "features": result.backbone,
        "network": basis_of(result.backbone),
        "seconds": {name: round(spent, 1) for name, spent in clock.seconds.items()},
        "processor_seconds": {name: round(used, 1) for name, used in clock.processor.items()},
        "total_seconds": round(total, 1),
        "total_processor_seconds": round(used, 1),
        "peak_gib": round(memory.peak / 2**30, 2),
        "of_which_images_gib": round(images / 2**30, 2),
        "load_before": round(load, 2),
        "left_out": result.warnings,
        "metrics": [metric.name for metric in result.metrics],
        "machine": machine(),
    }


def counts(options: argparse.Namespace) -> dict[str, int]:
    """Images of each set."""
    return {
        "synthetic": options.synthetic,
        "training": options.training,
        "held out": options.held_out,
    }


def timed_assessment(
    clock: Clock, sets: dict[str, np.ndarray], options: argparse.Namespace
) -> FidelityResult:
    """`assess` with the clock around the network and around every measure."""

    class Timed:
        """The extractor, timed."""

        def __init__(self) -> None:
            self.network = extractor_of(options.features)
            self.identity = self.network.identity
            self.run = clock.timed("features of the network", self.network.__call__)

        def __call__(self, images: np.ndarray, *, advance: Any = None) -> np.ndarray:
            features: np.ndarray = self.run(images, advance=advance)
            return features

    def timed(measure: Callable[[Material], list[Metric]]) -> Callable[[Material], list[Metric]]:
        return clock.timed(measure.__name__.replace("_", " "), measure)

    with patch.object(suite, "MEASURES", tuple(timed(measure) for measure in MEASURES)):
        return suite.assess(
            real_train=sets["training"],
            real_reference=sets["held out"],
            synthetic=sets["synthetic"],
            train_subjects=[f"t{i // SLICES}" for i in range(options.training)],
            reference_subjects=[f"r{i // SLICES}" for i in range(options.held_out)],
            extractor=Timed(),
            reporter=LineReporter(),
        )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--synthetic", type=int, default=10_000)
    parser.add_argument("--training", type=int, default=3_000)
    parser.add_argument("--held-out", type=int, default=1_000)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--features", help="inception=FILE")
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    result = measured(options)
    print(f"{'':32} {'clock, s':>10} {'processors, s':>14}")
    for name, spent in result["seconds"].items():
        print(f"{name:32} {spent:10.1f} {result['processor_seconds'][name]:14.1f}")
    whole = result["total_seconds"], result["total_processor_seconds"]
    print(f"{'total':32} {whole[0]:10.1f} {whole[1]:14.1f}")
    print(f"peak memory {result['peak_gib']} GiB, images {result['of_which_images_gib']} GiB")
    if options.out:
        write_json(options.out, result)


if __name__ == "__main__":
    main()
