"""What the recipes that translate contrasts share: pairs, dropout, missing sources, losses.

A training image is a pair: the planes of each source (a slice between its neighbours), source after
source, and the target as the last channel. Source and target are moved together, and only so:
unlike in recipes that draw from noise, augmentation here makes other pairs, not other images.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from popgan.augmentation import adaptive
from popgan.augmentation.pipeline import augment
from popgan.config.network import TranslatorShape
from popgan.config.schema import Plan
from popgan.evidence.early import EarlyFeatures
from popgan.networks.layers import dropout_factors
from popgan.networks.mustgan import MustGAN, without_missing
from popgan.objectives.adversarial import accuracy, discriminator_loss
from popgan.objectives.reconstruction import feature_error, pixel_error
from popgan.training.phase import Step


@dataclass(frozen=True)
class Pair:
    """The pairs of a step.

    Attributes:
        sources: N x (K * planes) x H x W in [-1, 1], all sources there.
        target: N x 1 x H x W in [-1, 1].
        keep: N x D factors of dropout, or None.
        present: N x K, 1 where a source is shown; None where all are.
    """

    sources: Tensor
    target: Tensor
    keep: Tensor | None
    present: Tensor | None

    def seen(self, planes: int) -> Tensor:
        """The sources as networks see them: air in place of those that are not shown."""
        return without_missing(self.sources, self.present, planes)


def planes_of(shape: TranslatorShape) -> int:
    """Channels of each source: the slice and its neighbours on both sides."""
    return 2 * shape.neighbours + 1


def paired(step: Step, shape: TranslatorShape, dropped: int) -> Pair:
    """The step's pairs, moved together, with what dropout and missing sources leave of them.

    Args:
        step: the step; its `reals` are pairs.
        shape: of the networks.
        dropped: feature maps that dropout acts on.
    """
    both = step.reals
    if step.plan.augmentation.method != "none":
        strength = step.state.extras[adaptive.PROBABILITY]
        both = augment(step.plan.augmentation, both, step.rng("augment"), strength)
    device, count = both.device, len(both)
    keep = None
    if shape.dropout > 0:
        keep = dropout_factors(count, dropped, shape.dropout, step.rng("dropout")).to(device)
    present = None
    if step.plan.train.source_dropout and len(shape.sources) > 1:
        share, rng = step.plan.train.source_dropout, step.rng("missing")
        present = some_missing(count, len(shape.sources), share, rng).to(device)
    return Pair(both[:, :-1], both[:, -1:], keep, present)


def some_missing(count: int, sources: int, share: float, rng: torch.Generator) -> Tensor:
    """Which sources are shown: a `share` of images lacks one or more of them, any of them alike.

    All numbers from one to K - 1 are as frequent: whoever translates may have a single source left.

    Args:
        count: N images.
        sources: K.
        share: 0 to 1.
        rng: CPU source of randomness.

    Returns:
        N x K of 1 and 0; never a row of zeros for K > 1.
    """
    lacking = torch.rand(count, generator=rng) < share
    which = torch.randint(sources, (count,), generator=rng)
    order = torch.rand(count, sources, generator=rng)
    order[torch.arange(count), which] = -1  # goes first
    most = torch.randint(1, max(2, sources), (count, 1), generator=rng)
    gone = order.argsort(1).argsort(1) < most * lacking[:, None]
    return (~gone).float()


def reconstruction(step: Step, fake: Tensor, target: Tensor, *, share: float = 1.0) -> Tensor:
    """The weighted errors in pixels and features; `share`: weight in the sums of the log."""
    plan = step.plan.train
    error = pixel_error(fake, target)
    step.state.sums["reconstruction"] += share * error.detach()
    total = (plan.reconstruction or 0.0) * error
    if plan.perceptual:
        features = _backbone(step.plan.data.height, target.device)
        total = total + plan.perceptual * feature_error(features, fake, target)
    return total


def judgement(step: Step, real: Tensor, fake: Tensor, *, share: float = 1.0) -> Tensor:
    """A discriminator's loss of N x P logits, and its part in the sums of the log.

    Args:
        step: the step.
        real, fake: logits of true and of translated pairs.
        share: weight in the sums, where several discriminators share a step.
    """
    kind, sums = step.plan.train.loss, step.state.sums
    loss = discriminator_loss(kind, real, fake)
    right = accuracy(kind, real.detach(), fake.detach())
    sums["accuracy_real"] += share * right[0]
    sums["accuracy_fake"] += share * right[1]
    sums["loss_discriminator"] += share * loss.detach()
    return loss


def translate(
    generator: nn.Module,
    shape: TranslatorShape,
    sources: Tensor,
    keep: Tensor | None = None,
    present: Tensor | None = None,
    place: int | None = None,
) -> Tensor:
    """What a generator makes of sources outside of training.

    Args:
        generator: of the plan's recipe.
        shape: of its networks.
        sources: N x (K * planes) x H x W in [-1, 1].
        keep: N x `dropped` factors of dropout; None drops nothing.
        present: N x K, 1 where a source is there; None: all are.
        place: of fusion, where several compete; the chosen one by default.

    Returns:
        N x 1 x H x W in [-1, 1].
    """
    if isinstance(generator, MustGAN):
        image: Tensor = generator(sources, keep, present, place)
        return image
    image = generator(without_missing(sources, present, planes_of(shape)), keep)
    return image


def dropped_at(
    generator: nn.Module, shape: TranslatorShape, rngs: Sequence[torch.Generator]
) -> Tensor:
    """Factors of dropout outside of training: a row for each source of randomness."""
    width = int(generator.dropped)  # type: ignore[arg-type]
    return torch.cat([dropout_factors(1, width, shape.dropout, rng) for rng in rngs])


def extras(plan: Plan) -> dict[str, Tensor]:
    """What the state keeps beside the networks: the share of images that is moved."""
    return adaptive.extras(plan.augmentation)


@functools.cache
def _backbone(size: int, device: torch.device) -> EarlyFeatures:
    return EarlyFeatures(size, device)
