"""Train the tissue segmenter that popgan ships, on images simulated anew at every step.

    python tools/tissue_slices.py                 # the anatomy, once
    python tools/tissue_train.py                  # then the network

Writes half precision with the batch norms folded in, and prints the SHA-256 that belongs into
`popgan.evidence.tissue.weights`. One thread is enough: 3,000 steps of 12 images take about
twenty minutes on a busy core.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from popgan.device import has_fast_bf16, kept_memory
from popgan.evidence.tissue.network import CLASSES, TissueNetwork, normalised
from popgan.files import sha256_file
from popgan.seeds import derive, numpy_rng
from tissue_render import render

RATE = 3e-3
WEIGHTS = (0.5, 1.0, 1.0, 1.0, 1.5)
"""Of the classes in cross-entropy: background is easy and most of the picture."""
AVERAGED = 0.99
"""Share that the averaged weights keep at a step."""


def loss_of(scores: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy plus one minus the mean Dice of probabilities."""
    entropy = F.cross_entropy(scores, truth, torch.tensor(WEIGHTS), label_smoothing=0.02)
    shares = scores.softmax(1)
    wanted = F.one_hot(truth, len(CLASSES)).movedim(-1, 1).float()
    both = (shares * wanted).sum((0, 2, 3))
    dice = (2 * both + 1) / (shares.sum((0, 2, 3)) + wanted.sum((0, 2, 3)) + 1)
    return entropy + 1 - dice.mean()


def train(network: nn.Module, slices: NDArray[np.uint8], options: argparse.Namespace) -> nn.Module:
    """Train and return the network with averaged weights."""
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, RATE, total_steps=options.steps, pct_start=0.08
    )
    averaged = torch.optim.swa_utils.AveragedModel(
        network,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGED),
        use_buffers=True,
    )
    start, recent = time.monotonic(), []
    for step in range(options.steps):
        chosen = numpy_rng(options.seed, "slices", step).choice(len(slices), options.batch, False)
        images, truth = render(slices[np.sort(chosen)], derive(options.seed, "images", step))
        images = normalised(images).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=has_fast_bf16()):
            scores = network(images)
        loss = loss_of(scores.float(), truth)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        averaged.update_parameters(network)
        recent.append(float(loss.detach()))
        if (step + 1) % 100 == 0:
            seconds = time.monotonic() - start
            print(f"{step + 1} {np.mean(recent[-100:]):.4f} {seconds:.0f} s", flush=True)
    return averaged.module


def folded(network: nn.Module) -> dict[str, Tensor]:
    """The network's weights with every batch norm folded into the convolution before it."""
    found = {}
    for name, part in network.named_modules():
        if isinstance(part, nn.Sequential):
            for place in range(0, len(part), 3):
                conv = torch.nn.utils.fuse_conv_bn_eval(part[place].eval(), part[place + 1].eval())
                found[f"{name}.{place}.weight"], found[f"{name}.{place}.bias"] = (
                    conv.weight,
                    conv.bias,
                )
    found |= {f"last.{name}": value for name, value in network.last.named_parameters()}
    return {name: value.detach().half().contiguous() for name, value in found.items()}


def main() -> int:
    """Train, fold, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--slices", type=Path, default=Path("runs/tissue/slices"))
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("src/popgan/evidence/tissue/tissue.safetensors")
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    files = sorted(options.slices.glob("*.npy"))
    slices = np.concatenate([np.load(file, allow_pickle=False) for file in files])
    network = TissueNetwork(learning=True).to(memory_format=torch.channels_last)
    with kept_memory():
        network = train(network, slices, options)
    metadata = {
        "format": "pt",
        "classes": json.dumps(CLASSES),
        "seed": str(options.seed),
        "command": shlex.join(["python", "tools/tissue_train.py", *sys.argv[1:]]),
        "slices": str(len(slices)),
        "images": str(options.steps * options.batch),
    }
    save_file(folded(network), options.output, metadata)
    print(f"{options.output}: {options.output.stat().st_size / 1e6:.2f} MB")
    print(sha256_file(options.output))
    return 0


if __name__ == "__main__":
    sys.exit(main())
