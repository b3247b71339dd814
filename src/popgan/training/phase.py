"""A step of training as a list of phases.

A recipe says *what* its phases compute; the loop says *when*. A phase names the network it
trains, how often it runs, and the loss. `Step` is what the phases of one step share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from popgan.config.schema import Plan
from popgan.device import sent
from popgan.seeds import derive
from popgan.training.growth import Stage
from popgan.training.spread import RowFunction, Spread
from popgan.training.state import TrainState


@dataclass
class Step:
    """The shared inputs of one step's phases.

    Attributes:
        plan: the plan of the run.
        state: networks and clock.
        stage: level and fade.
        reals: N x C x H x W at the level's size, already faded.
        index: number of the step, from which all its randomness derives.
        condition: N x K, what is told about `reals`, or None; synthetic images of the step are
            drawn for the same conditions.
        shared: tensors that one phase leaves for a later one (detached).
        spread: how calls of networks are divided over processes and micro-batches.
    """

    plan: Plan
    state: TrainState
    stage: Stage
    reals: Tensor
    index: int
    condition: Tensor | None = None
    shared: dict[str, Tensor] = field(default_factory=dict)
    spread: Spread = field(default_factory=Spread)

    def rng(self, purpose: str) -> torch.Generator:
        """A CPU generator for one purpose of this step; drawn alike on every device."""
        return torch.Generator().manual_seed(derive(self.plan.seed, purpose, self.index))

    def latents(self, purpose: str) -> Tensor:
        """A batch of standard normal latent vectors."""
        shape = (self.reals.shape[0], self.plan.latent_dim)
        return sent(torch.randn(shape, generator=self.rng(purpose)), self.reals.device)

    def noise(self, purpose: str, size: int) -> Tensor:
        """N x size standard normal numbers, drawn on the device: these are many."""
        device = self.reals.device
        rng = torch.Generator(device).manual_seed(derive(self.plan.seed, purpose, self.index))
        return torch.randn((self.reals.shape[0], size), generator=rng, device=device)

    def by_rows(self, function: RowFunction, *inputs: Tensor | None) -> Tensor:
        """A call of a network, divided over processes and micro-batches; see `Spread.by_rows`."""
        return self.spread.by_rows(function, *inputs)


@dataclass(frozen=True)
class Phase:
    """One kind of update.

    Attributes:
        name: "Dmain", "Dreg", "Gmain", "Greg".
        network: "G" or "D", whose parameters are updated.
        interval: runs every so many steps.
        loss: computes a scalar to minimise from a step.
    """

    name: str
    network: str
    interval: int
    loss: Callable[[Step], Tensor]


def lazy_intervals(phases: list[Phase]) -> dict[str, int]:
    """Steps between the lazy penalties ("Dreg", "Greg") of each network that has one."""
    return {phase.network: phase.interval for phase in phases if phase.name.endswith("reg")}
