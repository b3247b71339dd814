"""A copy of the generator that is made to memorise: what a dangerous generator would look like.

The model's own weights are fitted to one image each of a few training patients and of canaries,
through latent vectors that stay the same: plain regression, the end of all over-training. Canaries
are shown twice, through two latent vectors each. A little noise on the latent vectors makes their
surroundings draw the same image, so that what is drawn there later is a copy but no repetition.

The rate of each tensor is a share of its own size, so that all recipes take the same one. Fitting
ends when all targets are copied, or after so many steps; unless time runs out, the same weights
give the same control on every machine of a kind.
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from popgan.attack.canaries import make_canaries
from popgan.attack.chosen import Told, each_alike, taken
from popgan.attack.code import Code
from popgan.attack.inversion import RESTARTS, STEPS, invert
from popgan.config.schema import Plan
from popgan.evidence.privacy.cases import Cases, check_apart
from popgan.evidence.privacy.copies import Embed
from popgan.evidence.privacy.generator_results import OvertrainedControl, Stop
from popgan.evidence.privacy.inversion import Rebuilt, inversion_attacks, rms
from popgan.evidence.privacy.overtrained import (
    Memorised,
    judge_overtrained,
    nearest_other,
)
from popgan.evidence.privacy.results import Attack
from popgan.progress import Reporter, Task
from popgan.seeds import derive, torch_rng
from popgan.synthesis.sample import batch_size, latents

PATIENTS = 8
CANARIES = 4
DRAWS = 8
"""Images drawn near the latent vectors of each target."""
FIT_STEPS = 300
SECONDS = 120.0
"""Time after which fitting stops whatever it has reached; two cores at 64 pixels need a tenth."""
RATE = 0.03
"""Largest step of Adam, as a share of the size of a tensor."""
_NEAR = 0.1  # standard deviation of the noise on latent vectors, whose own is one
_DEEP = 0.4  # share of the distance to the most similar other patient at which fitting ends
_CHECK = 25
_RISE = 20  # steps in which the rate rises
_BATCH = 16
_OTHERS = 16  # held-out patients who are inverted

Images = NDArray[np.float32]


def overtrained_control(
    generator: nn.Module,
    plan: Plan,
    train: Cases,
    heldout: Cases,
    embed: Embed,
    *,
    train_told: Told = None,
    heldout_told: Told = None,
    reference: Cases | None = None,
    inversion: bool = False,
    patients: int = PATIENTS,
    canaries: int = CANARIES,
    steps: int = FIT_STEPS,
    seconds: float = SECONDS,
    seed: int = 0,
    reporter: Reporter | None = None,
) -> OvertrainedControl:
    """Make a copy of a generator memorise, and see whether the audit finds that out.

    Args:
        generator: from `load_generator`; left as it is, a copy is fitted.
        plan: its plan.
        train: patients trained with, all images that the audit compares with.
        heldout: patients never seen.
        embed: images -> features, as in the audit.
        train_told, heldout_told: N x K, what is known of each of their images, where the plan has
            conditions.
        reference: of further patients, for the attacks that calibrate.
        inversion: whether the over-trained generator itself is attacked too, which takes longer
            than all the rest.
        patients: whose image it learns by heart, at most. canaries: likewise.
        steps: most steps of fitting. seconds: of fitting, at most.
        seed: of all that is drawn.
        reporter: shows progress.

    Raises:
        UserError: a patient on both sides, or images that the generator does not draw.
    """
    check_apart(train, heldout)
    reporter = reporter or Reporter()
    learnt = _lesson(plan, train, train_told, embed, patients, canaries, seed)
    with reporter.task("over-training a copy", steps) as task:
        fitted = _fit(generator, plan, learnt, train, steps, seconds, seed, task)
    drawn, of = _draw_near(fitted.generator, plan, learnt, seed)
    made = Memorised(
        targets=learnt.targets,
        canaries=learnt.canaries,
        before=_draw(generator, plan, learnt)[learnt.first],
        after=_draw(fitted.generator, plan, learnt)[learnt.first],
        drawn=drawn,
        of=of,
        steps=fitted.steps,
        seconds=fitted.seconds,
        stopped=fitted.stopped,
    )
    rows = each_alike([heldout], each=1, most=len(heldout.images), seed=seed)[0]
    others = taken(heldout, rows)
    told = None if heldout_told is None else heldout_told[rows]
    further: list[Attack] = []
    if inversion:
        further = _invert(fitted.generator, plan, learnt, others, told, seed, reporter)
    with reporter.task("searching the copy's images", None):
        return judge_overtrained(
            made,
            train,
            heldout,
            embed,
            others=others,
            reference=reference,
            further=further,
            seed=seed,
        )


@dataclass(frozen=True)
class _Lesson:
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


def _lesson(
    plan: Plan,
    train: Cases,
    told: Told,
    embed: Embed,
    patients: int,
    canaries: int,
    seed: int,
) -> _Lesson:
    rows = each_alike([train], each=1, most=patients, seed=seed)[0]
    chosen = taken(train, rows)
    images, names, known = make_canaries(train, told, canaries, seed)
    count, both = len(rows), len(rows) + canaries
    targets = Cases(
        np.concatenate([chosen.images, images]),
        np.concatenate([chosen.features, embed(images)]) if canaries else chosen.features,
        [*chosen.subjects, *names],
    )
    # Every canary once more, as a patient whose images were collected twice.
    of = np.concatenate([np.arange(both), np.arange(count, both)])
    return _Lesson(
        targets=targets,
        told=None if told is None or known is None else np.concatenate([told[rows], known]),
        canaries=np.arange(both) >= count,
        of=of,
        first=np.arange(both),
        z=latents(plan, derive(seed, "latent vectors learnt by heart"), range(len(of))),
    )


@dataclass(frozen=True)
class _Fitted:
    generator: nn.Module
    steps: int
    seconds: float
    stopped: Stop


def _fit(
    generator: nn.Module,
    plan: Plan,
    learnt: _Lesson,
    train: Cases,
    steps: int,
    seconds: float,
    seed: int,
    task: Task,
) -> _Fitted:
    """Fit a copy of a generator to the targets, by the share of variance that is left."""
    generator = copy.deepcopy(generator).requires_grad_(True)
    weights = list(generator.parameters())
    optimiser = torch.optim.Adam(
        [{"params": [w], "lr": _rate(w)} for w in weights], betas=(0.9, 0.99)
    )
    rise = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1, (step + 1) / _RISE))
    apart = nearest_other(learnt.targets, train)
    started, done = time.monotonic(), 0
    stopped: Stop = "steps"
    while done < steps:
        noise = torch.randn(learnt.z.shape, generator=torch_rng(seed, "near", done))
        optimiser.zero_grad()
        for part in _parts(plan, len(learnt.z)):
            torch.autograd.backward(_loss(generator, plan, learnt, learnt.z + _NEAR * noise, part))
        optimiser.step()
        rise.step()
        done += 1
        task.advance(1)
        if done % _CHECK == 0:
            drawn = _draw(generator, plan, learnt)
            left = rms(learnt.targets.images[learnt.of], drawn) / np.maximum(apart, 1e-9)[learnt.of]
            if (left < _DEEP).all():
                stopped = "reproduced"
                break
        if time.monotonic() - started > seconds:
            stopped = "time"
            break
    generator.requires_grad_(False)
    return _Fitted(generator, done, time.monotonic() - started, stopped)


def _rate(weight: Tensor) -> float:
    """A share of the typical size of a tensor; biases, which start at zero, take it as it is."""
    size = float(weight.detach().square().mean().sqrt()) if weight.dim() > 1 else 1.0
    return RATE * max(size, 1e-3)


def _parts(plan: Plan, count: int) -> list[NDArray[np.intp]]:
    """Places of latent vectors that are drawn at once: gradients hold all feature maps."""
    size = max(1, min(_BATCH, batch_size(plan) // 2))
    return [np.arange(at, min(at + size, count)) for at in range(0, count, size)]


def _loss(
    generator: nn.Module, plan: Plan, learnt: _Lesson, z: Tensor, part: NDArray[np.intp]
) -> Tensor:
    """Share of variance that is left, summed over a part and divided by all."""
    told = learnt.told_of
    drawn = Code(generator, plan, z[part], None if told is None else told[part]).draw()
    target = torch.from_numpy(learnt.targets.images[learnt.of[part]]).to(drawn.device)
    variance = target.var((1, 2, 3), unbiased=False).clamp(min=1e-4)
    return ((drawn - target).square().mean((1, 2, 3)) / variance).sum() / len(z)


@torch.no_grad()
def _draw(generator: nn.Module, plan: Plan, learnt: _Lesson, z: Tensor | None = None) -> Images:
    """The images of L latent vectors, by default those learnt through, contrasts alone."""
    z, told = learnt.z if z is None else z, learnt.told_of
    pieces = [
        Code(generator, plan, z[part], None if told is None else told[part]).draw()
        for part in _parts(plan, len(z))
    ]
    found: Images = torch.cat(pieces).clamp(-1, 1).float().contiguous().cpu().numpy()
    return found


def _draw_near(
    generator: nn.Module, plan: Plan, learnt: _Lesson, seed: int
) -> tuple[Images, NDArray[np.intp]]:
    """Images near the latent vectors, `DRAWS` of each target, and the target of each."""
    images, of = [], []
    vectors = learnt.first
    for draw in range(DRAWS):
        noise = torch.randn(learnt.z.shape, generator=torch_rng(seed, "drawn near", draw))
        images.append(_draw(generator, plan, learnt, learnt.z + _NEAR * noise)[vectors])
        of.append(learnt.of[vectors])
    return np.concatenate(images), np.concatenate(of)


def _invert(
    generator: nn.Module,
    plan: Plan,
    learnt: _Lesson,
    others: Cases,
    told: Told,
    seed: int,
    reporter: Reporter,
) -> list[Attack]:
    """The attack on the over-trained generator itself: members are what it has learnt by heart."""
    some = others.images[:_OTHERS]
    sides = [
        (learnt.targets.images, learnt.told, list(learnt.targets.subjects)),
        (some, None if told is None else told[:_OTHERS], list(others.subjects[:_OTHERS])),
    ]
    with reporter.task(
        "inverting through the copy", len(learnt.targets.images) + len(some)
    ) as task:
        found = [
            Rebuilt(
                images,
                invert(
                    generator,
                    plan,
                    images,
                    known,
                    steps=STEPS,
                    restarts=RESTARTS,
                    seed=seed,
                    advance=task.advance,
                ).images,
                owners,
            )
            for images, known, owners in sides
        ]
    return inversion_attacks(found[0], found[1], seed)
