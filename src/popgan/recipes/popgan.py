"""The recipe `popgan`: a progressive GAN with gradient penalties and mild augmentation.

The losses of its phases read like the papers: relativistic or logistic adversarial loss, R1 (and
R2) lazily, the same augmentation for real and synthetic images, and likeness matching for variety.
"""

from __future__ import annotations

import torch
from torch import Tensor

from popgan.augmentation.affine import apply_affine, draw
from popgan.config.schema import Plan
from popgan.networks.progressive import Discriminator, Generator
from popgan.objectives.adversarial import accuracy, discriminator_loss, generator_loss
from popgan.objectives.diversity import likeness_gap
from popgan.objectives.penalties import gradient_penalty
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
        dropout=plan.network.dropout,
        group=plan.network.minibatch_stddev,
    )


def phases(plan: Plan) -> list[Phase]:
    """Discriminator first, its penalty every `penalty_interval` steps, then the generator."""
    found = [Phase("Dmain", "D", 1, _discriminate)]
    if plan.train.gamma > 0:
        found.append(Phase("Dreg", "D", plan.train.penalty_interval, _penalise))
    return [*found, Phase("Gmain", "G", 1, _generate)]


def _discriminate(step: Step) -> Tensor:
    with torch.no_grad():
        fakes = step.state.generator(step.latents("latent-D"), *step.stage)
    pair = _augment(step, torch.cat([step.reals, fakes]), "augment-D")
    # One pass over both halves; minibatch statistics stay apart, because the plan makes the
    # batch a multiple of their group.
    real, fake = _judge(step, pair, "dropout-D").chunk(2)
    loss = discriminator_loss(step.plan.train.loss, real, fake)
    step.shared = {"pair": pair, "real": real.detach()}
    sums = step.state.sums
    right = accuracy(step.plan.train.loss, real.detach(), fake.detach())
    sums["accuracy_real"] += right[0]
    sums["accuracy_fake"] += right[1]
    sums["loss_discriminator"] += loss.detach()
    sums["steps"] += 1
    return loss


def _penalise(step: Step) -> Tensor:
    plan, pair = step.plan.train, step.shared["pair"]
    images = pair if plan.r2 else pair[: pair.shape[0] // 2]
    penalty = gradient_penalty(lambda x: _judge(step, x, "dropout-reg"), images)
    # The mean runs over both halves with R2; the published terms are summed.
    penalty = penalty * (2 if plan.r2 else 1)
    step.state.sums["penalty"] += penalty.detach()
    step.state.sums["penalty_steps"] += 1
    # A gradient by pixels shrinks with their number: gamma follows the level's area.
    top = len(step.plan.network.channels) - 1
    gamma = plan.gamma * 0.25 ** (top - step.stage.level)
    return 0.5 * gamma * plan.penalty_interval * penalty


def _generate(step: Step) -> Tensor:
    fakes = step.state.generator(step.latents("latent-G"), *step.stage)
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
    size = (images.shape[2], images.shape[3])
    theta = draw(step.plan.augmentation, images.shape[0], size, step.rng(purpose))
    return apply_affine(images, theta)


def _judge(step: Step, images: Tensor, purpose: str) -> Tensor:
    if step.plan.network.dropout == 0:
        return step.state.discriminator(images, *step.stage)
    # Dropout draws from the global generator; borrow it, seeded for this step and purpose.
    devices = [images.device.index or 0] if images.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(step.rng(purpose).initial_seed())
        return step.state.discriminator(images, *step.stage)
