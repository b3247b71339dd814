"""Adversarial losses as pure functions of logits.

`logistic` is the non-saturating loss of Goodfellow et al. (2014); `rpgan` the relativistic
pairing loss of Jolicoeur-Martineau (2018) as used by R3GAN (Huang et al., NeurIPS 2024), which
compares a synthetic image with a real one instead of with a fixed boundary and so has no
minimum in which modes are missing. `wgan-gp` is the critic of Gulrajani et al. (2017) with the
drift term of the progressive GAN (Karras et al., 2018); it needs its own penalty
(`penalties.interpolation_penalty`). `lsgan` is least squares (Mao et al., 2017) with targets 1
for real and 0 for synthetic images.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

DRIFT = 1e-3  # weight of the square of real logits; a critic has no zero of its own


def discriminator_loss(kind: str, real: Tensor, fake: Tensor) -> Tensor:
    """Loss of the discriminator, averaged over a batch.

    Args:
        kind: "logistic", "rpgan", "wgan-gp" or "lsgan".
        real: N logits of real images.
        fake: N logits of synthetic images; paired with `real` for "rpgan".

    Raises:
        ValueError: unknown kind.
    """
    if kind == "logistic":
        return (F.softplus(-real) + F.softplus(fake)).mean()
    if kind == "rpgan":
        return F.softplus(fake - real).mean()
    if kind == "wgan-gp":
        return (fake - real + DRIFT * real.square()).mean()
    if kind == "lsgan":
        return 0.5 * ((real - 1).square() + fake.square()).mean()
    raise ValueError(f"unknown adversarial loss {kind!r}")


def generator_loss(kind: str, fake: Tensor, real: Tensor | None = None) -> Tensor:
    """Loss of the generator, averaged over a batch.

    Args:
        kind: "logistic", "rpgan", "wgan-gp" or "lsgan".
        fake: N logits of synthetic images.
        real: N logits of real images, needed by "rpgan"; constants for the generator.

    Raises:
        ValueError: unknown kind, or "rpgan" without real logits.
    """
    if kind == "logistic":
        return F.softplus(-fake).mean()
    if kind == "rpgan" and real is not None:
        return F.softplus(real.detach() - fake).mean()
    if kind == "wgan-gp":
        return -fake.mean()
    if kind == "lsgan":
        return 0.5 * (fake - 1).square().mean()
    raise ValueError(f"unknown adversarial loss {kind!r}, or real logits missing")


def boundary(kind: str, real: Tensor, fake: Tensor) -> Tensor:
    """The logit above which a discriminator calls an image real, a scalar on its device.

    A logistic discriminator decides at 0, a least-squares one between its targets at 1/2. A
    relativistic one and a critic are defined up to a constant, so theirs is the middle between
    the two mean logits of the batch.
    """
    if kind in ("rpgan", "wgan-gp"):
        return 0.5 * (real.mean() + fake.mean())
    return real.new_full((), 0.5 if kind == "lsgan" else 0.0)


def accuracy(kind: str, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Share of real and of synthetic images that the discriminator judges rightly.

    Args:
        kind: a loss, whose `boundary` decides.
        real: logits of real images.
        fake: logits of synthetic images.

    Returns:
        Two scalars in [0, 1].
    """
    middle = boundary(kind, real, fake)
    return (real > middle).float().mean(), (fake < middle).float().mean()
