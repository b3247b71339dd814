"""The attack on a generator that is given away: whom can it draw suspiciously well?

Images of members, of others and of the generator itself are searched for in its latent space, and
`evidence/privacy/inversion.py` judges what is left of each patient.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import nn

from popgan.attack.chosen import Told, each_alike
from popgan.attack.inversion import RESTARTS, STEPS, invert
from popgan.config.schema import Plan
from popgan.evidence.privacy.cases import Cases, check_apart
from popgan.evidence.privacy.generator_results import InversionAttack
from popgan.evidence.privacy.inversion import Rebuilt, inversion_result
from popgan.progress import Reporter
from popgan.seeds import derive
from popgan.synthesis.masks import split_masks
from popgan.synthesis.sample import sample
from popgan.synthesis.told import Told as Tell

EACH = 2
"""Images of each patient."""
MOST = 64
"""Patients of each side."""
OWN = 16
"""Images of the generator itself."""


def inversion_attack(
    generator: nn.Module,
    plan: Plan,
    train: Cases,
    heldout: Cases,
    *,
    train_told: Told = None,
    heldout_told: Told = None,
    each: int = EACH,
    most: int = MOST,
    own: int = OWN,
    steps: int = STEPS,
    restarts: int = RESTARTS,
    seed: int = 0,
    reporter: Reporter | None = None,
) -> InversionAttack:
    """Invert images of both sides through a generator and tell members from others by the error.

    Args:
        generator: from `load_generator`; left as it is.
        plan: its plan.
        train: patients trained with. heldout: patients never seen.
        train_told, heldout_told: N x K, what is known of each of their images, where the plan has
            conditions (`planning.condition.vectors`).
        each: images of a patient. most: patients of a side. own: images of the generator.
        steps, restarts: of each search.
        seed: of all that is drawn.
        reporter: shows progress.

    Raises:
        UserError: a patient on both sides, or see `invert`.
    """
    check_apart(train, heldout)
    rows = each_alike([train, heldout], each=each, most=most, seed=seed)
    images, told = own_images(generator, plan, own, derive(seed, "own images"), train_told)
    total = sum(map(len, rows)) + own
    with (reporter or Reporter()).task("inverting images", total) as task:

        def rebuilt(picked: NDArray[np.float32], known: Told, owners: Sequence[str]) -> Rebuilt:
            found = invert(
                generator,
                plan,
                picked,
                known,
                steps=steps,
                restarts=restarts,
                seed=seed,
                advance=task.advance,
            )
            return Rebuilt(picked, found.images, owners)

        sides = []
        for side, known, at in zip((train, heldout), (train_told, heldout_told), rows, strict=True):
            some = side.at(at)
            sides.append(rebuilt(some.images, None if known is None else known[at], some.subjects))
        itself = rebuilt(images, told, [f"{i:06d}" for i in range(own)])
    mean = _mean(train.images)
    return inversion_result(
        sides[0], sides[1], itself, mean, steps=steps, restarts=restarts, seed=seed
    )


def own_images(
    generator: nn.Module, plan: Plan, count: int, seed: int, told: Told
) -> tuple[NDArray[np.float32], Told]:
    """Images that a generator draws, contrasts alone, and what it was told of each."""
    tell = None if told is None else Tell(told, [])
    batches = sample(generator, plan, seed=seed, count=count, told=tell)
    images = np.concatenate([split_masks(batch, plan)[0] for batch in batches])
    return images, None if tell is None else tell.vectors_at(seed, range(count))


def _mean(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean image; in pieces, for the set may be a memory map."""
    total = np.zeros(images.shape[1:], np.float64)
    for start in range(0, len(images), 256):
        total += images[start : start + 256].sum(0, dtype=np.float64)
    return np.asarray(total / len(images), np.float32)
