"""A toy data source and a tiny training job for tests of the engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from popgan.config.schema import Plan
from popgan.recipes.mustgan import decide, undecided
from popgan.recipes.table import find_recipe
from popgan.training.job import Job
from popgan.training.log import TrainingLog
from popgan.training.state import TrainState


class Discs:
    """24 bright discs of random size and place on background, 16 x 16.

    Args:
        told: whether their size (a class) and place (a number) are told, as `plans.CONDITIONS`
            has it.
        contrasts: channels; the second is the first, inverted and darker.
        masks: further channels: the disc, then labels that no image shows.
    """

    def __init__(
        self,
        side: int = 16,
        count: int = 24,
        *,
        told: bool = False,
        contrasts: int = 1,
        masks: int = 0,
    ) -> None:
        rng = np.random.default_rng(0)
        y, x = np.mgrid[:side, :side]
        centres, radii = rng.uniform(6, 10, (count, 2)), rng.uniform(3, 6, count)
        images = [np.hypot(y - c[0], x - c[1]) < r for c, r in zip(centres, radii, strict=True)]
        big = radii > 4.5
        places = (centres[:, 0] - 8) / 2
        self.told = np.stack([big, ~big, places, np.ones(count)], 1) if told else None
        inside = torch.from_numpy(np.stack(images).astype(np.float32)[:, None])
        channels = [inside * 1.6 - 0.9, 0.2 - inside][:contrasts]
        if masks:
            channels += [2 * inside - 1, torch.full_like(inside, -1).repeat(1, masks - 1, 1, 1)]
        self.images = torch.cat(channels, 1)

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: np.ndarray) -> torch.Tensor:
        return self.images[torch.from_numpy(indices)]

    def condition(self, indices: np.ndarray) -> torch.Tensor | None:
        if self.told is None:
            return None
        return torch.from_numpy(self.told[indices].astype(np.float32))


class DiscPairs(Discs):
    """Pairs of discs: two sources tell their own half of the target each.

    T1w shows the upper half of a disc brighter than the lower one, T2w the left half brighter than
    the right one; the target is the product of both.
    """

    def __init__(self) -> None:
        super().__init__(contrasts=1)
        inside = (self.images > 0).float()
        up = torch.ones(16, 16)
        up[8:] = 0.5
        upper, left = inside * up, inside * up.T
        self.images = 2 * torch.cat([upper, left, upper * left], 1) - 1

    def condition(self, indices: np.ndarray) -> torch.Tensor | None:
        return None


class KilledError(Exception):
    """Stands for the end of a process."""


class Dying:
    """A source that ends the process at its n-th batch.

    Args:
        source: whose images it gives.
        steps: that it lives.
    """

    def __init__(self, source: Discs, steps: int) -> None:
        self.source, self.steps = source, steps

    def __len__(self) -> int:
        return len(self.source)

    def batch(self, indices: np.ndarray) -> torch.Tensor:
        self.steps -= 1
        if self.steps < 0:
            raise KilledError
        return self.source.batch(indices)

    def condition(self, indices: np.ndarray) -> torch.Tensor | None:
        return self.source.condition(indices)


def dying(job: Job, steps: int) -> Job:
    """A job whose process ends after so many steps."""
    return Job(**{**vars(job), "source": Dying(job.source, steps)})  # type: ignore[arg-type]


def discs_for(plan: Plan) -> Discs:
    """Discs with the channels and conditions of a plan."""
    if plan.translates:
        return DiscPairs()
    data = plan.data
    told = plan.condition_size > 0
    return Discs(told=told, contrasts=len(data.contrasts), masks=len(data.masks))


def tiny_job(plan: Plan, folder: Path) -> tuple[Job, TrainState]:
    """A job on the discs, logging and saving under `folder`.

    The place of fusion of a mustgan is settled without a tuning split: the second one is taken.
    """
    recipe = find_recipe(plan.recipe)
    folder.mkdir(parents=True, exist_ok=True)
    job = Job(
        plan=plan,
        plan_hash="plan",
        phases=recipe.phases(plan),
        source=discs_for(plan),
        log=TrainingLog(folder / "log.csv"),
        checkpoints=folder / "checkpoints",
        on_tick=lambda state, stage: None,
        settle=_settled(plan),
    )
    return job, recipe.start(plan, torch.device("cpu"))


def _settled(plan: Plan) -> Callable[[TrainState], None] | None:
    if plan.recipe != "mustgan":
        return None
    return lambda state: decide(state, 1) if undecided(state, plan) else None


def same(one: TrainState, other: TrainState) -> bool:
    """Whether two states are equal to the last bit."""
    a, b = one.tensors(), other.tensors()
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


HEAD = ("discriminator.logit.bias", "discriminator.dense.bias")


def apart(one: TrainState, other: TrainState, start: TrainState) -> dict[str, float]:
    """How far two states are apart, as a share of how far training moved them from the start.

    Norms over whole networks, and over each tensor of Adam's squared gradients. Biases of the
    discriminator's head are left out: relativistic losses hardly depend on them, and Adam makes
    whole steps of the rounding errors in a gradient that is zero.
    """
    a, b, c = one.tensors(), other.tensors(), start.tensors()
    assert a.keys() == b.keys()
    found = {}
    for network in ("generator.", "discriminator.", "average."):
        names = [name for name in a if name.startswith(network) and not name.endswith(HEAD)]
        wrong = torch.cat([(a[n] - b[n]).flatten() for n in names]).norm()
        moved = torch.cat([(a[n] - c[n]).flatten() for n in names]).norm()
        found[network] = float(wrong / moved)
    for name in a:
        if ".exp_avg_sq." in name:
            found[name] = float((a[name] - b[name]).norm() / a[name].norm().clamp(min=1e-12))
    return found
