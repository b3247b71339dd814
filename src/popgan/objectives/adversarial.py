"""Adversarial losses as pure functions of logits.

`logistic` is the non-saturating loss of Goodfellow et al. (2014); `rpgan` the relativistic
pairing loss of Jolicoeur-Martineau (2018) as used by R3GAN (Huang et al., NeurIPS 2024), which
compares a synthetic image with a real one instead of with a fixed boundary and so has no
minimum in which modes are missing.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def discriminator_loss(kind: str, real: Tensor, fake: Tensor) -> Tensor:
    """Loss of the discriminator, averaged over a batch.

    Args:
        kind: "logistic" or "rpgan".
        real: N logits of real images.
        fake: N logits of synthetic images; paired with `real` for "rpgan".

    Raises:
        ValueError: unknown kind.
    """
    if kind == "logistic":
        return (F.softplus(-real) + F.softplus(fake)).mean()
    if kind == "rpgan":
        return F.softplus(fake - real).mean()
    raise ValueError(f"unknown adversarial loss {kind!r}")


def generator_loss(kind: str, fake: Tensor, real: Tensor | None = None) -> Tensor:
    """Loss of the generator, averaged over a batch.

    Args:
        kind: "logistic" or "rpgan".
        fake: N logits of synthetic images.
        real: N logits of real images, needed by "rpgan"; constants for the generator.

    Raises:
        ValueError: unknown kind, or "rpgan" without real logits.
    """
    if kind == "logistic":
        return F.softplus(-fake).mean()
    if kind == "rpgan" and real is not None:
        return F.softplus(real.detach() - fake).mean()
    raise ValueError(f"unknown adversarial loss {kind!r}, or real logits missing")


def accuracy(kind: str, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Share of real and of synthetic images that the discriminator judges rightly.

    A logistic discriminator decides at zero. A relativistic one is defined up to a constant,
    so its boundary is the middle between the two mean logits.
    """
    boundary = 0.5 * (real.mean() + fake.mean()) if kind == "rpgan" else torch.zeros(())
    boundary = boundary.to(real.device)
    return (real > boundary).float().mean(), (fake < boundary).float().mean()
