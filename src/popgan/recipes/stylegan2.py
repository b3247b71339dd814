"""The recipe `stylegan2`: StyleGAN2 with adaptive augmentation, for small data sets.

Phases as published (Karras et al., CVPR 2020 and NeurIPS 2020): non-saturating logistic loss, R1
every 16 steps, path length every 4, two styles in most images, augmentation that follows the
discriminator's overfitting.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from popgan.config.network import StyleGAN2Network
from popgan.config.schema import Plan
from popgan.device import sent
from popgan.networks.stylegan2 import Discriminator, Generator, levels
from popgan.objectives.adversarial import discriminator_loss, generator_loss
from popgan.objectives.penalties import path_lengths, path_penalty
from popgan.recipes import common
from popgan.recipes.common import account, augmented, judge, lazy_penalty, network_of
from popgan.training.phase import Phase, Step

PATH_LENGTH = "path_length"
"""Running mean of path lengths, in the state's extras."""
SHRINK = 2
"""The path length penalty looks at a half of the batch, as published: it is dear."""


def build_generator(plan: Plan) -> Generator:
    """The plan's generator with fresh weights from torch's global random numbers."""
    network = network_of(plan, StyleGAN2Network)
    return Generator(
        levels((plan.data.height, plan.data.width), widths=network.channels),
        channels=plan.image_channels,
        latent_dim=network.latent_dim,
        mapping_layers=network.mapping_layers,
        condition=plan.condition_size,
    )


def build_discriminator(plan: Plan) -> Discriminator:
    """The plan's discriminator with fresh weights from torch's global random numbers."""
    network = network_of(plan, StyleGAN2Network)
    return Discriminator(
        levels((plan.data.height, plan.data.width), widths=network.channels),
        channels=plan.image_channels,
        condition=plan.condition_size,
        group=network.minibatch_stddev,
    )


def phases(plan: Plan) -> list[Phase]:
    """Dmain, Dreg, Gmain, Greg."""
    found = [Phase("Dmain", "D", 1, _discriminate), *lazy_penalty(plan)]
    found.append(Phase("Gmain", "G", 1, _generate))
    if plan.train.path_length and plan.train.path_length_interval:
        found.append(Phase("Greg", "G", plan.train.path_length_interval, _even_paths))
    return found


def extras(plan: Plan) -> dict[str, Tensor]:
    """The probability of augmentation, and the running mean of path lengths."""
    return common.extras(plan) | {PATH_LENGTH: torch.zeros(())}


def _discriminate(step: Step) -> Tensor:
    with torch.no_grad():
        fakes = _draw(step, _styles(step, "latent-D"), "noise-D")
    pair = augmented(step, torch.cat([step.reals, fakes]), "augment-D")
    real, fake = judge(step, pair, "dropout-D").chunk(2)
    loss = discriminator_loss(step.plan.train.loss, real, fake)
    step.shared = {"pair": pair, "real": real.detach()}
    account(step, real.detach(), fake.detach(), loss.detach())
    return loss


def _generate(step: Step) -> Tensor:
    w = _styles(step, "latent-G")
    # Later styles may be of another latent vector; the first is always the image's own.
    _generator(step).mapping.track(w[:, 0])
    fakes = augmented(step, _draw(step, w, "noise-G"), "augment-G")
    fake = judge(step, fakes, "dropout-G")
    loss = generator_loss(step.plan.train.loss, fake, step.shared["real"])
    step.state.sums["loss_generator"] += loss.detach()
    return loss


def _even_paths(step: Step) -> Tensor:
    """The path length penalty, through the mapping as well as the synthesis.

    A length is that of one image, and all are held against their mean afterwards: so they are
    found row by row, and no row belongs to a group.
    """
    plan, generator = step.plan.train, _generator(step)
    count = max(1, len(step.reals) // SHRINK)
    w = _styles(step, "latent-path")[:count]
    noise = step.noise("noise-path", generator.noise_size)[:count]
    shape = step.reals[:count].shape
    direction = sent(torch.randn(shape, generator=step.rng("path")), step.reals.device)

    def of_part(w: Tensor, noise: Tensor, direction: Tensor) -> Tensor:
        # The gradient with respect to an offset is that with respect to w, and leaves w its
        # history.
        return path_lengths(
            lambda offset: generator.synthesis(w + offset, noise), torch.zeros_like(w), direction
        )

    lengths = replace(step.spread, group=1).by_rows(of_part, w, noise, direction)
    penalty, mean = path_penalty(lengths, step.state.extras[PATH_LENGTH])
    step.state.extras[PATH_LENGTH].copy_(mean)
    assert plan.path_length is not None
    assert plan.path_length_interval is not None
    return plan.path_length * plan.path_length_interval * penalty


def _generator(step: Step) -> Generator:
    generator = step.state.generator
    assert isinstance(generator, Generator)
    return generator


def _styles(step: Step, purpose: str) -> Tensor:
    """N x styles x latent_dim: one style an image, or, in a share of images, two.

    A second latent vector takes over at a random place, so that neighbouring styles cannot rely on
    each other (style mixing).
    """
    generator, share = _generator(step), step.plan.train.style_mixing or 0.0
    w = generator.broadcast(generator.mapping(step.latents(purpose), step.condition))
    if share == 0:
        return w
    other = generator.mapping(step.latents(f"{purpose}-mixed"), step.condition)
    rng, count = step.rng(f"{purpose}-places"), len(w)
    places = torch.randint(1, generator.styles, (count,), generator=rng)
    mixed = torch.rand(count, generator=rng) < share
    places = torch.where(mixed, places, generator.styles)
    later = torch.arange(generator.styles)[None] >= places[:, None]
    return torch.where(sent(later, w.device)[:, :, None], other[:, None], w)


def _draw(step: Step, w: Tensor, purpose: str) -> Tensor:
    generator = _generator(step)
    return step.by_rows(generator.synthesis, w, step.noise(purpose, generator.noise_size))
