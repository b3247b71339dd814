"""The recipes `popgan` and `cgan`: a progressive GAN with gradient penalties and mild augmentation.

The losses of its phases read like the papers: an adversarial loss, R1 (and R2) lazily or the
penalty of WGAN-GP in every step, the same augmentation for real and synthetic images, and likeness
matching for variety. `cgan` is the same with the label of each slice told to both networks.
"""

from __future__ import annotations

import torch
from torch import Tensor

from popgan.config.network import ProgressiveNetwork
from popgan.config.schema import Plan
from popgan.device import sent
from popgan.networks.convolution import twice_differentiable
from popgan.networks.progressive import Discriminator, Generator
from popgan.objectives.adversarial import discriminator_loss, generator_loss
from popgan.objectives.diversity import likeness_gap
from popgan.objectives.penalties import interpolation_penalty
from popgan.recipes.common import (
    account,
    account_penalty,
    augmented,
    critic,
    draw,
    dropout,
    judge,
    lazy_penalty,
    network_of,
)
from popgan.training.phase import Phase, Step


def build_generator(plan: Plan) -> Generator:
    """The plan's generator with fresh weights from torch's global random numbers."""
    network = network_of(plan, ProgressiveNetwork)
    return Generator(
        latent_dim=network.latent_dim,
        channels=network.channels,
        image_channels=plan.image_channels,
        base=plan.base,
        patch=network.patch,
        norm=network.pixel_norm,
        condition=plan.condition_size,
        kernel=network.kernel or 3,
    )


def build_discriminator(plan: Plan) -> Discriminator:
    """The plan's discriminator with fresh weights from torch's global random numbers."""
    network = network_of(plan, ProgressiveNetwork)
    return Discriminator(
        channels=network.channels,
        image_channels=plan.image_channels,
        base=plan.base,
        patch=network.patch,
        group=network.minibatch_stddev,
        condition=plan.condition_size,
        kernel=network.kernel or 3,
    )


def phases(plan: Plan) -> list[Phase]:
    """Discriminator first, its penalty every `penalty_interval` steps, then the generator.

    WGAN-GP has its penalty within the discriminator's own loss.
    """
    lazy = [] if plan.train.loss == "wgan-gp" else lazy_penalty(plan)
    return [Phase("Dmain", "D", 1, _discriminate), *lazy, Phase("Gmain", "G", 1, _generate)]


def _discriminate(step: Step) -> Tensor:
    with torch.no_grad():
        fakes = draw(step, "latent-D")
    pair = augmented(step, torch.cat([step.reals, fakes]), "augment-D")
    # One pass over both halves; minibatch statistics stay apart, because the plan makes the
    # batch a multiple of their group.
    real, fake = judge(step, pair, "dropout-D").chunk(2)
    plan = step.plan.train
    loss = discriminator_loss(plan.loss, real, fake)
    step.shared = {"pair": pair, "real": real.detach()}
    account(step, real.detach(), fake.detach(), loss.detach())
    return loss + plan.gamma * _one_centred(step) if plan.loss == "wgan-gp" else loss


def _one_centred(step: Step) -> Tensor:
    """The penalty of WGAN-GP; its gradient's target is 1 at every size, so gamma is not scaled."""
    real, fake = step.shared["pair"].chunk(2)
    share = sent(torch.rand(len(real), generator=step.rng("interpolate")), real.device)

    def of_part(
        real: Tensor, fake: Tensor, share: Tensor, told: Tensor | None, keep: Tensor | None
    ) -> Tensor:
        judged = critic(step, told, keep)
        with twice_differentiable():
            return interpolation_penalty(judged, real, fake, share).expand(len(real))

    keep = dropout(step, len(real), "dropout-reg")
    penalty = step.by_rows(of_part, real, fake, share, step.condition, keep).mean()
    account_penalty(step, penalty)
    return penalty


def _generate(step: Step) -> Tensor:
    fakes = draw(step, "latent-G")
    fake = judge(step, augmented(step, fakes, "augment-G"), "dropout-G")
    # The real logits are those of the discriminator's own update, one step old.
    loss = generator_loss(step.plan.train.loss, fake, step.shared["real"])
    step.state.sums["loss_generator"] += loss.detach()
    if step.plan.train.diversity == 0:
        return loss
    # Masks are left out: most are empty, so all would be alike, and real ones as well.
    shown = len(step.plan.data.contrasts)
    gap = likeness_gap(fakes[:, :shown], step.reals[:, :shown])
    step.state.sums["likeness_gap"] += gap.detach()
    return loss + step.plan.train.diversity * gap
