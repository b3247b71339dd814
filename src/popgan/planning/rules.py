"""From a cohort and a machine to a plan, every value with its reason.

A rule looks at facts (slices, resolution, cores) and at what was decided before it; a value that
the user sets with `--set` replaces the rule's, and later rules see the user's value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from popgan.config.augmentation import AugmentationPlan
from popgan.config.preset import Preset, load_preset
from popgan.config.schema import DataPlan, Plan
from popgan.planning.budget import images_within, parse_budget, refuse_copies, refuse_short
from popgan.planning.draft import Draft
from popgan.planning.recipes import RecipeRules, find_rules
from popgan.planning.start import LookUp, level_shares, start_rules
from popgan.planning.translation import translator_rules
from popgan.planning.trial import Trial, micro_batch, snapshots_within

SUSTAINED = 0.88
"""Speed of a long run as a share of the probe's: processors run faster for two seconds than for
ten minutes, and sample grids and checkpoints take their time. Runs so far: 0.88 to 0.96."""

SIDED = 0.9
"""Share of a label in one half of the image, mean over subjects, from which on it has a side."""

Probe = Callable[[Plan], list[float]]
"""Measures images/s at each level of a provisional plan."""


@dataclass(frozen=True)
class MachineFacts:
    """What rules need to know of the machine."""

    cores: int
    device: str
    bf16: bool


def build_plan(
    data: DataPlan,
    *,
    preset_name: str,
    recipe: str,
    seed: int,
    budget: str | None,
    overrides: Mapping[str, Any],
    machine: MachineFacts,
    probe: Probe,
    trial: Trial | None = None,
    prior: LookUp | None = None,
    preset: Preset | None = None,
) -> Plan:
    """Decide every value of a plan.

    Args:
        data: facts of the cohort.
        preset_name: name of a preset.
        recipe: name of a recipe.
        seed: seed of the run.
        budget: training time as the user wrote it, or None for the preset's.
        overrides: values that the user set, by dotted name.
        machine: facts of the machine.
        probe: measures the speed of a provisional plan; called only if a time must become images.
        trial: what else can be measured; None: nothing.
        prior: tells what of the physics prior fits; None: there is none.
        preset: the preset itself, where it is not one of the recipe's files.

    Raises:
        UserError: unknown preset, bad budget, unknown or impossible value; a batch larger than
            the training split; a budget too short for a level; a prior that does not fit.
    """
    rules, preset = find_rules(recipe), preset or load_preset(preset_name, recipe)
    draft = Draft(overrides)
    for name, (value, reason) in preset.values.items():
        draft.fixed(name, value, reason)
    if rules.translates:
        draft.fixed("network.kind", rules.kind, "the recipe's networks")
        translator_rules(draft, data, recipe)
    else:
        _network_rules(draft, preset, rules, data)
    _training_rules(draft, preset, rules, data, machine)
    _mask_rules(draft, data)
    draft.fixed("generate.n", preset.generate, f"preset {preset_name}")
    draft.fixed("evaluate.n", preset.evaluate, f"preset {preset_name}")
    top = {"recipe": recipe, "preset": preset_name, "seed": seed, "data": data.model_dump()}
    draft.fixed("train.images", 10**6, "provisional")
    draft.rule("train.snapshots", 0, "provisional")
    _length_dependants(draft, preset, rules)
    start_rules(draft, preset, rules, lambda: draft.plan(**top), prior)
    _length_rules(draft, preset, rules, budget, lambda: draft.plan(**top), probe, trial)
    return draft.plan(**top)


def _levels(side_a: int, side_b: int, patch: int) -> int:
    """How often both sides can be halved down to a grid of at least 3 patches a side.

    4 is preferred as the lowest grid, as in the progressive GAN: fewer levels than possible are
    taken where the last halving would go below it.
    """
    levels, a, b = 1, side_a // patch, side_b // patch
    while a % 2 == 0 and b % 2 == 0 and min(a, b) // 2 >= 3:
        if min(a, b) // 2 < 4 and max(a, b) <= 8:
            break
        a, b, levels = a // 2, b // 2, levels + 1
    return levels


def _network_rules(draft: Draft, preset: Preset, rules: RecipeRules, data: DataPlan) -> None:
    draft.fixed("network.kind", rules.kind, "the recipe's networks")
    if rules.patch is not None:
        draft.fixed("network.patch", rules.patch, "as these networks are built")
    patch = draft.values["network.patch"]
    patch = patch if patch in (1, 2) else 1
    levels = _levels(data.height, data.width, patch)
    low = min(data.height, data.width) // patch // 2 ** (levels - 1)
    base, most, whole = preset.channel_base, preset.channel_max, rules.multiple
    maps = [base // (low * 2**level) // whole * whole for level in range(levels)]
    draft.rule(
        "network.channels",
        [max(8, min(most, count)) for count in maps],
        f"min({most}, {base} / side of the feature grid): {preset.channel_reason}",
    )
    told = ", ".join(rules.condition)
    reason = f"the recipe is told the {told} of each slice" if told else "nothing is asked for"
    draft.rule("network.condition", rules.condition, reason)


def _training_rules(
    draft: Draft, preset: Preset, rules: RecipeRules, data: DataPlan, machine: MachineFacts
) -> None:
    slices = data.train_slices
    # An even batch of at least two always fits, because the sampler runs over epochs.
    batch = max(2, min(preset.batch, slices // 2 * 2))
    reason = preset.batch_reason if batch == preset.batch else f"only {slices} training slices"
    batch = draft.decide("train.batch", batch, "fixed" if batch == preset.batch else "rule", reason)
    whole = batch if isinstance(batch, int) and batch > 0 else 1
    refuse_copies(whole, slices)
    draft.rule(
        "train.micro_batch",
        batch,
        "the whole batch; if memory is not enough, training halves it and says so",
    )
    if rules.group:
        group = max(size for size in (4, 3, 2, 1) if whole % size == 0)
        reason = f"largest divisor of the batch {batch} up to 4"
        draft.rule("network.minibatch_stddev", group, reason)
    elif not rules.translates:
        draft.fixed("network.minibatch_stddev", 1, "these networks have none")
    _gamma_rule(draft, preset, rules, data, whole)
    _augmentation_rules(draft)
    chosen = draft.values.get("network.channels")
    levels = len(chosen) if isinstance(chosen, list) else 1
    reason = "a translator does not grow" if rules.translates else preset.level_reason
    draft.rule("train.level_shares", level_shares(preset, levels), reason)
    if "train.shuffle_buffer" not in draft.values:
        draft.rule("train.shuffle_buffer", slices, f"all {slices} training slices: full shuffle")
    draft.rule(
        "train.precision",
        "bf16" if machine.bf16 else "fp32",
        f"the {machine.device} {'has' if machine.bf16 else 'has no'} fast bfloat16 arithmetic",
    )
    draft.rule("train.threads", machine.cores, f"{machine.cores} usable cores")


def _gamma_rule(
    draft: Draft, preset: Preset, rules: RecipeRules, data: DataPlan, batch: int
) -> None:
    if draft.values.get("train.loss") == "wgan-gp":
        draft.rule(
            "train.gamma",
            10.0,
            "wgan-gp: lambda of its own penalty as published, in every step and at every level; "
            "train.r2 and train.penalty_interval do not count",
        )
        return
    value, reason = rules.gamma(preset, data, batch)
    gamma = draft.rule("train.gamma", round(value, 4), reason)
    if preset.gamma_start != 1 and isinstance(gamma, int | float):
        reason = f"{preset.gamma_start:g} x train.gamma: {preset.gamma_reason}"
        draft.rule("train.gamma_start", round(gamma * preset.gamma_start, 4), reason)


ADA_INTENSITY = {
    "brightness": (0.2, "gain differs by this between scans; air stays air"),
    "contrast": (0.3, "slopes of the scale of greys change by at most this"),
    "noise": (0.0, "published: noise helps no more (Karras et al., 2020)"),
    "cutout": (0.0, "published: holes help no more (Karras et al., 2020)"),
}


def _augmentation_rules(draft: Draft) -> None:
    """What a preset leaves open: nothing beyond geometry, but with `ada` mild intensity too."""
    if "augmentation.method" not in draft.values:
        reason = "a fixed share of the images is moved, mildly, as the presets were tried"
        draft.rule("augmentation.method", "affine", reason)
    method = draft.values["augmentation.method"]
    published = "published (Karras et al., 2020)"
    for name, field in AugmentationPlan.model_fields.items():
        dotted = f"augmentation.{name}"
        if dotted in draft.values or field.is_required():
            continue
        if method == "ada":
            value, reason = ADA_INTENSITY.get(name, (field.default, published))
        else:
            value, reason = field.default, f"not used by {method}"
        draft.rule(dotted, value, reason)


def _mask_rules(draft: Draft, data: DataPlan) -> None:
    """Which labels are drawn; heads are not mirrored where a label has a side."""
    reason = "nothing is asked for"
    if data.masks:
        reason = f"labels of {data.label_map} that enough training slices show"
    if data.unmapped:
        reason += f"; {data.unmapped} training slices without a map are left out"
    draft.rule("network.masks", [mask.value for mask in data.masks], reason)
    sided = [mask.name for mask in data.masks if max(mask.left, 1 - mask.left) >= SIDED]
    if sided:
        named = ", ".join(sided[:4]) + (" and others" if len(sided) > 4 else "")
        reason = (
            f"{named}: on one side of nearly every head, and a mirrored one would be mislabelled"
        )
        draft.rule("augmentation.flip", False, reason)


def _length_rules(
    draft: Draft,
    preset: Preset,
    rules: RecipeRules,
    budget: str | None,
    provisional: Callable[[], Plan],
    probe: Probe,
    trial: Trial | None,
) -> None:
    """Number of images, by a measured probe where a time was given; and what hangs on it."""
    budget = budget if budget is not None else preset.budget
    if "train.images" in draft.overrides or budget is None:
        draft.fixed("train.images", preset.images or 100_000, preset.images_reason)
        _length_dependants(draft, preset, rules)
        chosen = draft.values["train.images"]
        count, _, reason = snapshots_within(trial, chosen if isinstance(chosen, int) else 0, None)
        draft.rule("train.snapshots", count, reason)
        return
    seconds = parse_budget(budget)
    plan = provisional()
    speeds = probe(plan)
    if found := micro_batch(trial, plan.train.batch):
        draft.rule("train.micro_batch", *found)
    count, cost, reason = snapshots_within(trial, 10**6, SUSTAINED * seconds)
    count = draft.decide("train.snapshots", count, "rule", reason)
    granted = SUSTAINED * seconds - (count * cost if isinstance(count, int) else 0)
    images = images_within(granted, plan.train.level_shares, speeds, plan.train.batch)
    refuse_short(budget, images, plan.train, speeds, SUSTAINED)
    measured = ", ".join(f"{speed:.0f}" for speed in speeds)
    draft.rule(
        "train.images",
        images,
        f"budget {budget}: {measured} images/s at the levels, {SUSTAINED:.0%} of it sustained",
    )
    _length_dependants(draft, preset, rules)


def _length_dependants(draft: Draft, preset: Preset, rules: RecipeRules) -> None:
    images, batch = draft.values["train.images"], draft.values["train.batch"]
    count = images if isinstance(images, int) and images > 0 else 1
    if preset.ema_share is not None:
        half_life = float(max(100, math.floor(count * preset.ema_share)))
        reason = f"{preset.ema_share:.2g} of the images of the run, at least 100"
        draft.rule("train.ema_half_life", half_life, reason)
    elif "train.ema_half_life" not in preset.values:
        whole = batch if isinstance(batch, int) and batch > 0 else 1
        half_life, reason = rules.half_life(count, whole)
        draft.rule("train.ema_half_life", half_life, reason)
    ticks = max(4, min(100, count // 2000))
    draft.rule("train.ticks", ticks, "a sample grid, a log row and a checkpoint every 2 kimg")
