"""Learning by heart: a copy of a generator is fitted to a few images through fixed latent vectors.

Plain regression, the end of all over-training. A little noise on the latent vectors makes their
surroundings draw the same image. The rate of each tensor is a share of its own size, so that all
recipes take the same one. Fitting ends when all targets are copied, or after so many steps; unless
time runs out, the same weights give the same copy on every machine of a kind.
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from popgan.attack.chosen import Told
from popgan.attack.code import Code
from popgan.config.schema import Plan
from popgan.evidence.privacy.cases import Cases
from popgan.evidence.privacy.generator_results import Stop
from popgan.evidence.privacy.inversion import rms
from popgan.evidence.privacy.overtrained import distances_apart
from popgan.progress import Task
from popgan.seeds import torch_rng
from popgan.synthesis.sample import batch_size

RATE = 0.03
"""Largest step of Adam, as a share of the size of a tensor."""
NEAR = 0.1
"""Standard deviation of the noise on latent vectors, whose own is one."""
_DEEP = 0.4  # share of the distance to the most similar other patient at which fitting ends
_CHECK = 25
_RISE = 20  # steps in which the rate rises
_BATCH = 16

Images = NDArray[np.float32]


@dataclass(frozen=True)
class Lesson:
    """What is learnt by heart: T targets through L >= T latent vectors.

    Attributes:
        targets: one image of each patient, then of each canary.
        told: T x K or None. canaries: T, which of them are canaries.
        of: L, target of each latent vector. first: T, first latent vector of each target.
        z: L x latent_dim.
    """

    targets: Cases
    told: Told
    canaries: NDArray[np.bool_]
    of: NDArray[np.intp]
    first: NDArray[np.intp]
    z: Tensor

    @property
    def told_of(self) -> Tensor | None:
        """L x K, what is told with each latent vector."""
        return None if self.told is None else torch.from_numpy(self.told[self.of])


@dataclass(frozen=True)
class Fitted:
    """The copy, and how fitting it went."""

    generator: nn.Module
    steps: int
    seconds: float
    stopped: Stop


def fit(
    generator: nn.Module,
    plan: Plan,
    learnt: Lesson,
    train: Cases,
    steps: int,
    seconds: float,
    seed: int,
    task: Task,
) -> Fitted:
    """Fit a copy of a generator to the targets, by the share of variance that is left."""
    generator = copy.deepcopy(generator).requires_grad_(True)
    weights = list(generator.parameters())
    optimiser = torch.optim.Adam(
        [{"params": [w], "lr": _rate(w)} for w in weights], betas=(0.9, 0.99)
    )
    rise = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1, (step + 1) / _RISE))
    apart = distances_apart(learnt.targets, learnt.canaries, train)
    started, done = time.monotonic(), 0
    stopped: Stop = "steps"
    while done < steps:
        noise = torch.randn(learnt.z.shape, generator=torch_rng(seed, "near", done))
        optimiser.zero_grad()
        for part in _parts(plan, len(learnt.z)):
            torch.autograd.backward(_loss(generator, plan, learnt, learnt.z + NEAR * noise, part))
        optimiser.step()
        rise.step()
        done += 1
        task.advance(1)
        if done % _CHECK == 0:
            drawn = draw(generator, plan, learnt)
            left = rms(learnt.targets.images[learnt.of], drawn) / np.maximum(apart, 1e-9)[learnt.of]
            if (left < _DEEP).all():
                stopped = "reproduced"
                break
        if time.monotonic() - started > seconds:
            stopped = "time"
            break
    generator.requires_grad_(False)
    return Fitted(generator, done, time.monotonic() - started, stopped)


def _rate(weight: Tensor) -> float:
    """A share of the typical size of a tensor; biases, which start at zero, take it as it is."""
    size = float(weight.detach().square().mean().sqrt()) if weight.dim() > 1 else 1.0
    return RATE * max(size, 1e-3)


def _parts(plan: Plan, count: int) -> list[NDArray[np.intp]]:
    """Places of latent vectors that are drawn at once: gradients hold all feature maps."""
    size = max(1, min(_BATCH, batch_size(plan) // 2))
    return [np.arange(at, min(at + size, count)) for at in range(0, count, size)]


def _loss(
    generator: nn.Module, plan: Plan, learnt: Lesson, z: Tensor, part: NDArray[np.intp]
) -> Tensor:
    """Share of variance that is left, summed over a part and divided by all."""
    told = learnt.told_of
    drawn = Code(generator, plan, z[part], None if told is None else told[part]).draw()
    target = torch.from_numpy(learnt.targets.images[learnt.of[part]]).to(drawn.device)
    variance = target.var((1, 2, 3), unbiased=False).clamp(min=1e-4)
    return ((drawn - target).square().mean((1, 2, 3)) / variance).sum() / len(z)


@torch.no_grad()
def draw(generator: nn.Module, plan: Plan, learnt: Lesson, z: Tensor | None = None) -> Images:
    """The images of L latent vectors, by default those learnt through, contrasts alone."""
    z, told = learnt.z if z is None else z, learnt.told_of
    pieces = [
        Code(generator, plan, z[part], None if told is None else told[part]).draw()
        for part in _parts(plan, len(z))
    ]
    found: Images = torch.cat(pieces).clamp(-1, 1).float().contiguous().cpu().numpy()
    return found
