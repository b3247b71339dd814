"""The recipe `r3gan`: relativistic pairing loss with R1 and R2 in every step.

Huang et al. (NeurIPS 2024): no tricks but the penalties; learning rates, beta2, gamma, half-life of
the average and the share of augmented images change over the run on one schedule. Two things
differ from the paper: real images are compared with the generator's in their own step's batch,
judged anew, and not in a fresh batch; and the schedule spans the whole run.
"""

from __future__ import annotations

import torch
from torch import Tensor

from popgan.augmentation.adaptive import PROBABILITY
from popgan.config.network import R3GANNetwork
from popgan.config.schema import Plan
from popgan.networks.r3gan import Discriminator, Generator
from popgan.objectives.adversarial import discriminator_loss, generator_loss
from popgan.recipes.common import (
    account,
    account_penalty,
    augmented,
    centred_penalty,
    draw,
    gamma,
    judge,
    lazy_penalty,
    network_of,
)
from popgan.training.growth import annealed
from popgan.training.phase import Phase, Step


def build_generator(plan: Plan) -> Generator:
    """The plan's generator with fresh weights from torch's global random numbers."""
    network = network_of(plan, R3GANNetwork)
    return Generator(
        latent_dim=network.latent_dim,
        channels=network.channels,
        image_channels=plan.image_channels,
        base=plan.base,
        blocks=network.blocks,
        condition=plan.condition_size,
    )


def build_discriminator(plan: Plan) -> Discriminator:
    """The plan's discriminator with fresh weights from torch's global random numbers."""
    network = network_of(plan, R3GANNetwork)
    return Discriminator(
        channels=network.channels,
        image_channels=plan.image_channels,
        base=plan.base,
        blocks=network.blocks,
        condition=plan.condition_size,
    )


def phases(plan: Plan) -> list[Phase]:
    """Dmain with its penalties in every step as published, or lazily if the plan says so."""
    lazy = lazy_penalty(plan) if plan.train.penalty_interval > 1 else []
    return [Phase("Dmain", "D", 1, _discriminate), *lazy, Phase("Gmain", "G", 1, _generate)]


def _discriminate(step: Step) -> Tensor:
    plan = step.plan.train
    _set_strength(step)
    with torch.no_grad():
        fakes = draw(step, "latent-D")
    pair = augmented(step, torch.cat([step.reals, fakes]), "augment-D")
    real, fake = judge(step, pair, "dropout-D").chunk(2)
    loss = discriminator_loss(plan.loss, real, fake)
    step.shared = {"pair": pair}
    account(step, real.detach(), fake.detach(), loss.detach())
    if plan.penalty_interval > 1 or plan.gamma == 0:
        return loss
    # The mean runs over both halves; R1 and R2 are summed.
    penalty = 2 * centred_penalty(step, pair)
    account_penalty(step, penalty)
    return loss + 0.5 * gamma(step) * penalty


def _generate(step: Step) -> Tensor:
    fake = judge(step, augmented(step, draw(step, "latent-G"), "augment-G"), "dropout-G")
    with torch.no_grad():
        real = judge(step, augmented(step, step.reals, "augment-R"), "dropout-R")
    loss = generator_loss(step.plan.train.loss, fake, real)
    step.state.sums["loss_generator"] += loss.detach()
    return loss


def _set_strength(step: Step) -> None:
    """The share of augmented images follows the schedule and not the discriminator."""
    plan = step.plan.train
    # Other methods have a share of their own, and nothing must be logged that does not happen.
    if plan.augment_start is not None and step.plan.augmentation.method == "ada":
        end = step.plan.augmentation.probability
        now = annealed(plan.augment_start, end, step.state.images, plan)
        step.state.extras[PROBABILITY].fill_(now)
