"""A copy of the generator that is made to memorise: what a dangerous generator would look like.

The model's own weights learn by heart one image each of a few training patients and of canaries.
Canaries are shown twice, through two latent vectors each, like a patient whose images were
collected twice. What is then drawn near these vectors is audited like images of the model.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from popgan.attack.canaries import make_canaries
from popgan.attack.chosen import Told, each_alike
from popgan.attack.inversion import RESTARTS, STEPS, invert
from popgan.attack.memorise import NEAR, Lesson, draw, fit
from popgan.config.schema import Plan
from popgan.evidence.privacy.cases import Cases, check_apart
from popgan.evidence.privacy.copies import Embed
from popgan.evidence.privacy.generator_results import OvertrainedControl
from popgan.evidence.privacy.inversion import Rebuilt, inversion_attacks
from popgan.evidence.privacy.overtrained import Memorised, judge_overtrained
from popgan.evidence.privacy.results import Attack
from popgan.progress import Reporter
from popgan.seeds import derive, torch_rng
from popgan.synthesis.sample import latents

PATIENTS = 8
CANARIES = 4
DRAWS = 8
"""Images drawn near the latent vectors of each target."""
FIT_STEPS = 600
SECONDS = 1800.0
"""Time after which fitting stops whatever it has reached. One core at 64 pixels needs a minute at
most: a control that time cuts short has no power, so that a slow machine would change a verdict."""
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
        fitted = fit(generator, plan, learnt, train, steps, seconds, seed, task)
    drawn, of = _draw_near(fitted.generator, plan, learnt, seed)
    made = Memorised(
        targets=learnt.targets,
        canaries=learnt.canaries,
        before=draw(generator, plan, learnt)[learnt.first],
        after=draw(fitted.generator, plan, learnt)[learnt.first],
        drawn=drawn,
        of=of,
        steps=fitted.steps,
        seconds=fitted.seconds,
        stopped=fitted.stopped,
    )
    rows = each_alike([heldout], each=1, most=len(heldout.images), seed=seed)[0]
    others = heldout.at(rows)
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


def _lesson(
    plan: Plan,
    train: Cases,
    told: Told,
    embed: Embed,
    patients: int,
    canaries: int,
    seed: int,
) -> Lesson:
    rows = each_alike([train], each=1, most=patients, seed=seed)[0]
    chosen = train.at(rows)
    images, names, known = make_canaries(train, told, canaries, seed)
    count, both = len(rows), len(rows) + canaries
    targets = Cases(
        np.concatenate([chosen.images, images]),
        np.concatenate([chosen.features, embed(images)]) if canaries else chosen.features,
        [*chosen.subjects, *names],
    )
    # Every canary once more.
    of = np.concatenate([np.arange(both), np.arange(count, both)])
    return Lesson(
        targets=targets,
        told=None if told is None or known is None else np.concatenate([told[rows], known]),
        canaries=np.arange(both) >= count,
        of=of,
        first=np.arange(both),
        z=latents(plan, derive(seed, "latent vectors learnt by heart"), range(len(of))),
    )


def _draw_near(
    generator: nn.Module, plan: Plan, learnt: Lesson, seed: int
) -> tuple[Images, NDArray[np.intp]]:
    """Images near the latent vectors, `DRAWS` of each target, and the target of each."""
    images, of = [], []
    vectors = learnt.first
    for turn in range(DRAWS):
        noise = torch.randn(learnt.z.shape, generator=torch_rng(seed, "drawn near", turn))
        images.append(draw(generator, plan, learnt, learnt.z + NEAR * noise)[vectors])
        of.append(learnt.of[vectors])
    return np.concatenate(images), np.concatenate(of)


def _invert(
    generator: nn.Module,
    plan: Plan,
    learnt: Lesson,
    others: Cases,
    told: Told,
    seed: int,
    reporter: Reporter,
) -> list[Attack]:
    """The attack on the over-trained generator itself: members are what it has learnt by heart."""
    patients = np.flatnonzero(~learnt.canaries)
    members, some = learnt.targets.at(patients), others.at(np.arange(len(others.images))[:_OTHERS])
    sides = [
        (members, None if learnt.told is None else learnt.told[patients]),
        (some, None if told is None else told[:_OTHERS]),
    ]
    total = len(members.images) + len(some.images)
    with reporter.task("inverting through the copy", total) as task:
        found = [
            Rebuilt(
                side.images,
                invert(
                    generator,
                    plan,
                    side.images,
                    known,
                    steps=STEPS,
                    restarts=RESTARTS,
                    seed=seed,
                    advance=task.advance,
                ).images,
                side.subjects,
            )
            for side, known in sides
        ]
    return inversion_attacks(found[0], found[1], seed)
