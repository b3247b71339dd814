"""The growth schedule: images seen to (level, alpha), and real images as a stage shows them.

Each level gets its share of all images. At its beginning it is faded in over `fade` of all
images, or over half of its own share where that is less, so that every level is seen in full.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from popgan.config.training import TrainPlan
from popgan.networks.layers import downsample, enlarge


class Stage(NamedTuple):
    """Where growth stands: the topmost active level and how far it is faded in (0 .. 1)."""

    level: int
    alpha: float


def stage_at(images: int, plan: TrainPlan) -> Stage:
    """The stage when `images` have been seen.

    Levels with a share of zero are skipped; the first level that is trained is never faded in,
    since there is nothing to fade it from.
    """
    start, first = 0.0, True
    last = max(index for index, share in enumerate(plan.level_shares) if share > 0)
    for level, share in enumerate(plan.level_shares):
        if share == 0:
            continue
        length = share * plan.images
        if images < start + length or level == last:
            fade = min(plan.fade * plan.images, length / 2)
            if first or fade < 1:
                return Stage(level, 1.0)
            return Stage(level, min(1.0, max(0.0, (images - start) / fade)))
        start, first = start + length, False
    raise AssertionError("level_shares sums to 1, so some level holds the last image")


def rate_factor(images: int, plan: TrainPlan) -> float:
    """What the learning rates are multiplied with when `images` have been seen.

    1 until the top level is fully in, then half a cosine down to `lr_end` at the end. Players
    that still take large steps circle each other, and the average of a circle is blurred.
    """
    return annealed(1.0, plan.lr_end, images, plan)


def annealed(start: float | None, end: float, images: int, plan: TrainPlan) -> float:
    """A value on its way from `start` to `end`; None starts at the end, so it is constant.

    It stays at `start` until the top level is fully in, then half a cosine leads to `end`.
    """
    if start is None:
        return end
    grown = fully_grown_at(plan)
    if images <= grown:
        return start
    progress = min(1.0, (images - grown) / max(1, plan.images - grown))
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


def fully_grown_at(plan: TrainPlan) -> int:
    """Images seen when the topmost level is fully in, or when streams are finished."""
    if plan.stream_share is not None:
        return round(plan.images * plan.stream_share)
    top = max(index for index, share in enumerate(plan.level_shares) if share > 0)
    before = sum(plan.level_shares[:top])
    if before == 0:
        return 0
    return round(plan.images * (before + min(plan.fade, plan.level_shares[top] / 2)))


def at_stage(images: Tensor, stage: Stage, levels: int) -> Tensor:
    """Full-size images as the stage shows them: averaged down, and blended while fading in.

    Args:
        images: N x C x H x W at full size.
        stage: level and fade.
        levels: how many levels there are.
    """
    factor = 2 ** (levels - 1 - stage.level)
    images = F.avg_pool2d(images, factor) if factor > 1 else images
    if stage.alpha < 1:
        coarse = enlarge(downsample(images))
        images = coarse + stage.alpha * (images - coarse)
    return images
