"""From the physics prior to the networks of a plan: what fits by name and shape is taken over.

The prior draws one channel; a network with several contrasts starts with that channel in each, and
channels that hold no contrast (masks) start blank. Networks that are told something start as ones
that do not listen. What has no counterpart keeps its fresh weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from popgan.prior.fold import fold_discriminator, fold_generator
from popgan.prior.kinds import mixture
from popgan.prior.weights import Prior, Tensors

BLANK = -1.0  # background


@dataclass(frozen=True)
class Taken:
    """What a network has taken over.

    Attributes:
        tensors: names of the network's tensors that came from the prior.
        fresh: names of those that did not.
        share: of the network's numbers that came from the prior, 0 to 1.
    """

    tensors: tuple[str, ...]
    fresh: tuple[str, ...]
    share: float

    def __str__(self) -> str:
        whole = len(self.tensors) + len(self.fresh)
        return f"{len(self.tensors)} of {whole} tensors, {self.share:.0%} of the numbers"


def start_from(
    prior: Prior,
    generator: nn.Module,
    discriminator: nn.Module,
    *,
    contrasts: Sequence[str],
    skull: bool | None,
    blank: int = 0,
) -> dict[str, Taken]:
    """Overwrite the weights of two progressive networks with those of the prior, where they fit.

    Args:
        prior: from `load_prior`.
        generator: `popgan.networks.progressive.Generator`.
        discriminator: its discriminator.
        contrasts: of the images' first channels.
        skull: whether the images show skulls; None: not known.
        blank: further channels that hold no contrast.

    Returns:
        What was taken over, for "generator" and "discriminator".
    """
    told = torch.tensor(mixture(contrasts, skull=skull))
    sources = {
        "generator": _drawing(fold_generator(prior.generator, told), len(contrasts), blank),
        "discriminator": _reading(
            fold_discriminator(prior.discriminator, told), len(contrasts), blank
        ),
    }
    networks = {"generator": generator, "discriminator": discriminator}
    taken = {name: take(sources[name], network) for name, network in networks.items()}
    _stop_listening(discriminator)
    return taken


@torch.no_grad()
def take(source: Tensors, network: nn.Module) -> Taken:
    """Copy tensors into a network by name and shape; see `Taken`."""
    taken, fresh, numbers = [], [], 0
    target = network.state_dict()
    for name, value in target.items():
        found = _fitted(source.get(name), value)
        if found is None:
            fresh.append(name)
            continue
        value.copy_(found)
        taken.append(name)
        numbers += value.numel()
    whole = sum(value.numel() for value in target.values())
    return Taken(tuple(taken), tuple(fresh), numbers / max(1, whole))


@torch.no_grad()
def _stop_listening(discriminator: nn.Module) -> None:
    """A projection of what is told adds nothing to the logit at first.

    Fresh weights would add many times what the prior has learnt to say, and so drown it.
    """
    projection = getattr(discriminator, "projection", None)
    if isinstance(projection, nn.Module):
        for weight in projection.parameters():
            weight.zero_()


def _fitted(found: Tensor | None, target: Tensor) -> Tensor | None:
    """A tensor as the network wants it, or None if it does not fit.

    Layers that also read a condition have further columns; zeros there do not listen to it.
    """
    if found is None or found.shape == target.shape:
        return found
    if found.dim() == 2 and target.dim() == 2 and len(found) == len(target):
        more = target.shape[1] - found.shape[1]
        if more == found.shape[1]:  # a condition is embedded to the length of z
            return nn.functional.pad(found, (0, more))
    return None


def _drawing(tensors: Tensors, contrasts: int, blank: int) -> Tensors:
    """Each level draws the prior's channel for each contrast, and background for the rest."""
    changed = dict(tensors)
    for name, value in tensors.items():
        if name.startswith("to_image."):
            lowest = name == "to_image.0.bias"  # levels add up: only one may draw background
            empty = torch.full_like(value, BLANK if lowest else 0.0)
            changed[name] = torch.cat([value] * contrasts + [empty] * blank)
    return changed


def _reading(tensors: Tensors, contrasts: int, blank: int) -> Tensors:
    """Each level reads the mean of the contrasts, and nothing of the rest."""
    changed = dict(tensors)
    for name, value in tensors.items():
        if name.startswith("from_image.") and name.endswith("weight"):
            parts = [value / contrasts] * contrasts + [torch.zeros_like(value)] * blank
            changed[name] = torch.cat(parts, 1)
    return changed
