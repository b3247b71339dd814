"""Where training starts from: what of the prior fits a plan, and taking it over."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from popgan.config.network import ProgressiveNetwork
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.prior.kinds import CONTRASTS
from popgan.prior.transfer import Taken, start_from
from popgan.prior.weights import DIGESTS, load_prior

ENOUGH = 0.9
"""Share of each network's numbers that the prior must have, or training starts from scratch."""


@dataclass(frozen=True)
class Start:
    """What the prior gives a plan.

    Attributes:
        fits: whether that is enough to start from.
        level: the level that training can start at.
        text: what is taken over, in words.
    """

    fits: bool
    level: int
    text: str


def side_for(plan: Plan) -> int | None:
    """The prior for a plan: the largest one that has no more levels than the plan's networks.

    A plan with fewer levels than any takes the lower ones of the smallest. None where the plan's
    networks are of another kind.
    """
    if not isinstance(plan.network, ProgressiveNetwork) or not DIGESTS:
        return None
    fitting = [side for side in sorted(DIGESTS) if _levels(side) <= len(plan.network.channels)]
    return max(fitting, default=min(DIGESTS))


def take_prior(plan: Plan, generator: nn.Module, discriminator: nn.Module) -> Start:
    """Overwrite fresh weights with those of the prior, where they fit.

    Raises:
        UserError: there is no prior for such networks, or its file is damaged.
    """
    side = side_for(plan)
    if side is None:
        raise UserError(
            f"there is no physics prior for the networks of recipe {plan.recipe!r}",
            do="leave train.init at scratch",
        )
    taken = start_from(
        load_prior(side),
        generator,
        discriminator,
        contrasts=plan.data.contrasts,
        skull=plan.data.skull,
        blank=len(plan.data.masks),
    )
    level = min(_levels(side), plan.network.levels) - 1
    fits = all(one.share >= ENOUGH for one in taken.values())
    return Start(fits, level, f"physics prior phantom-{side} ({_kind(plan)}): {_words(taken)}")


def what_fits(plan: Plan, generator: nn.Module, discriminator: nn.Module) -> Start | None:
    """The same, to know before training; None where there is no prior for such networks."""
    if side_for(plan) is None:
        return None
    return take_prior(plan, generator, discriminator)


def _levels(side: int) -> int:
    """Levels of the prior for a side: its lowest images have 8 pixels a side."""
    return side.bit_length() - 3


def _kind(plan: Plan) -> str:
    known = [name for name in plan.data.contrasts if name in CONTRASTS]
    contrast = ", ".join(known) if known else "all its contrasts alike"
    skull = {True: "with skull", False: "without skull", None: "with and without skull"}
    return f"{contrast}, {skull[plan.data.skull]}"


def _words(taken: dict[str, Taken]) -> str:
    return "; ".join(f"{name} {one}" for name, one in taken.items())
