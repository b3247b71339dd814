"""Inversion: the latent vector whose image comes nearest to a given one, by fixed rules.

Adam on the latent vector, always the same number of steps, with a rate that rises and falls. A
search starts at the nearest of a few random vectors; of several searches the best counts. The loss
is the squared error, as a share of the image's own variance, plus the difference in early features
of the backbone, so that edges count (as Zhu et al., ECCV 2016, and Karras et al., CVPR 2020,
search; the steps are ours).

Images do not influence each other: each has a start by (seed, place) and is searched in a batch of
fixed size. Memory is that of one batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from popgan.attack.code import Code
from popgan.config.condition import condition_size
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.evidence.early import EarlyFeatures
from popgan.evidence.privacy.inversion import rms
from popgan.seeds import torch_rng
from popgan.synthesis.sample import batch_size

STEPS = 100
RESTARTS = 1
RATE = 0.1
"""Largest step of Adam in a latent vector's numbers, whose standard deviation is one."""
FEATURES = 0.5
"""Weight of the difference in features beside the share of variance that is left."""
_BATCH = 16  # most searched at once: gradients hold all feature maps
_SMALLEST = 32  # pixels a side below which the backbone sees nothing
_TRIED = 8  # random vectors, of which a search starts at the nearest
_RISE = 0.1  # share of the steps in which the rate rises

Images = NDArray[np.float32]


@dataclass(frozen=True)
class Inverted:
    """The best reconstruction of each of N images.

    Attributes:
        images: N x C x H x W in [-1, 1].
        error: N, root mean squared difference in unit intensities (0..1).
        loss: N, what the search made small.
        z: N x latent_dim, where it ended.
    """

    images: Images
    error: NDArray[np.float64]
    loss: NDArray[np.float64]
    z: NDArray[np.float32]


def invert(
    generator: nn.Module,
    plan: Plan,
    images: Images,
    told: NDArray[np.float32] | None = None,
    *,
    steps: int = STEPS,
    restarts: int = RESTARTS,
    seed: int = 0,
    advance: Callable[[int], None] | None = None,
) -> Inverted:
    """Search for the latent vectors that draw some images best.

    Args:
        generator: from `load_generator`, of a recipe that draws from noise.
        plan: its plan.
        images: N x C x H x W in [-1, 1], C contrasts; masks that the generator draws as well play
            no part.
        told: N x K, what is known of each image, where the plan has conditions.
        steps: of each search.
        restarts: searches of each image, each from a start of its own.
        seed: of the starts.
        advance: called with the number of images done.

    Raises:
        UserError: images of another shape than the generator draws, values that are not finite,
            conditions missing or not known, or fewer than one step or start.
    """
    _check(plan, images, told, steps, restarts)
    size = max(1, min(_BATCH, batch_size(plan) // 2))
    device = next(generator.parameters()).device
    measure = _Nearness(plan, device)
    parts = []
    for start in range(0, len(images), size):
        rows = np.arange(start, min(start + size, len(images)))
        # The last batch is filled up: kernels round differently for other sizes.
        filled = np.concatenate([rows, np.full(size - len(rows), rows[-1])])
        target = torch.from_numpy(np.ascontiguousarray(images[filled])).to(device)
        known = None if told is None else torch.from_numpy(told[filled])
        measure.aim(target)
        found = []
        for again in range(restarts):
            first = _start(generator, plan, measure, known, seed, again, filled)
            found.append(_search(generator, plan, measure, known, steps, first))
        parts.append([part[: len(rows)] for part in _best(found)])
        if advance is not None:
            advance(len(rows))
    drawn, loss, z = (np.concatenate([part[i] for part in parts]) for i in range(3))
    return Inverted(drawn, rms(images, drawn), loss.astype(np.float64), z)


class _Nearness:
    """How far images are from their targets, each by itself."""

    def __init__(self, plan: Plan, device: torch.device) -> None:
        height, width = plan.data.height, plan.data.width
        self._features = None
        if min(height, width) >= _SMALLEST:
            self._features = EarlyFeatures(height, device)

    @torch.no_grad()
    def aim(self, target: Tensor) -> None:
        """Take N x C x H x W images as what is searched for from now on."""
        self._target = target
        self._variance = target.var((1, 2, 3), unbiased=False).clamp(min=1e-4)
        if self._features is not None:
            self._wanted = self._features(target.flatten(0, 1)[:, None])
            self._scale = [w.abs().mean((1, 2, 3)).clamp(min=1e-6) for w in self._wanted]

    def __call__(self, images: Tensor) -> Tensor:
        """N losses: the share of variance that is left, and the weighted error in features."""
        left = (images - self._target).square().mean((1, 2, 3)) / self._variance
        if self._features is None:
            return left
        found = self._features(images.flatten(0, 1)[:, None])
        errors = [
            ((f - w).abs().mean((1, 2, 3)) / s).view(len(images), -1).mean(1)
            for f, w, s in zip(found, self._wanted, self._scale, strict=True)
        ]
        return left + FEATURES * torch.stack(errors).mean(0)


def _search(
    generator: nn.Module,
    plan: Plan,
    measure: _Nearness,
    told: Tensor | None,
    steps: int,
    z: Tensor,
) -> tuple[Images, NDArray[np.float32], NDArray[np.float32]]:
    """One search of a batch: images, losses and latent vectors at its end."""
    code = Code(generator, plan, z, told)
    optimiser = torch.optim.Adam(code.parameters, lr=RATE, betas=(0.9, 0.99))
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = RATE * schedule(step, steps)
        loss = measure(code.draw()).sum()
        gradients = torch.autograd.grad(loss, code.parameters)
        for parameter, gradient in zip(code.parameters, gradients, strict=True):
            parameter.grad = gradient
        optimiser.step()
    with torch.no_grad():
        drawn = code.draw().clamp(-1, 1)
        loss = measure(drawn)
    return (
        drawn.float().contiguous().cpu().numpy(),
        loss.float().cpu().numpy(),
        code.z.detach().float().cpu().numpy(),
    )


def schedule(step: int, steps: int) -> float:
    """Share of the rate at a step: up in a line, then down along a cosine to nothing."""
    rise = max(1.0, _RISE * steps)
    up = min(1.0, (step + 1) / rise)
    down = 0.5 * (1 + math.cos(math.pi * max(0.0, (step - rise) / max(1.0, steps - rise))))
    return min(up, down)


@torch.no_grad()
def _start(
    generator: nn.Module,
    plan: Plan,
    measure: _Nearness,
    told: Tensor | None,
    seed: int,
    again: int,
    places: NDArray[np.intp],
) -> Tensor:
    """Of a few random vectors for each place the one whose image is nearest, N x latent_dim."""
    rngs = [torch_rng(seed, f"inversion {again}", int(place)) for place in places]
    tried = torch.stack([torch.randn(_TRIED, plan.latent_dim, generator=rng) for rng in rngs], 1)
    losses = torch.stack([measure(Code(generator, plan, z, told).draw()) for z in tried])
    return tried[losses.argmin(0).cpu(), torch.arange(len(places))]


def _best(
    found: list[tuple[Images, NDArray[np.float32], NDArray[np.float32]]],
) -> tuple[Images, NDArray[np.float32], NDArray[np.float32]]:
    """Of each image the restart with the smallest loss."""
    losses = np.stack([loss for _, loss, _ in found])
    # A search that broke must not win.
    losses = np.where(np.isfinite(losses), losses, np.inf)
    best, rows = losses.argmin(0), np.arange(losses.shape[1])
    drawn = np.stack([images for images, _, _ in found])[best, rows]
    z = np.stack([vectors for _, _, vectors in found])[best, rows]
    return drawn, losses[best, rows], z


def _check(
    plan: Plan, images: Images, told: NDArray[np.float32] | None, steps: int, restarts: int
) -> None:
    if plan.translates:
        raise UserError(f"recipe {plan.recipe!r} translates and has no latent vectors to search")
    shape = (len(plan.data.contrasts), plan.data.height, plan.data.width)
    if images.ndim != 4 or images.shape[1:] != shape or not len(images):
        raise UserError(f"images of shape {images.shape} where N x {shape} is needed")
    if not np.isfinite(images).all():
        raise UserError("images to invert hold values that are not finite")
    known = (len(images), condition_size(plan.data.conditions))
    if (told is None) != (not plan.data.conditions) or (told is not None and told.shape != known):
        raise UserError("what is told of the images does not fit the model's conditions")
    if steps < 1 or restarts < 1:
        raise UserError("an inversion takes at least one step and one start")
