"""How fast a plan trains on this machine: some seconds of training, whose result is thrown away."""

from __future__ import annotations

from collections.abc import Callable

import torch

from popgan.config.schema import Plan
from popgan.device import best_device
from popgan.planning.budget import seconds_needed
from popgan.progress import Reporter
from popgan.recipes.table import find_recipe
from popgan.training.log import memory_gib
from popgan.training.neighbours import QUIET
from popgan.training.probe import TRIES, Measured, measure_patiently
from popgan.training.sampler import ImageSource

WORTHWHILE = 1.2
"""Gain in speed from which a thread fewer is advised."""


class SpeedProbe:
    """Trains a plan for some seconds and throws the result away.

    Attributes:
        speeds: images/s at each level; empty before it was called.
        memory_gib: memory in use at the end, at the top level.
        micro_batch: images that networks could see at once, at each level from the lowest; 0 = the
            whole batch; empty where that was not measured.
        share: of the processor's time that popgan got; see `popgan.training.probe.Measured`.
    """

    def __init__(self) -> None:
        self.speeds: list[float] = []
        self.share = 1.0
        self.memory_gib = 0.0
        self.micro_batch: list[int] = []
        self._images: Callable[[Plan], ImageSource] | None = None
        self._reporter = Reporter()

    def prepare(self, images: Callable[[Plan], ImageSource], reporter: Reporter) -> None:
        """Say what to train on, and who is told."""
        self._images, self._reporter = images, reporter

    def __call__(self, plan: Plan) -> list[float]:
        """Images/s at each level of a plan."""
        # Large images on a slow machine take minutes; nobody shall think that nothing happens.
        with self._reporter.task("measuring speed", None) as task:
            found = self._measured(plan, TRIES, task.advance)
            self.speeds, self.share = found.speeds, found.share
            self.memory_gib, self.micro_batch = memory_gib(), found.at_once
            leave = "" if self.busy is None else self._with_a_thread_fewer(plan, task.advance)
        if self.busy is not None:
            self._reporter.warning(
                f"the machine is busy: while speed was measured popgan got {self.busy:.0%} of the "
                "processor's time, so the plan may train far less than the budget allows; when "
                f"other programs are done, plan again with --restart{leave}"
            )
        return self.speeds

    def _measured(self, plan: Plan, tries: int, advance: Callable[[], None]) -> Measured:
        assert self._images is not None
        recipe = find_recipe(plan.recipe)
        with torch.random.fork_rng(devices=[]):
            state = recipe.start(plan, best_device())
            images = self._images(plan)
            return measure_patiently(
                plan, recipe.phases(plan), state, images, tries=tries, advance=advance
            )

    def _with_a_thread_fewer(self, plan: Plan, advance: Callable[[], None]) -> str:
        """Advice to leave other programs a core, where that trains faster.

        Threads share every operation and wait for the last of them, which gets no core as long as
        another program has it: on two cores beside one program one thread trains nine times as
        fast as two (benchmarks/busy.py).
        """
        count = plan.train.threads - 1
        if count < 1 or best_device().type != "cpu":
            return ""
        train = plan.train.model_copy(update={"threads": count})
        found = self._measured(plan.model_copy(update={"train": train}), 1, advance)
        gain = seconds_needed(plan.train, self.speeds) / seconds_needed(train, found.speeds)
        if gain < WORTHWHILE:
            return ""
        # Of a busy moment: a large number would promise more than that it is worth while.
        times = f"{gain:.1f} times" if gain < 3 else "several times"
        return f"; if they stay, --set train.threads={count} trains {times} as fast"

    @property
    def busy(self) -> float | None:
        """The share of the processor's time that popgan got, where that was too little to trust
        the speed; None where it was enough."""
        return self.share if self.share < QUIET else None
