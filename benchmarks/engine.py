"""How fast the engine trains and draws, in rounds that alternate between all that is compared.

    python benchmarks/engine.py [--rounds 5] [--threads 2] [-o benchmarks/results/engine]

Every round measures, one after the other: convolutions in bfloat16 on the shapes that the StyleGAN2
below has, once all of them ordinary and once each the operator that the layer is (transposed where
the size doubles); that StyleGAN2 (128 x 128, channel base 4096 / max 128, batch 16) with bfloat16
and channels-last memory, and the same network in float32 with plain NCHW memory; `popgan quick` at
its top level of 64 x 64; generation. So whatever else the machine does falls on all of them. A
step's time is weighed over the kinds of steps there are (lazy penalties). Arithmetic is counted by
torch as the steps run; throughput is arithmetic by time. Memory is the peak resident size of a
process of its own that trains a few steps. Medians over the rounds, with the range.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from popgan.config.network import DrawingShape
from popgan.config.schema import DataPlan, Plan
from popgan.device import has_fast_bf16
from popgan.planning.rules import MachineFacts, build_plan
from popgan.provenance import machine
from popgan.recipes.table import find_recipe
from popgan.synthesis.sample import sample
from popgan.training.loop import one_step, threads
from popgan.training.phase import Phase
from popgan.training.sampler import Sampler

SLICES = 512
DRAWN = 96  # images drawn a round
Convolution = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

CONVOLUTIONS = {
    "ordinary": "its 3 x 3 convolutions alone, bf16, all ordinary",
    "own": "the same, up-sampling ones transposed as they are",
}


def kinds_of_steps(phases: list[Phase]) -> dict[int, int]:
    """The kinds of steps by which phases are due: number of the first such step -> how many of
    its kind come before all repeats."""
    cycle = math.lcm(*(phase.interval for phase in phases))
    found: dict[tuple[bool, ...], list[int]] = {}
    for step in range(cycle):
        found.setdefault(tuple(step % phase.interval == 0 for phase in phases), []).append(step)
    return {steps[0]: len(steps) for steps in found.values()}


class Noise:
    """Images of noise; what they show does not change what a step costs."""

    def __init__(self, side: int) -> None:
        self.images = torch.randn(SLICES, 1, side, side).clamp(-1, 1)

    def __len__(self) -> int:
        return SLICES

    def batch(self, indices: np.ndarray) -> torch.Tensor:
        """Images by index."""
        return self.images[torch.from_numpy(indices)]

    def condition(self, indices: np.ndarray) -> None:
        """Nothing is told."""


def plan_of(recipe: str, preset: str, side: int, threads: int, **changes: Any) -> Plan:
    """A plan by popgan's own rules for a cohort of `SLICES` slices; `changes` as train__batch."""
    data = DataPlan(
        height=side,
        width=side,
        contrasts=["T1w"],
        train_slices=SLICES,
        train_subjects=20,
        cohort="0" * 64,
    )
    overrides = {name.replace("__", "."): value for name, value in changes.items()}
    return build_plan(
        data,
        preset_name=preset,
        recipe=recipe,
        seed=0,
        budget=None,
        overrides={"train.images": 10**6} | overrides,
        machine=MachineFacts(threads, "CPU", has_fast_bf16()),
        probe=lambda plan: [1.0] * plan.network.levels,
    )


class Arithmetic(TorchDispatchMode):
    """Counts the operations of convolutions and matrix products while the block runs.

    Torch's own counter also follows modules, by hooks that gradients within gradients do not bear.
    """

    flops = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Called for every operation."""
        result = function(*args, **(kwargs or {}))
        if (count := flop_registry.get(function._overloadpacket)) is not None:
            self.flops += count(*args, **(kwargs or {}), out_val=result)
        return result


@contextmanager
def layout(plain: bool) -> Iterator[None]:
    """Plain NCHW memory where the networks ask for channels-last."""
    before = torch.channels_last
    if plain:
        torch.channels_last = torch.contiguous_format
    try:
        yield
    finally:
        torch.channels_last = before


class Training:
    """A recipe in training at its top level, of which single steps can be timed.

    Args:
        plan: the plan.
        plain: whether memory is NCHW.
    """

    def __init__(self, plan: Plan, *, plain: bool = False) -> None:
        self.plan, self.plain = plan, plain
        recipe = find_recipe(plan.recipe)
        with layout(plain):
            self.state = recipe.start(plan, torch.device("cpu"))
        self.phases = recipe.phases(plan)
        self.kinds = kinds_of_steps(self.phases)
        self.source = Noise(plan.data.height)
        self.sampler = Sampler(SLICES, 0, SLICES)
        for first in self.kinds:
            self.seconds(first)  # sets up kernels
        self.flops = self._weighed(self._flops)

    def seconds(self, step: int) -> float:
        """Time of one step."""
        # The last quarter of a run: the top level, fully in.
        self.state.images, self.state.step = self.plan.train.images * 3 // 4, step
        with layout(self.plain):
            start = time.perf_counter()
            one_step(self.plan, self.phases, self.state, self.sampler, self.source)
            return time.perf_counter() - start

    def round(self) -> float:
        """Seconds a step, weighed over the kinds of steps."""
        return self._weighed(self.seconds)

    def _flops(self, step: int) -> float:
        with Arithmetic() as counter:
            self.seconds(step)
        return counter.flops

    def _weighed(self, cost: Callable[[int], float]) -> float:
        total = sum(count * cost(first) for first, count in self.kinds.items())
        return total / sum(self.kinds.values())


class Convolutions:
    """The convolutions of a plan's networks, each alone, forward and backward, in bfloat16.

    Args:
        plan: whose networks; each layer counts as often as it occurs.
        own: whether a layer that changes the size is measured as the operator that it is, up as a
            transposed convolution, down from a map with its border; otherwise up as the ordinary
            convolution of as many operations, before doubling, and down with padding.
    """

    def __init__(self, plan: Plan, *, own: bool) -> None:
        self.calls: list[tuple[Convolution, torch.Tensor, torch.Tensor]] = []
        assert isinstance(plan.network, DrawingShape)
        channels, batch = plan.network.channels, plan.train.batch
        same, down = partial(F.conv2d, padding=1), partial(F.conv2d, stride=2, padding=1)
        for level, maps in enumerate(channels):
            side, below = plan.base[0] << level, channels[level - 1]
            for _ in range(2 if level else 1):  # one in each network
                self._add(same, (batch, maps, side), (maps, maps))
            if level and own:
                up = partial(F.conv_transpose2d, stride=2)
                self._add(up, (batch, below, side // 2), (below, maps))
                self._add(partial(F.conv2d, stride=2), (batch, maps, side + 1), (below, maps))
            elif level:
                self._add(same, (batch, below, side // 2), (maps, below))
                self._add(down, (batch, maps, side), (below, maps))
        with Arithmetic() as counter:
            for call in self.calls:
                self._once(*call)
        self.flops = counter.flops

    def _add(self, function: Convolution, size: tuple[int, ...], maps: tuple[int, int]) -> None:
        kind: dict[str, Any] = {"dtype": torch.bfloat16}
        x, weight = torch.randn(*size, size[-1], **kind), torch.randn(*maps, 3, 3, **kind)
        x, weight = (t.to(memory_format=torch.channels_last) for t in (x, weight))
        self.calls.append((function, x.requires_grad_(), weight.requires_grad_()))

    def round(self) -> float:
        """Seconds of one pass over all layers."""
        return sum(min(self._once(*call) for _ in range(3)) for call in self.calls)

    @staticmethod
    def _once(function: Convolution, x: torch.Tensor, weight: torch.Tensor) -> float:
        x.grad = weight.grad = None
        start = time.perf_counter()
        y = function(x, weight)
        y.backward(y.detach())
        return time.perf_counter() - start


def drawing(plan: Plan) -> Callable[[], float]:
    """Seconds an image, drawn into memory."""
    generator: nn.Module = find_recipe(plan.recipe).generator(plan).eval().requires_grad_(False)
    generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def once() -> float:
        start = time.perf_counter()
        for _ in sample(generator, plan, seed=0, count=DRAWN):
            pass
        return (time.perf_counter() - start) / DRAWN

    once()
    return once


def stylegan2(threads: int, **changes: Any) -> Plan:
    """The StyleGAN2 that is measured; full batches whatever the slices."""
    return plan_of("stylegan2", "standard", 128, threads, train__batch=16, **changes)


def top_level(threads: int) -> Plan:
    """`popgan quick` at 64 x 64, all images at the top level."""
    plan = plan_of("popgan", "quick", 64, threads)
    shares = [0.0] * (plan.network.levels - 1) + [1.0]
    return plan_of("popgan", "quick", 64, threads, train__level_shares=shares)


def peak_memory(threads: int) -> float:
    """GiB of a fresh process that trains the StyleGAN2 for one step of each kind."""
    command = [sys.executable, __file__, "--memory", "--threads", str(threads)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(output.splitlines()[-1])


def own_peak() -> float:
    """GiB that this process held at most.

    Not `getrusage`: Linux counts there what the process held that this one was started from.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 2**20


def measure(rounds: int, count: int) -> dict[str, Any]:
    """All cells, in alternating rounds."""
    half, full = stylegan2(count), stylegan2(count, train__precision="fp32")
    cells: dict[str, Any] = {
        "stylegan2 bf16 channels-last": Training(half),
        "stylegan2 fp32 NCHW": Training(full, plain=True),
        "popgan quick, top level": Training(top_level(count)),
        "ordinary": Convolutions(half, own=False),
        "own": Convolutions(half, own=True),
    }
    drawn = {"popgan quick": drawing(top_level(count)), "stylegan2 128": drawing(half)}
    times: dict[str, list[float]] = {name: [] for name in [*cells, *drawn]}
    for _ in range(rounds):
        for name, cell in cells.items():
            times[name].append(cell.round())
        for name, draw in drawn.items():
            times[name].append(draw())
    return {
        "rounds": rounds,
        "threads": count,
        "cells": {name: _training(cells[name], times[name]) for name in list(cells)[:3]},
        "convolutions": {
            kind: _throughput(cells[kind].flops, times[kind]) for kind in ("ordinary", "own")
        },
        "images_drawn_per_second": {name: _spread([1 / t for t in times[name]]) for name in drawn},
        "peak_gib": round(peak_memory(count), 2),
        "load_average": [round(value, 1) for value in os.getloadavg()],
        "machine": machine(),
    }


def _training(cell: Training, times: list[float]) -> dict[str, Any]:
    batch = cell.plan.train.batch
    return {
        "batch": batch,
        "seconds_per_kimg": _spread([t * 1000 / batch for t in times]),
        "images_per_second": _spread([batch / t for t in times]),
        "gflop_per_image": round(cell.flops / batch / 1e9, 2),
        **_throughput(cell.flops, times),
    }


def _throughput(flops: float, times: list[float]) -> dict[str, Any]:
    return {"gflop_per_second": _spread([flops / t / 1e9 for t in times])}


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(median(values), 2),
        "least": round(min(values), 2),
        "most": round(max(values), 2),
    }


def table(result: dict[str, Any]) -> str:
    """The result as a page of Markdown."""
    described = result["machine"]
    lines = [
        "# The engine's speed",
        "",
        f"{described['cpu']}, {result['threads']} threads; medians (range) of {result['rounds']} "
        "alternating rounds.",
        "",
        "| | s/kimg | images/s | GFLOP an image | GFLOP/s |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, cell in result["cells"].items():
        words = [_words(cell[key]) for key in ("seconds_per_kimg", "images_per_second")]
        words += [str(cell["gflop_per_image"]), _words(cell["gflop_per_second"])]
        lines.append(f"| {name}, batch {cell['batch']} | " + " | ".join(words) + " |")
    alone = {kind: cell["gflop_per_second"] for kind, cell in result["convolutions"].items()}
    for kind, title in CONVOLUTIONS.items():
        lines.append(f"| {title} | | | | {_words(alone[kind])} |")
    half, full = (
        result["cells"][f"stylegan2 {kind}"] for kind in ("bf16 channels-last", "fp32 NCHW")
    )
    ordinary, own = (
        half["gflop_per_second"]["median"] / alone[kind]["median"] for kind in CONVOLUTIONS
    )
    ratio = half["seconds_per_kimg"]["median"] / full["seconds_per_kimg"]["median"]
    drawn = ", ".join(
        f"{name} {_words(rate)}" for name, rate in result["images_drawn_per_second"].items()
    )
    lines += [
        "",
        f"- StyleGAN2 trains at {ordinary:.0%} of the throughput of ordinary convolutions of its "
        f"layers' shapes alone, and at {own:.0%} of that of the operators that its layers are.",
        f"- bf16 and channels-last take {ratio:.2f}x the time of fp32 and NCHW.",
        f"- Images drawn a second: {drawn}.",
        f"- Peak memory of training StyleGAN2: {result['peak_gib']} GiB.",
    ]
    return "\n".join(lines) + "\n"


def _words(value: dict[str, float]) -> str:
    return f"{value['median']:.4g} ({value['least']:.4g} to {value['most']:.4g})"


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("-o", "--output", type=Path, help="write OUTPUT.json and OUTPUT.md")
    arguments = parser.parse_args()
    with threads(arguments.threads):
        if arguments.memory:
            Training(stylegan2(arguments.threads))
            print(own_peak())
            return 0
        result = measure(arguments.rounds, arguments.threads)
    if arguments.output is not None:
        arguments.output.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
        arguments.output.with_suffix(".md").write_text(table(result))
    print(table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
