"""What training starts from: the physics prior where it fits the networks, else scratch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from popgan.config.preset import Preset
from popgan.config.schema import Plan
from popgan.errors import UserError
from popgan.planning.draft import Draft
from popgan.planning.recipes import RecipeRules


class Start(Protocol):
    """What a prior gives a plan; see `popgan.recipes.start.Start`."""

    @property
    def fits(self) -> bool:
        """Whether it is enough to start from."""
        ...

    @property
    def level(self) -> int:
        """The level that training can start at."""
        ...

    @property
    def text(self) -> str:
        """What is taken over, in words."""
        ...


LookUp = Callable[[Plan], Start | None]
"""Tells what of the prior fits a provisional plan; None: there is no prior for it."""


def start_rules(
    draft: Draft,
    preset: Preset,
    rules: RecipeRules,
    provisional: Callable[[], Plan],
    look_up: LookUp | None,
) -> None:
    """Decide `train.init`; with the prior, low levels need no images any more.

    Raises:
        UserError: the user asks for the prior and it does not fit.
    """
    draft.rule("train.init", "scratch", "provisional")
    stated = "train.init" in draft.overrides or "train.init" in draft.given
    if stated and draft.values["train.init"] == "scratch":
        return
    found = look_up(provisional()) if rules.prior and look_up is not None else None
    if found is None or not found.fits:
        reason = "there is no physics prior for these networks"
        if found is not None:
            reason = f"too little would be taken over: {found.text}"
        if "train.init" in draft.overrides:
            raise UserError(
                f"the plan cannot start from the physics prior: {reason}",
                do="leave --set train.init out, or the values that change the networks",
            )
        draft.cap("train.init", "scratch", reason)
        return
    draft.cap("train.init", "phantom", found.text)
    chosen = draft.values["network.channels"]
    levels = len(chosen) if isinstance(chosen, list) else 1
    draft.rule(
        "train.level_shares",
        level_shares(preset, levels, first=found.level),
        f"the physics prior starts at level {found.level}: it has learnt what is below",
    )


def level_shares(preset: Preset, levels: int, *, first: int = 0) -> list[float]:
    """Share of the images at each level, lowest first; none below `first`."""
    weights = (preset.level_weights + [0.0] * levels)[:levels][::-1]
    weights[:first] = [0.0] * first
    below = sum(weights[:-1])
    if preset.low_levels is not None and below > 0 and weights[-1] > 0:
        # The climb keeps its proportions; the top level gets the rest.
        weights[-1] = below * (1 - preset.low_levels) / max(preset.low_levels, 1e-9)
    total = sum(weights)
    shares = [round(weight / total, 4) for weight in weights]
    # Rounding must not break the sum; the top level takes the rest.
    shares[-1] = round(1 - sum(shares[:-1]), 4)
    return shares
