"""Train the physics prior that popgan ships: a popgan model of phantoms, told the kind of image.

    python tools/prior_slices.py                                  # the images, once
    python tools/prior_train.py --side 64 --images 240000         # then the networks
    python tools/prior_train.py --side 128 --images 60000         # goes on from the one of 64

An ordinary training by popgan's own loop with the preset `standard`, except that nothing is chosen
by a tuning split (a phantom has no patients) and that the discriminator is kept as well. Ctrl-C and
the same command go on. Half precision is written: `src/popgan/prior/phantom-SIDE.safetensors`.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from popgan.config.condition import Condition
from popgan.config.schema import DataPlan, Plan
from popgan.device import has_fast_bf16
from popgan.planning.rules import MachineFacts, build_plan
from popgan.prior.kinds import KINDS
from popgan.prior.transfer import take
from popgan.prior.weights import file_of, read_prior
from popgan.progress import LineReporter
from popgan.recipes.table import find_recipe
from popgan.seeds import torch_rng
from popgan.synthesis.image import grid_png
from popgan.synthesis.sample import draw_images
from popgan.training.growth import Stage
from popgan.training.job import Job
from popgan.training.log import TrainingLog
from popgan.training.loop import run
from popgan.training.state import TrainState


class PhantomSlices:
    """The slices of `prior_slices.py`, all kinds one after the other.

    Args:
        folder: where they lie.
        side: 128, or a half, a quarter ... of it.
    """

    def __init__(self, folder: Path, side: int) -> None:
        self.parts = [
            np.load(folder / f"{kind}.npy", mmap_mode="r", allow_pickle=False) for kind in KINDS
        ]
        self.ends = np.cumsum([len(part) for part in self.parts])
        self.factor = self.parts[0].shape[1] // side

    def __len__(self) -> int:
        return int(self.ends[-1])

    def batch(self, indices: np.ndarray) -> Tensor:
        """N x 1 x side x side in [-1, 1]."""
        kinds = np.searchsorted(self.ends, indices, side="right")
        starts = np.concatenate([[0], self.ends])
        rows = [self.parts[k][i - starts[k]] for k, i in zip(kinds, indices, strict=True)]
        images = torch.from_numpy(np.stack(rows))[:, None].float() / 127.5 - 1
        return torch.nn.functional.avg_pool2d(images, self.factor) if self.factor > 1 else images

    def condition(self, indices: np.ndarray) -> Tensor:
        """N x kinds, one-hot."""
        kinds = np.searchsorted(self.ends, indices, side="right")
        return torch.eye(len(KINDS))[torch.from_numpy(kinds)]


def plan_of(options: argparse.Namespace, slices: int) -> Plan:
    """A plan by popgan's rules, its networks told the kind of image."""
    told = Condition(name="label", kind="class", classes=list(KINDS))
    data = DataPlan(
        height=options.side,
        width=options.side,
        contrasts=["phantom"],
        train_slices=slices,
        train_subjects=slices // len(KINDS),
        cohort="0" * 64,
        conditions=[told],
    )
    overrides = {
        "train.images": options.images,
        "train.batch": options.batch,
        "train.snapshots": 0,
        "train.threads": options.threads,
        "network.condition": ["label"],
    }
    if options.shares:
        overrides["train.level_shares"] = [float(share) for share in options.shares.split(",")]
    return build_plan(
        data,
        preset_name="standard",
        recipe="popgan",
        seed=options.seed,
        budget=None,
        overrides=overrides,
        machine=MachineFacts(options.threads, "CPU", has_fast_bf16()),
        probe=lambda plan: [1.0] * len(plan.network.channels),
    )


def main() -> int:
    """Train, and write the weights."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--side", type=int, choices=(64, 128), required=True)
    parser.add_argument("--images", type=int, required=True)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--shares", help="of the images at each level; the preset's by default")
    parser.add_argument("--start", type=Path, help="weights to go on from, of a smaller side")
    parser.add_argument("--seed", type=int, default=20260)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--slices", type=Path, default=Path("runs/prior/slices"))
    parser.add_argument("--work", type=Path, default=Path("runs/prior"))
    options = parser.parse_args()
    source = PhantomSlices(options.slices, options.side)
    plan = plan_of(options, len(source))
    folder = options.work / f"phantom-{options.side}"
    folder.mkdir(parents=True, exist_ok=True)
    plan.save(folder / "plan.yaml")
    recipe = find_recipe("popgan")
    state = recipe.start(plan, torch.device("cpu"))
    if options.start is not None:
        go_on_from(state, options.start)
    latents = torch.randn((80, plan.network.latent_dim), generator=torch_rng(plan.seed, "grid"))
    shown = torch.eye(len(KINDS)).repeat_interleave(8, 0)

    def on_tick(state: TrainState, stage: Stage) -> Tensor:
        images = draw_images(state.average, latents, plan, stage, condition=shown)
        grid_png(folder / "samples.png", images, columns=8, gutter=2)
        return torch.from_numpy(images)

    job = Job(
        plan=plan,
        plan_hash="prior",
        phases=recipe.phases(plan),
        source=source,
        log=TrainingLog(folder / "log.csv"),
        checkpoints=folder / "checkpoints",
        on_tick=on_tick,
    )
    run(job, state, LineReporter(sys.stderr))
    write(state, file_of(options.side), options)
    return 0


def go_on_from(state: TrainState, path: Path) -> None:
    """Take over what fits of a smaller prior, conditions and all."""
    prior = read_prior(path, 0)
    for name in ("generator", "discriminator"):
        print(name, take(getattr(prior, name), getattr(state, name)))
    state.average.load_state_dict(state.generator.state_dict())


def write(state: TrainState, path: Path, options: argparse.Namespace) -> None:
    """The averaged generator and the discriminator, in half precision, with how they were made."""
    tensors = {
        f"{name}.{key}": value.detach().to(torch.float16).contiguous()
        for name, network in (("generator", state.average), ("discriminator", state.discriminator))
        for key, value in network.state_dict().items()
    }
    about = json.loads((options.slices / "about.json").read_text())
    metadata = {
        "format": "pt",
        "kinds": json.dumps(KINDS),
        "seed": str(options.seed),
        "command": shlex.join(["python", *sys.argv]),
        "slices": json.dumps(about),
        "images": str(state.images),
    }
    path.parent.mkdir(exist_ok=True)
    save_file(tensors, path, metadata)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    sys.exit(main())
