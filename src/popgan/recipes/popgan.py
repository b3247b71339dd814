"""The recipe `popgan`: a progressive GAN with gradient penalties and mild augmentation.

The losses of its phases read like the papers: an adversarial loss, R1 (and R2) lazily or the
penalty of WGAN-GP in every step, the same augmentation for real and synthetic images, and likeness
matching for variety.
"""

from __future__ import annotations

import torch
from torch import Tensor

from popgan.augmentation import adaptive
from popgan.augmentation.pipeline import augment
from popgan.config.schema import Plan
from popgan.networks.layers import dropout_factors
from popgan.networks.progressive import Discriminator, Generator
from popgan.objectives.adversarial import accuracy, boundary, discriminator_loss, generator_loss
from popgan.objectives.diversity import likeness_gap
from popgan.objectives.penalties import gradient_penalty, interpolation_penalty
from popgan.training.phase import Phase, Step


def build_generator(plan: Plan) -> Generator:
    """The plan's generator with fresh weights from torch's global random numbers."""
    return Generator(
        latent_dim=plan.network.latent_dim,
        channels=plan.network.channels,
        image_channels=len(plan.data.contrasts),
        base=plan.base,
        patch=plan.network.patch,
        norm=plan.network.pixel_norm,
    )


def build_discriminator(plan: Plan) -> Discriminator:
    """The plan's discriminator with fresh weights from torch's global random numbers."""
    return Discriminator(
        channels=plan.network.channels,
        image_channels=len(plan.data.contrasts),
        base=plan.base,
        patch=plan.network.patch,
        group=plan.network.minibatch_stddev,
    )


def phases(plan: Plan) -> list[Phase]:
    """Discriminator first, its penalty every `penalty_interval` steps, then the generator.

    WGAN-GP has its penalty within the discriminator's own loss.
    """
    found = [Phase("Dmain", "D", 1, _discriminate)]
    if plan.train.gamma > 0 and plan.train.loss != "wgan-gp":
        found.append(Phase("Dreg", "D", plan.train.penalty_interval, _penalise))
    return [*found, Phase("Gmain", "G", 1, _generate)]


def extras(plan: Plan) -> dict[str, Tensor]:
    """What the state keeps beside the networks: the probability of augmentation."""
    return adaptive.extras(plan.augmentation)


def _discriminate(step: Step) -> Tensor:
    with torch.no_grad():
        fakes = _draw(step, "latent-D")
    pair = _augment(step, torch.cat([step.reals, fakes]), "augment-D")
    # One pass over both halves; minibatch statistics stay apart, because the plan makes the
    # batch a multiple of their group.
    real, fake = _judge(step, pair, "dropout-D").chunk(2)
    plan = step.plan.train
    loss = discriminator_loss(plan.loss, real, fake)
    step.shared = {"pair": pair, "real": real.detach()}
    _account(step, real.detach(), fake.detach(), loss.detach())
    return loss + plan.gamma * _one_centred(step) if plan.loss == "wgan-gp" else loss


def _account(step: Step, real: Tensor, fake: Tensor, loss: Tensor) -> None:
    """Add to the sums of the log; let the probability of augmentation follow."""
    kind, sums = step.plan.train.loss, step.state.sums
    right = accuracy(kind, real, fake)
    sums["accuracy_real"] += right[0]
    sums["accuracy_fake"] += right[1]
    sums["loss_discriminator"] += loss
    sums["steps"] += 1
    adaptive.adapt(
        step.plan.augmentation,
        step.state.extras,
        real - boundary(kind, real, fake),
        batch=step.plan.train.batch,
        step=step.index,
    )


def _one_centred(step: Step) -> Tensor:
    """The penalty of WGAN-GP; its gradient's target is 1 at every size, so gamma is not scaled."""
    real, fake = step.shared["pair"].chunk(2)
    share = torch.rand(len(real), generator=step.rng("interpolate"))
    critic = step.state.discriminator

    def of_part(real: Tensor, fake: Tensor, share: Tensor, keep: Tensor | None) -> Tensor:
        found = interpolation_penalty(lambda x: critic(x, *step.stage, keep), real, fake, share)
        return found.expand(len(real))

    keep = _dropout(step, len(real), "dropout-reg")
    penalty = step.by_rows(of_part, real, fake, share.to(real.device), keep).mean()
    step.state.sums["penalty"] += penalty.detach()
    step.state.sums["penalty_steps"] += 1
    return penalty


def _penalise(step: Step) -> Tensor:
    plan, pair = step.plan.train, step.shared["pair"]
    images = pair if plan.r2 else pair[: pair.shape[0] // 2]
    critic = step.state.discriminator

    def of_part(part: Tensor, keep: Tensor | None) -> Tensor:
        # The mean of a part, as one value a row: their mean is that of all rows.
        return gradient_penalty(lambda x: critic(x, *step.stage, keep), part).expand(len(part))

    penalty = step.by_rows(of_part, images, _dropout(step, len(images), "dropout-reg")).mean()
    # The mean runs over both halves with R2; the published terms are summed.
    penalty = penalty * (2 if plan.r2 else 1)
    step.state.sums["penalty"] += penalty.detach()
    step.state.sums["penalty_steps"] += 1
    # A gradient by pixels shrinks with their number: gamma follows the level's area.
    top = len(step.plan.network.channels) - 1
    gamma = plan.gamma * 0.25 ** (top - step.stage.level)
    return 0.5 * gamma * plan.penalty_interval * penalty


def _generate(step: Step) -> Tensor:
    fakes = _draw(step, "latent-G")
    fake = _judge(step, _augment(step, fakes, "augment-G"), "dropout-G")
    # The real logits are those of the discriminator's own update, one step old.
    loss = generator_loss(step.plan.train.loss, fake, step.shared["real"])
    step.state.sums["loss_generator"] += loss.detach()
    if step.plan.train.diversity == 0:
        return loss
    gap = likeness_gap(fakes, step.reals)
    step.state.sums["likeness_gap"] += gap.detach()
    return loss + step.plan.train.diversity * gap


def _augment(step: Step, images: Tensor, purpose: str) -> Tensor:
    strength = step.state.extras[adaptive.PROBABILITY]
    return augment(step.plan.augmentation, images, step.rng(purpose), strength)


def _draw(step: Step, purpose: str) -> Tensor:
    return step.by_rows(lambda z: step.state.generator(z, *step.stage), step.latents(purpose))


def _judge(step: Step, images: Tensor, purpose: str) -> Tensor:
    keep = _dropout(step, len(images), purpose)
    return step.by_rows(lambda x, k: step.state.discriminator(x, *step.stage, k), images, keep)


def _dropout(step: Step, count: int, purpose: str) -> Tensor | None:
    network = step.plan.network
    if network.dropout == 0:
        return None
    factors = dropout_factors(count, network.channels[0], network.dropout, step.rng(purpose))
    return factors.to(step.reals.device)
