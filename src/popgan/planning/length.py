"""How long to train, and what hangs on it: half-life of the average, ticks, snapshots."""

from __future__ import annotations

import math
from collections.abc import Callable

from popgan.config.preset import Preset
from popgan.config.schema import Plan
from popgan.planning.budget import images_within, parse_budget, refuse_few, refuse_short, trained
from popgan.planning.draft import Draft
from popgan.planning.recipes import RecipeRules
from popgan.planning.trial import SHARE, Trial, micro_batch, snapshots_within

SUSTAINED = 0.88
"""Speed of a long run as a share of the probe's: processors run faster for two seconds than for
ten minutes, and sample grids and checkpoints take their time. Runs so far: 0.86 to 0.96.

Other programs are not allowed for: how long they will stay nobody knows. The probe looks for a
moment without them (`training/probe.py`), and where it finds none the plan says so."""

LEAST_HALF_LIFE = 100
"""Images: an average over fewer is none."""

Probe = Callable[[Plan], list[float]]
"""Measures images/s at each level of a provisional plan."""


def length_rules(
    draft: Draft,
    preset: Preset,
    rules: RecipeRules,
    budget: str | None,
    provisional: Callable[[], Plan],
    probe: Probe,
    trial: Trial | None,
) -> None:
    """Number of images, by a measured probe where a time was given; and what hangs on it."""
    stated = "train.images" in draft.overrides or ("train.images" in draft.given and not budget)
    budget = budget if budget is not None else preset.budget
    if stated or budget is None:
        images = preset.images or 100_000
        draft.follows("train.images", images, "fixed", preset.images_reason)
        length_dependants(draft, preset, rules)
        refuse_few(provisional().train)
        chosen = draft.values["train.images"]
        count, _, reason = snapshots_within(trial, chosen if isinstance(chosen, int) else 0, None)
        draft.rule("train.snapshots", count, reason)
        return
    seconds = parse_budget(budget)
    plan = provisional()
    speeds = probe(plan)
    if found := micro_batch(trial, plan.train.batch, plan.train.level_shares):
        draft.rule("train.micro_batch", *found)
    count, cost, reason = snapshots_within(trial, 10**6, SUSTAINED * seconds)
    chosen = draft.rule("train.snapshots", count, reason)
    measuring = cost * chosen if isinstance(chosen, int) else 0.0
    granted = SUSTAINED * seconds - measuring
    images = images_within(granted, plan.train.level_shares, speeds, plan.train.batch)
    fixed = chosen != count  # else a longer budget has more snapshots, up to their share
    refuse_short(
        budget,
        images if granted > 0 else 0,
        plan.train,
        speeds,
        SUSTAINED if fixed else SUSTAINED * (1 - SHARE),
        measuring / SUSTAINED if fixed else 0.0,
    )
    shares = plan.train.level_shares
    measured = ", ".join(f"{speed:.0f}" for speed in trained(speeds, shares))
    reason = f"budget {budget}: {measured} images/s at the levels, {SUSTAINED:.0%} of it sustained"
    draft.cap("train.images", images, reason + _busy(trial))
    length_dependants(draft, preset, rules)


def _busy(trial: Trial | None) -> str:
    """That other programs were in the way, for the reason; empty where they were not."""
    share = trial.busy() if trial else None
    if share is None:
        return ""
    return (
        f"; measured while other programs kept the machine busy and popgan got {share:.0%} of the "
        "processor's time, so training may be much shorter than the budget"
    )


def length_dependants(draft: Draft, preset: Preset, rules: RecipeRules) -> None:
    """What hangs on the number of images, which may be provisional."""
    images, batch = draft.values["train.images"], draft.values["train.batch"]
    count = images if isinstance(images, int) and images > 0 else 1
    if preset.ema_share is not None:
        half_life = float(max(LEAST_HALF_LIFE, math.floor(count * preset.ema_share)))
        reason = f"{preset.ema_share:.2g} of the images of the run, at least {LEAST_HALF_LIFE}"
        ramp = draft.values.get("train.ema_ramp")
        if isinstance(ramp, float) and ramp < preset.ema_share:
            reason += f"; never more than {ramp:.2g} of those seen so far (train.ema_ramp)"
        reason += f": {preset.ema_reason}" if preset.ema_reason else ""
        # The share takes the place of a half-life that the preset states as well.
        source = "tuned" if "train.ema_half_life" in draft.found else "rule"
        draft.decide("train.ema_half_life", half_life, source, reason)
    else:
        whole = batch if isinstance(batch, int) and batch > 0 else 1
        half_life, reason = rules.half_life(count, whole)
        draft.rule("train.ema_half_life", half_life, reason)
    ticks = max(4, min(100, count // 2000))
    reason = (
        "a sample grid, a log row and a checkpoint for every 2 kimg, 4 at least and 100 at most"
    )
    draft.rule("train.ticks", ticks, reason)
