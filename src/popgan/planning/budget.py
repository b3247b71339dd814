"""Time that a user grants, turned into images: the only place where seconds shape a run.

And what is too little: images without a batch for every level, a cohort smaller than a batch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from popgan.config.training import TrainPlan
from popgan.errors import UserError

FEWEST_STEPS = 10
"""Batches that a budget has to pay for: fewer are no training."""
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_budget(text: str) -> float:
    """Seconds of a budget such as "90s", "6m", "1h30m" or "2d".

    Raises:
        UserError: the text is not such a time, or is shorter than ten seconds.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text.strip().lower())
    if not parts or "".join(a + b for a, b in parts) != text.strip().lower():
        raise UserError(f"budget {text!r} is not a time", do="write it as 90s, 6m, 1h30m or 2d")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if not 10 <= seconds <= 365 * 86400:
        raise UserError(f"budget {text!r} is out of range", do="grant 10 seconds to 365 days")
    return seconds


def check_budget(budget: str | None, overrides: Mapping[str, object]) -> None:
    """Refuse a length of training that cannot be meant.

    Args:
        budget: as the user wrote it; None where nothing was asked for.
        overrides: values that the user set.

    Raises:
        UserError: it is no time, or a number of images was set as well.
    """
    if budget is None:
        return
    parse_budget(budget)
    if "train.images" in overrides:
        raise UserError(
            f"--budget {budget} and --set train.images both say how long to train",
            do="give one of them",
        )


def seconds_an_image(shares: Sequence[float], speeds: Sequence[float]) -> float:
    """Seconds that an image takes, on average over the levels.

    Args:
        shares: share of images of each level; sums to 1.
        speeds: images/s measured at each level (any number where the share is 0).
    """
    return sum(share / speed for share, speed in zip(shares, speeds, strict=True) if share > 0)


def trained(speeds: Sequence[float], shares: Sequence[float]) -> list[float]:
    """Speeds of the levels that have images: of the others nothing was measured."""
    return [speed for speed, share in zip(speeds, shares, strict=False) if share > 0]


def images_within(seconds: float, shares: list[float], speeds: list[float], batch: int) -> int:
    """Images that fit into a time when each level has its share and its speed.

    Args:
        seconds: training time.
        shares, speeds: see `seconds_an_image`.
        batch: the result is a multiple of it, maybe none.
    """
    return max(0, round(seconds / seconds_an_image(shares, speeds) / batch)) * batch


def seconds_needed(plan: TrainPlan, speeds: list[float]) -> float:
    """Training time of a plan at measured speeds."""
    return plan.images * seconds_an_image(plan.level_shares, speeds)


def images_needed(plan: TrainPlan) -> int:
    """Images from which on every level that is trained gets a batch."""
    return math.ceil(plan.batch / min(share for share in plan.level_shares if share > 0))


def _images_worth_it(plan: TrainPlan) -> int:
    """Images from which on a time is worth granting: every level trained, and a few steps."""
    return max(images_needed(plan), FEWEST_STEPS * plan.batch)


def refuse_short(
    budget: str,
    images: int,
    plan: TrainPlan,
    speeds: list[float],
    sustained: float,
    measuring: float = 0.0,
) -> None:
    """Every level must get at least one batch, or growth would skip it; and all of them ten.

    Args:
        budget: as the user wrote it.
        images: what it comes to.
        plan: batch and shares of the levels.
        speeds: images/s measured at each level.
        sustained: share of these speeds that a long run keeps.
        measuring: seconds beside training.

    Raises:
        UserError: it is too short; says how much is enough.
    """
    needed = _images_worth_it(plan)
    if images < needed:
        longer = plan.model_copy(update={"images": needed + plan.batch})
        enough = seconds_needed(longer, speeds) / sustained + measuring
        raise UserError(
            f"budget {budget} is too short: {images} images can be trained on, and {needed} are "
            f"needed for {FEWEST_STEPS} batches of {plan.batch} and one at every level",
            do=f"grant {math.ceil(enough)}s or more",
        )


def refuse_few(plan: TrainPlan) -> None:
    """Refuse a number of images, which somebody states, without a batch for every level.

    Raises:
        UserError: it is too small; says how many are enough.
    """
    needed = images_needed(plan)
    if plan.images < needed:
        raise UserError(
            f"train.images {plan.images} is too few: {needed} are needed for a batch at every "
            "level that is trained",
            do=f"set train.images={needed} or more",
        )


def refuse_copies(batch: int, slices: int) -> None:
    """A batch that consists of copies teaches no more than a small one.

    Raises:
        UserError: the batch is more than twice the training slices.
    """
    if batch > 2 * slices:
        raise UserError(
            f"train.batch {batch} is too large for {slices} training slices: every step would show "
            "each of them several times",
            do=f"take {max(2, slices // 2 * 2)} or less, or add subjects",
        )
