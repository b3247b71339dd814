"""The recipe `pix2pix`: one generator from all sources, a PatchGAN, L1 and features.

Isola et al. (CVPR 2017); with the preset `paper` the pGAN of Dar et al. (IEEE TMI 2019), the cGAN
that the POP-GAN paper compares with. The generator goes first, so that one pass through it serves
both updates.
"""

from __future__ import annotations

import torch
from torch import Tensor

from popgan.config.network import Pix2PixNetwork
from popgan.config.schema import Plan
from popgan.networks.patchgan import PatchGAN
from popgan.networks.translator import ResNetGenerator
from popgan.objectives.adversarial import generator_loss
from popgan.recipes.common import network_of
from popgan.recipes.translation import judgement, paired, planes_of, reconstruction
from popgan.training.phase import Phase, Step


def build_generator(plan: Plan) -> ResNetGenerator:
    """The plan's generator with fresh weights from torch's global random numbers."""
    shape = network_of(plan, Pix2PixNetwork)
    return ResNetGenerator(
        inputs=planes_of(shape) * len(shape.sources),
        width=shape.width,
        halvings=shape.halvings,
        blocks=shape.blocks,
        norm=shape.norm,
        skips=shape.skips,
    )


def build_discriminator(plan: Plan) -> PatchGAN:
    """The plan's discriminator with fresh weights from torch's global random numbers."""
    shape = network_of(plan, Pix2PixNetwork)
    return PatchGAN(
        inputs=planes_of(shape) * len(shape.sources) + 1,
        width=shape.judge_width,
        layers=shape.judge_layers,
        norm=shape.norm,
    )


def phases(plan: Plan) -> list[Phase]:
    """Generator, then discriminator on what the generator has just made."""
    return [Phase("Gmain", "G", 1, _generate), Phase("Dmain", "D", 1, _discriminate)]


def _generate(step: Step) -> Tensor:
    shape = network_of(step.plan, Pix2PixNetwork)
    generator = step.state.generator
    pair = paired(step, shape, int(generator.dropped))  # type: ignore[arg-type]
    seen = pair.seen(planes_of(shape))
    fake = step.by_rows(lambda x, keep: generator(x, keep), seen, pair.keep)
    logits = step.by_rows(step.state.discriminator, torch.cat([seen, fake], 1))
    loss = generator_loss(step.plan.train.loss, logits)
    step.state.sums["loss_generator"] += loss.detach()
    step.shared = {"seen": seen, "target": pair.target, "fake": fake.detach()}
    return loss + reconstruction(step, fake, pair.target)


def _discriminate(step: Step) -> Tensor:
    seen, target, fake = (step.shared[name] for name in ("seen", "target", "fake"))
    both = torch.cat([torch.cat([seen, target], 1), torch.cat([seen, fake], 1)])
    real, made = step.by_rows(step.state.discriminator, both).chunk(2)
    step.state.sums["steps"] += 1
    return judgement(step, real, made)
