"""The recipe `dcgan`: the generic GAN, with logistic loss and no growing.

Radford et al. (ICLR 2016). Batch norm takes its statistics from real and synthetic images apart,
as usual: so the discriminator sees each batch by itself, and no batch is divided.
"""

from __future__ import annotations

import torch
from torch import Tensor

from popgan.config.network import DCGANNetwork
from popgan.config.schema import Plan
from popgan.networks.dcgan import Discriminator, Generator
from popgan.objectives.adversarial import discriminator_loss, generator_loss
from popgan.objectives.penalties import gradient_penalty
from popgan.recipes.common import (
    account,
    account_penalty,
    augmented,
    critic,
    dropout,
    gamma,
    network_of,
)
from popgan.training.phase import Phase, Step


def build_generator(plan: Plan) -> Generator:
    """The plan's generator with fresh weights from torch's global random numbers."""
    network = network_of(plan, DCGANNetwork)
    return Generator(
        latent_dim=network.latent_dim,
        channels=network.channels,
        image_channels=plan.image_channels,
        base=plan.base,
        condition=plan.condition_size,
    )


def build_discriminator(plan: Plan) -> Discriminator:
    """The plan's discriminator with fresh weights from torch's global random numbers."""
    network = network_of(plan, DCGANNetwork)
    return Discriminator(
        channels=network.channels,
        image_channels=plan.image_channels,
        base=plan.base,
        condition=plan.condition_size,
    )


def phases(plan: Plan) -> list[Phase]:
    """Discriminator, its penalty where the plan has one, generator."""
    lazy = Phase("Dreg", "D", plan.train.penalty_interval, _penalise)
    first, last = Phase("Dmain", "D", 1, _discriminate), Phase("Gmain", "G", 1, _generate)
    return [first, lazy, last] if plan.train.gamma > 0 else [first, last]


def _discriminate(step: Step) -> Tensor:
    with torch.no_grad():
        fakes = _draw(step, "latent-D")
    pair = augmented(step, torch.cat([step.reals, fakes]), "augment-D")
    reals, fakes = pair.chunk(2)
    real, fake = _judge(step, reals, "dropout-D"), _judge(step, fakes, "dropout-D-fake")
    loss = discriminator_loss(step.plan.train.loss, real, fake)
    step.shared = {"pair": pair, "real": real.detach()}
    account(step, real.detach(), fake.detach(), loss.detach())
    return loss


def _generate(step: Step) -> Tensor:
    fakes = augmented(step, _draw(step, "latent-G"), "augment-G")
    fake = _judge(step, fakes, "dropout-G")
    loss = generator_loss(step.plan.train.loss, fake, step.shared["real"])
    step.state.sums["loss_generator"] += loss.detach()
    return loss


def _penalise(step: Step) -> Tensor:
    real, fake = step.shared["pair"].chunk(2)
    plan = step.plan.train
    penalty = torch.zeros((), device=real.device)
    for images in (real, fake) if plan.r2 else (real,):
        keep = dropout(step, len(images), "dropout-reg")
        penalty = penalty + gradient_penalty(critic(step, step.condition, keep), images)
    account_penalty(step, penalty)
    return 0.5 * gamma(step) * plan.penalty_interval * penalty


def _draw(step: Step, purpose: str) -> Tensor:
    return step.state.generator(step.latents(purpose), *step.stage, step.condition)


def _judge(step: Step, images: Tensor, purpose: str) -> Tensor:
    keep = dropout(step, len(images), purpose)
    return critic(step, step.condition, keep)(images)
