"""How fast a plan trains on this machine: some seconds of training, whose result is thrown away."""

from __future__ import annotations

from collections.abc import Callable

import torch

from popgan.config.schema import Plan
from popgan.device import best_device
from popgan.progress import Reporter
from popgan.recipes.table import find_recipe
from popgan.training.log import memory_gib
from popgan.training.probe import QUIET, measure_patiently
from popgan.training.sampler import ImageSource


class SpeedProbe:
    """Trains a plan for some seconds and throws the result away.

    Attributes:
        speeds: images/s at each level; empty before it was called.
        memory_gib: memory in use at the end, at the top level.
        micro_batch: images that networks could see at once; 0 = the whole batch.
        share: of the processor's time that popgan got; see `popgan.training.probe.Measured`.
    """

    def __init__(self) -> None:
        self.speeds: list[float] = []
        self.share = 1.0
        self.memory_gib, self.micro_batch = 0.0, 0
        self._images: Callable[[Plan], ImageSource] | None = None
        self._reporter = Reporter()

    def prepare(self, images: Callable[[Plan], ImageSource], reporter: Reporter) -> None:
        """Say what to train on, and who is told."""
        self._images, self._reporter = images, reporter

    def __call__(self, plan: Plan) -> list[float]:
        """Images/s at each level of a plan."""
        assert self._images is not None
        recipe = find_recipe(plan.recipe)
        with self._reporter.task("measuring speed", None), torch.random.fork_rng(devices=[]):
            state = recipe.start(plan, best_device())
            found = measure_patiently(plan, recipe.phases(plan), state, self._images(plan))
            self.speeds, self.share = found.speeds, found.share
            self.memory_gib, self.micro_batch = memory_gib(), state.guard.micro_batch
        if self.busy is not None:
            self._reporter.warning(
                f"the machine is busy: while speed was measured popgan got {self.busy:.0%} of the "
                "processor's time, so the plan may train far less than the budget allows; when "
                "other programs are done, plan again with --restart"
            )
        return self.speeds

    @property
    def busy(self) -> float | None:
        """The share of the processor's time that popgan got, where that was too little to trust
        the speed; None where it was enough."""
        return self.share if self.share < QUIET else None
