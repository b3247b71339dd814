"""From a cohort and a machine to a plan, every value with its reason.

A rule looks at facts (slices, resolution, cores) and at what was decided before it; a value that
the user sets with `--set` replaces the rule's, and later rules see the user's value. What the rules
are, on which facts, and what is known about each stands in `planning/origins.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from popgan.config.network import KINDS
from popgan.config.preset import Preset, load_preset
from popgan.config.preset_model import reasoned
from popgan.config.schema import DataPlan, Plan
from popgan.errors import UserError
from popgan.planning.augmentation import SIDED as SIDED
from popgan.planning.augmentation import augmentation_rules, mask_rules
from popgan.planning.budget import refuse_copies
from popgan.planning.draft import Draft
from popgan.planning.facts import CohortFacts
from popgan.planning.facts import MachineFacts as MachineFacts
from popgan.planning.length import SUSTAINED as SUSTAINED
from popgan.planning.length import Probe as Probe
from popgan.planning.length import length_dependants, length_rules
from popgan.planning.recipes import RecipeRules, find_rules
from popgan.planning.start import LookUp, level_shares, start_rules
from popgan.planning.translation import translator_rules
from popgan.planning.trial import Trial

NOTHING_KNOWN = CohortFacts()


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
    facts: CohortFacts = NOTHING_KNOWN,
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
        facts: what reasons can say about the cohort.

    Raises:
        UserError: unknown preset, bad budget, unknown or impossible value; a batch larger than
            the training split; a budget too short for a level; a prior that does not fit.
    """
    rules = find_rules(recipe)
    preset = reasoned(preset or load_preset(preset_name, recipe))
    draft = Draft(overrides, preset)
    if rules.translates:
        draft.fixed("network.kind", rules.kind, "the recipe's networks")
        translator_rules(draft, data, recipe)
    else:
        _network_rules(draft, preset, rules, data, facts)
    _training_rules(draft, preset, rules, data, machine)
    augmentation_rules(draft, facts)
    mask_rules(draft, data)
    draft.follows("generate.n", preset.generate, "fixed", f"preset {preset_name}")
    draft.follows("evaluate.n", preset.evaluate, "fixed", f"preset {preset_name}")
    top = {"recipe": recipe, "preset": preset_name, "seed": seed, "data": data.model_dump()}
    draft.fixed("train.images", 10**6, "provisional")
    draft.rule("train.snapshots", 0, "provisional")
    length_dependants(draft, preset, rules)
    start_rules(draft, preset, rules, lambda: draft.plan(**top), prior)
    length_rules(draft, preset, rules, budget, lambda: draft.plan(**top), probe, trial)
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


def _network_rules(
    draft: Draft, preset: Preset, rules: RecipeRules, data: DataPlan, facts: CohortFacts
) -> None:
    draft.fixed("network.kind", rules.kind, "the recipe's networks")
    if rules.patch is not None:
        draft.fixed("network.patch", rules.patch, "as these networks are built")
    patch = draft.values["network.patch"]
    patch = patch if patch in (1, 2) else 1
    levels = _levels(data.height, data.width, patch)
    low = min(data.height, data.width) // patch // 2 ** (levels - 1)
    base, most, whole = preset.channel_base, preset.channel_max, rules.multiple
    maps = [base // (low * 2**level) // whole * whole for level in range(levels)]
    draft.follows(
        "network.channels",
        [max(8, min(most, count)) for count in maps],
        "rule",
        f"min({most}, {base} / side of the feature grid): {preset.channel_reason}",
    )
    told = ", ".join(rules.condition)
    reason = f"the recipe is told the {told} of each slice" if told else "nothing is asked for"
    if "label" in rules.condition and facts.balance:
        reason += f": {facts.balance}"
    draft.rule("network.condition", rules.condition, reason)
    if rules.kind == "progressive":
        draft.fixed("network.kernel", None, "3 x 3, as in progressive GANs")


def _training_rules(
    draft: Draft, preset: Preset, rules: RecipeRules, data: DataPlan, machine: MachineFacts
) -> None:
    slices = data.train_slices
    # An even batch of at least two always fits, because the sampler runs over epochs.
    batch = max(2, min(preset.batch, slices // 2 * 2))
    if batch == preset.batch:
        batch = draft.follows("train.batch", batch, "fixed", preset.batch_reason)
    else:
        found = f", too few for the study's {preset.batch}" if "train.batch" in draft.found else ""
        batch = draft.rule("train.batch", batch, f"only {slices} training slices{found}")
    whole = batch if isinstance(batch, int) and batch > 0 else 1
    refuse_copies(whole, slices)
    room = f" of {machine.room_gib:.3g} GiB" if machine.room_gib else ""
    undivided = KINDS[rules.kind].whole
    reason = f"the whole batch; if memory{room} is not enough, training halves it and says so"
    if undivided:
        reason = f"the whole batch: {undivided}, so it cannot be divided"
    micro = draft.rule("train.micro_batch", batch, reason)
    parts = micro if isinstance(micro, list) else [micro]
    if undivided and any(isinstance(part, int) and 0 < part < whole for part in parts):
        raise UserError(
            f"train.micro_batch {micro} is not possible with this recipe: {undivided}",
            do=f"leave it out, or set a smaller train.batch than {whole}",
        )
    if rules.group:
        group = max(size for size in (4, 3, 2, 1) if whole % size == 0)
        reason = f"largest divisor of the batch {batch} up to 4"
        draft.rule("network.minibatch_stddev", group, reason)
    elif not rules.translates:
        draft.fixed("network.minibatch_stddev", 1, "these networks have none")
    _gamma_rule(draft, preset, rules, data, whole)
    chosen = draft.values.get("network.channels")
    levels = len(chosen) if isinstance(chosen, list) else 1
    reason = "a translator does not grow" if rules.translates else preset.level_reason
    draft.follows("train.level_shares", level_shares(preset, levels), "rule", reason)
    draft.rule("train.shuffle_buffer", slices, f"all {slices} training slices: full shuffle")
    draft.rule(
        "train.precision",
        "bf16" if machine.bf16 else "fp32",
        f"the {machine.named} {'has' if machine.bf16 else 'has no'} fast bfloat16 arithmetic",
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
    gamma = draft.follows("train.gamma", round(value, 4), "rule", reason)
    if preset.gamma_start != 1 and isinstance(gamma, int | float):
        reason = f"{preset.gamma_start:g} x train.gamma: {preset.gamma_reason}"
        draft.follows("train.gamma_start", round(gamma * preset.gamma_start, 4), "rule", reason)
