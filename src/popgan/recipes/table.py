"""The explicit table of recipes: a name in, its networks and phases out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.recipes import (
    common,
    dcgan,
    mustgan,
    pix2pix,
    popgan,
    r3gan,
    stylegan2,
    translation,
)
from popgan.recipes.start import take_prior
from popgan.seeds import derive
from popgan.training.clipping import usual_norms
from popgan.training.phase import Phase, lazy_intervals
from popgan.training.state import TrainState


@dataclass(frozen=True)
class Recipe:
    """What makes a recipe.

    Attributes:
        title: a line for people.
        generator: builds the generator of a plan.
        discriminator: builds the discriminator of a plan.
        phases: the phases of a plan, in order.
        extras: first values of what a recipe keeps from step to step beside its networks, by
            name; saved and restored with the state.
    """

    title: str
    generator: Callable[[Plan], nn.Module]
    discriminator: Callable[[Plan], nn.Module]
    phases: Callable[[Plan], list[Phase]]
    extras: Callable[[Plan], dict[str, Tensor]] = lambda plan: {}

    def start(self, plan: Plan, device: torch.device) -> TrainState:
        """A state before the first step: fresh weights by the plan's seed, or the prior's.

        Raises:
            UserError: the plan starts from a prior that its networks cannot take.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(plan.seed, "weights"))
            generator, discriminator = self.generator(plan), self.discriminator(plan)
        if plan.train.init == "phantom":
            take_prior(plan, generator, discriminator)
        phases = self.phases(plan)
        return TrainState.start(
            generator,
            discriminator,
            plan.train,
            device,
            lazy=lazy_intervals(phases),
            extras=self.extras(plan) | (usual_norms(phases) if plan.train.clip else {}),
        )


RECIPES = {
    "popgan": Recipe(
        "progressive GAN with parameters optimised for MRI",
        popgan.build_generator,
        popgan.build_discriminator,
        popgan.phases,
        common.extras,
    ),
    "stylegan2": Recipe(
        "StyleGAN2 with adaptive augmentation",
        stylegan2.build_generator,
        stylegan2.build_discriminator,
        stylegan2.phases,
        stylegan2.extras,
    ),
    "r3gan": Recipe(
        "R3GAN: residual blocks, relativistic loss, R1 and R2",
        r3gan.build_generator,
        r3gan.build_discriminator,
        r3gan.phases,
        common.extras,
    ),
    "dcgan": Recipe(
        "DCGAN: the generic GAN",
        dcgan.build_generator,
        dcgan.build_discriminator,
        dcgan.phases,
        common.extras,
    ),
    "cgan": Recipe(
        "popgan with the label of each slice told to both networks",
        popgan.build_generator,
        popgan.build_discriminator,
        popgan.phases,
        common.extras,
    ),
    "pix2pix": Recipe(
        "contrast translation: one generator from all sources, PatchGAN, L1",
        pix2pix.build_generator,
        pix2pix.build_discriminator,
        pix2pix.phases,
        translation.extras,
    ),
    "mustgan": Recipe(
        "contrast translation: a stream for each source, fused where it is best",
        mustgan.build_generator,
        mustgan.build_discriminator,
        mustgan.phases,
        translation.extras,
    ),
}


def find_recipe(name: str) -> Recipe:
    """Look a recipe up.

    Raises:
        UserError: there is none of that name.
    """
    if name not in RECIPES:
        raise UserError(f"unknown recipe {name!r}", do=f"choose one of {', '.join(RECIPES)}")
    return RECIPES[name]
