"""Where every value of a plan comes from: who decides it, by which rule, on which facts, and what
is known about how good that is.

This is the table of `docs/plan.md` and what `popgan plan --explain` shows. Tests hold it against
the rules themselves: a fact that a value depends on and that is not named here is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from popgan.planning.length import SUSTAINED
from popgan.planning.translation import NEAR, SMALLEST, SMALLEST_JUDGED
from popgan.planning.trial import LEAST_SUBJECTS, MOST, SHARE

By = Literal["preset", "rule", "preset or rule", "recipe", "you"]
NOT_SEARCHED = "not searched yet"
NO_CHOICE = "nothing to search"
PUBLISHED = "published; not searched yet"
FOUND = (
    "found for `popgan` by a search (24 trials at 64 x 64, IXI), looked at on two other cohorts: "
    "`benchmarks/tuning.py`"
)
KEPT = "a search of `popgan` (24 trials at 64 x 64, IXI) kept it: `benchmarks/tuning.py`"
_SIZE = ("data.height", "data.width")
_COSTS = "`benchmarks/augmentation.py`"
_COST = f"what it costs: {_COSTS}; its strength is not searched yet"
_LEAKS = (
    "leaks into samples where every image is moved, not where 80 % are: "
    "`tests/recipes/test_leakage.py`"
)
_LEAK = f"{_LEAKS}; {NOT_SEARCHED}"


@dataclass(frozen=True)
class Origin:
    """Where one value comes from.

    Attributes:
        by: who decides: a preset's constant; a rule; a preset's constant that a rule may replace,
            or a rule where the preset has none; the recipe, whatever the preset; or the user alone.
        rule: in words; empty where a constant is all there is.
        facts: what the rule looks at: values of the plan, facts of the cohort (`data.`, `cohort.`)
            and of the machine (`machine.`), parameters of presets (`preset.`), the budget.
        evidence: what was measured about it, and by which benchmark.
        others: facts that count for a recipe instead.
    """

    by: By
    rule: str = ""
    facts: tuple[str, ...] = ()
    evidence: str = NOT_SEARCHED
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def facts_of(self, recipe: str) -> tuple[str, ...]:
        """What the rule looks at in a recipe."""
        return self.others.get(recipe, self.facts)


ORIGINS: dict[str, Origin] = {
    "network.kind": Origin("recipe", "the recipe's networks", ("recipe",), NO_CHOICE),
    "network.minibatch_stddev": Origin(
        "preset or rule",
        "largest divisor of the batch up to 4; 1 where there is none",
        ("train.batch",),
        PUBLISHED,
    ),
    "network.condition": Origin(
        "preset or rule",
        "what the recipe is told: the label for `cgan`, else what you ask for",
        ("recipe", "data.conditions"),
        NO_CHOICE,
    ),
    "network.masks": Origin(
        "rule",
        "the labels you ask for that enough training slices show",
        ("data.masks",),
        NO_CHOICE,
    ),
    "network.latent_dim": Origin("preset"),
    "network.channels": Origin(
        "rule",
        "min(channel_max, channel_base / side of the feature grid), a level for each halving down "
        "to a grid of 4 (or 3) patches",
        (*_SIZE, "network.patch", "preset.channel_base", "preset.channel_max"),
    ),
    "network.patch": Origin("preset", "some recipes have one patch only", ("recipe",)),
    "network.dropout": Origin("preset", evidence=FOUND),
    "network.pixel_norm": Origin("preset", evidence=PUBLISHED),
    "network.kernel": Origin("preset", "3 unless stated", (), NOT_SEARCHED),
    "network.mapping_layers": Origin("preset", evidence=PUBLISHED),
    "network.blocks": Origin("preset"),
    "network.sources": Origin(
        "rule",
        "all contrasts of the cohort but the target",
        ("data.contrasts", "network.target"),
        NO_CHOICE,
    ),
    "network.target": Origin("you", "the contrast you ask for", (), NO_CHOICE),
    "network.neighbours": Origin(
        "preset or rule",
        f"1 where slices are at most {NEAR:g} mm apart, else 0",
        ("data.slice_distance",),
    ),
    "network.width": Origin("preset"),
    "network.halvings": Origin(
        "preset or rule", f"the preset's, but no halving below {SMALLEST} pixels", _SIZE
    ),
    "network.skips": Origin("preset"),
    "network.norm": Origin("preset"),
    "network.judge_width": Origin("preset"),
    "network.judge_layers": Origin(
        "preset or rule",
        f"the preset's, but {SMALLEST_JUDGED} pixels are left for a patch to be judged",
        _SIZE,
    ),
    "network.fusion": Origin(
        "rule",
        "all places there are; the tuning split chooses among them in training",
        ("network.halvings",),
        "searched in every training, by the tuning split",
    ),
    "augmentation.method": Origin(
        "preset or rule", "affine unless stated", (), f"what it costs: {_COSTS}; {KEPT}"
    ),
    "augmentation.probability": Origin("preset", evidence=f"{_LEAKS}; {FOUND}"),
    "augmentation.flip": Origin(
        "preset or rule",
        "the preset's, but off where a label that is drawn has a side",
        ("data.masks",),
    ),
    "augmentation.shift": Origin("preset", evidence=_LEAK),
    "augmentation.rotation": Origin("preset", evidence=_LEAK),
    "augmentation.scale": Origin("preset", evidence=_LEAK),
    **{
        f"augmentation.{name}": Origin(
            "rule", "mild with `ada`, not used else", ("augmentation.method", "cohort.noise"), _COST
        )
        for name in ("brightness", "contrast", "noise", "cutout")
    },
    **{
        f"augmentation.{name}": Origin(
            "rule", "as published for `ada`, not used else", ("augmentation.method",), PUBLISHED
        )
        for name in ("target", "interval")
    },
    "augmentation.speed": Origin(
        "preset or rule",
        "as published for `ada`, not used else",
        ("augmentation.method",),
        PUBLISHED,
    ),
    "train.init": Origin(
        "rule",
        "the physics prior where it has at least 90 % of each network's numbers",
        (
            *("recipe", *_SIZE, "data.contrasts", "data.skull", "data.masks"),
            *("network.channels", "network.latent_dim", "network.patch", "network.kernel"),
            *("network.pixel_norm", "network.minibatch_stddev", "network.condition"),
        ),
        "KID 0.081 after 8 minutes with it, 0.235 without, three seeds each: "
        "`benchmarks/tuning.py --only verify`",
    ),
    "train.images": Origin(
        "preset or rule",
        f"{SUSTAINED:.0%} of the budget at the measured speed, less the time of snapshots",
        (
            *("budget", "preset.images", "machine.images_per_second", "train.batch"),
            *("train.level_shares", "train.snapshots"),
        ),
        "long runs keep 0.86 to 0.96 of a short probe's speed: `benchmarks/main_line.py`",
    ),
    "train.batch": Origin(
        "preset or rule",
        "the preset's, but no more than the training slices",
        ("preset.batch", "data.train_slices"),
        KEPT,
    ),
    "train.micro_batch": Origin(
        "rule",
        "the whole batch, or what fits into the memory at each level, measured with speed",
        ("train.batch", "machine.memory_gib"),
        "the same steps up to rounding, so nothing to search",
    ),
    "train.loss": Origin("preset", evidence=KEPT),
    "train.lr_generator": Origin("preset", evidence=FOUND),
    "train.lr_discriminator": Origin("preset", evidence=FOUND),
    "train.lr_end": Origin("preset", evidence=FOUND),
    "train.beta1": Origin("preset"),
    "train.beta2": Origin("preset"),
    "train.gamma": Origin(
        "rule",
        "gamma_at_64 x area / 64^2; `stylegan2`: and x 32 / batch; `r3gan`: x 8.66 a doubling of "
        "the side; with the loss wgan-gp always 10",
        (*_SIZE, "train.loss", "preset.gamma_at_64"),
        FOUND,
        others={"stylegan2": (*_SIZE, "train.loss", "train.batch", "preset.gamma_at_64")},
    ),
    "train.r2": Origin("preset", evidence=KEPT),
    "train.penalty_interval": Origin("preset"),
    "train.diversity": Origin("preset", evidence=FOUND),
    "train.ema_half_life": Origin(
        "preset or rule",
        "3 % of the images, 100 to 10 000; `stylegan2`: batch x 10 / 32 thousand; or the share "
        "that the preset states",
        ("train.images", "preset.ema_share"),
        FOUND,
        others={"stylegan2": ("train.batch", "train.images", "preset.ema_share")},
    ),
    "train.ema_ramp": Origin("preset", evidence=PUBLISHED),
    "train.level_shares": Origin(
        "rule",
        "the preset's weights, top level first; with the prior none below the level it starts at",
        ("network.channels", "train.init", "preset.level_weights", "preset.low_levels"),
    ),
    "train.fade": Origin("preset"),
    "train.shuffle_buffer": Origin(
        "preset or rule", "all training slices", ("data.train_slices",), KEPT
    ),
    "train.ticks": Origin("rule", "one every 2000 images, 4 to 100", ("train.images",), NO_CHOICE),
    "train.snapshots": Origin(
        "rule",
        f"what fits into {SHARE:.0%} of the training, at most {MOST}; none with fewer than "
        f"{LEAST_SUBJECTS} tuning subjects",
        ("cohort.tuning_subjects", "budget", "train.images", "machine.images_per_second"),
    ),
    "train.precision": Origin(
        "rule",
        "bf16 where the machine is fast at it",
        ("machine.bf16",),
        "with channels last, 0.47 of the time of fp32 (stylegan2): `benchmarks/engine.py`; in "
        "equal time KID 0.235, in fp32, with 0.71 of the images, 0.257; with as many images fp32 "
        "is better, 0.218 (`popgan` from random weights, three seeds each): "
        "`benchmarks/quality.py --only precision`; where time does not count, "
        "`--set train.precision=fp32`",
    ),
    "train.threads": Origin(
        "rule",
        "all usable cores",
        ("machine.cores",),
        "beside a busy program a thread fewer can be faster, and `popgan plan` then says so: "
        "`benchmarks/busy.py`",
    ),
    "train.style_mixing": Origin("preset", evidence=PUBLISHED),
    "train.path_length": Origin("preset", evidence=PUBLISHED),
    "train.path_length_interval": Origin("preset", evidence=PUBLISHED),
    "train.gamma_start": Origin(
        "rule", "gamma_start x train.gamma", ("train.gamma", "preset.gamma_start"), PUBLISHED
    ),
    "train.beta2_start": Origin("preset", evidence=PUBLISHED),
    "train.ema_start": Origin("preset", evidence=PUBLISHED),
    "train.reconstruction": Origin("preset", evidence=PUBLISHED),
    "train.perceptual": Origin("preset"),
    "train.source_dropout": Origin(
        "preset or rule", "`pix2pix`: none, a single generator sees all sources", ("recipe",)
    ),
    "train.stream_share": Origin("preset"),
    "train.search_share": Origin(
        "preset or rule",
        "the preset's, but none with a single place of fusion",
        ("network.fusion",),
    ),
    "train.augment_start": Origin("preset", evidence=PUBLISHED),
    "train.clip": Origin("preset"),
    "generate.n": Origin("preset", "", ("preset.generate",), NO_CHOICE),
    "evaluate.n": Origin("preset", "", ("preset.evaluate",), NO_CHOICE),
}


def table() -> str:
    """All values as a table in Markdown: value, decided by, rule and its facts, evidence."""
    lines = ["| value | decided by | rule and its facts | evidence |", "|---|---|---|---|"]
    for name, origin in ORIGINS.items():
        facts = dict.fromkeys([*origin.facts, *(f for own in origin.others.values() for f in own)])
        words = origin.rule or "a constant"
        if facts:
            words += f" ({', '.join(f'`{fact}`' for fact in facts)})"
        lines.append(f"| `{name}` | {origin.by} | {words} | {origin.evidence} |")
    return "\n".join(lines) + "\n"
