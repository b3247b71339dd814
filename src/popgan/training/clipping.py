"""Gradients that are suddenly much longer than usual are shortened before they do harm.

Adam divides by what gradients were over a thousand steps, so one that is a hundred times as long
moves every weight by fifteen ordinary steps at once. "Usual" is a running mean of the norm, as a
fixed bound would have to be found anew for every loss, size and batch (Seetharaman et al.,
"AutoClip: adaptive gradient clipping", MLSP 2020, take a percentile of all norms so far).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from popgan.training.phase import Phase

MEMORY = 0.99
"""Part of the running mean that stays at each update: it looks back over about 100 of them."""


def usual_norms(phases: Iterable[Phase]) -> dict[str, Tensor]:
    """First values of the running means, for a state's extras: one a phase; 0 = not known."""
    return {_name(phase.name): torch.zeros(()) for phase in phases}


def shorten(
    gradients: list[Tensor], norm: Tensor, phase: str, extras: Mapping[str, Tensor], most: float
) -> None:
    """Shorten gradients to `most` times their usual norm, and learn from them what is usual.

    A gradient that is not finite stays as it is, for the guard to see, and teaches nothing.

    Args:
        gradients: of all weights of a network; changed.
        norm: their Euclidean norm, a scalar.
        phase: name of the phase that they come from.
        extras: of the state; the phase's running mean is changed.
        most: 1 or more.
    """
    usual = extras[_name(phase)]
    norm = norm.to(usual)
    allowed = torch.where(usual > 0, torch.minimum(norm, most * usual), norm)
    finite = torch.isfinite(norm)
    factor = torch.where(finite & (norm > 0), allowed / norm, torch.ones_like(norm))
    torch._foreach_mul_(gradients, factor)
    # What was shortened counts as short as it became, or one explosion would permit the next.
    mean = torch.where(usual > 0, MEMORY * usual + (1 - MEMORY) * allowed, allowed)
    usual.copy_(torch.where(finite, mean, usual))


def _name(phase: str) -> str:
    return f"usual_norm_{phase}"
