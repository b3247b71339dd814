"""What augmentation costs: the whole pipeline as a share of a discriminator's step.

    python benchmarks/augmentation.py [--batch 32] [--rounds 9] [--threads 1] [-o FILE]

At 64 and 128 pixels, one contrast, networks of `popgan quick`, top level, arithmetic as the plan
chooses. A step is the discriminator's own update (draw fakes, judge both halves, backward, Adam)
without augmentation; beside it, within the same round, each method transforms the 2 x batch images
of such a step. `ada` has every transform switched on and p = 0.5. Medians over rounds. On a CPU
processor time is counted, so that a busy machine disturbs less. Penalty and generator are not
counted: of a whole training step the share is smaller.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from popgan.augmentation.pipeline import augment
from popgan.config.augmentation import AugmentationPlan
from popgan.config.schema import DataPlan, Plan
from popgan.device import best_device, has_fast_bf16
from popgan.planning.rules import MachineFacts, build_plan
from popgan.provenance import machine
from popgan.recipes.table import find_recipe
from popgan.training.growth import Stage
from popgan.training.phase import Step
from popgan.training.update import update

GEOMETRY = {"flip": True, "shift": 0.06, "rotation": 3.0, "scale": 0.05}
EVERYTHING = {**GEOMETRY, "brightness": 0.2, "contrast": 0.3, "noise": 0.05, "cutout": 0.3}


def quick(side: int, batch: int, threads: int, device: torch.device) -> Plan:
    """The plan of `quick` without augmentation."""
    data = DataPlan(
        height=side,
        width=side,
        contrasts=["T1w"],
        train_slices=1000,
        train_subjects=30,
        cohort="0" * 64,
    )
    return build_plan(
        data,
        preset_name="quick",
        recipe="popgan",
        seed=0,
        budget=None,
        overrides={
            "train.batch": batch,
            "train.images": 10**6,
            "train.threads": threads,
            "augmentation.method": "none",
        },
        machine=MachineFacts(threads, device.type.upper(), has_fast_bf16()),
        probe=lambda plan: [],
    )


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Time of one call: wall time on a GPU, processor time of all threads on a CPU."""
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    start = clock()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return clock() - start


def measure(side: int, *, batch: int, rounds: int, threads: int) -> dict[str, float]:
    """Milliseconds of a discriminator's step and of each method, and shares of it."""
    device = best_device()
    torch.set_num_threads(threads)
    plan = quick(side, batch, threads, device)
    recipe = find_recipe("popgan")
    state = recipe.start(plan, device)
    main = recipe.phases(plan)[0]
    level = plan.network.levels - 1
    images = torch.rand(2 * batch, 1, side, side, device=device) * 2 - 1

    def step() -> None:
        update(main, Step(plan, state, Stage(level, 1.0), images[:batch], 0))

    strength = torch.tensor(0.5, device=device)

    def transform(method: str, ranges: Mapping[str, object]) -> Callable[[], Tensor]:
        chosen = AugmentationPlan.model_validate({"method": method, "probability": 0.5, **ranges})
        return lambda: augment(chosen, images, torch.Generator().manual_seed(0), strength)

    works: dict[str, Callable[[], object]] = {
        "step": step,
        "affine": transform("affine", GEOMETRY),
        "diffaugment": transform("diffaugment", GEOMETRY),
        "ada, geometry": transform("ada", GEOMETRY),
        "ada, everything": transform("ada", EVERYTHING),
    }
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds + 1):
        for name, work in works.items():
            taken[name].append(1000 * seconds(work, device))
    # The first round sets up kernels.
    found = {f"{name}, ms": round(median(times[1:]), 2) for name, times in taken.items()}
    for name in list(works)[1:]:
        found[f"{name}, share"] = round(found[f"{name}, ms"] / found["step, ms"], 3)
    return found


def main() -> None:
    """Measure, print, and write the result if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    settings = {"batch": options.batch, "rounds": options.rounds, "threads": options.threads}
    result = {
        "machine": machine(),
        **settings,
        "sizes": {str(side): measure(side, **settings) for side in (64, 128)},
    }
    text = json.dumps(result, indent=2) + "\n"
    print(text, end="")
    if options.output:
        options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
