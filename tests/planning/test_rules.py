"""Plans made by rules: complete, explained, obedient to the user."""

from __future__ import annotations

import math
from typing import Any

import pytest

from plans import make_plan as make
from popgan.config.preset import load_preset, preset_names
from popgan.config.schema import Plan, leaves
from popgan.errors import UserError
from popgan.planning.draft import parse_overrides
from popgan.planning.rules import MachineFacts, build_plan
from popgan.planning.trial import Trial


@pytest.mark.parametrize("preset", preset_names("popgan"))
@pytest.mark.parametrize("side", [16, 24, 32, 48, 64, 96, 112, 128, 256, 512])
def test_every_preset_fits_every_resolution(preset: str, side: int) -> None:
    plan = make(preset, side=side)
    assert len(plan.network.channels) == len(plan.train.level_shares)
    assert plan.base[0] * 2 ** (len(plan.network.channels) - 1) == side


@pytest.mark.parametrize("preset", preset_names("popgan"))
def test_every_value_says_where_it_comes_from(preset: str) -> None:
    plan = make(preset)
    for name, _ in leaves(plan):
        if "." in name and not name.startswith("data."):
            assert plan.decisions[name].reason, name


def test_rectangular_slices_are_planned() -> None:
    plan = make(side=64, width=96)
    assert plan.base[0] * 3 == plan.base[1] * 2


def test_the_paper_preset_is_as_published_and_says_what_is_assumed() -> None:
    plan = make("paper", side=128, slices=10_000)
    assert (plan.data.height, plan.train.batch, plan.network.dropout) == (128, 256, 0.3)
    assert plan.train.lr_generator == plan.train.lr_discriminator == 1e-4
    assert plan.train.shuffle_buffer == 6000
    published = {name for name, d in plan.decisions.items() if d.reason.startswith("published")}
    assert published == {
        "network.dropout",
        "train.batch",
        "train.lr_generator",
        "train.lr_discriminator",
        "train.shuffle_buffer",
    }
    values = load_preset("paper", "popgan").values
    rest = [name for name in values if name not in published]
    assert all(plan.decisions[name].reason.startswith("assumed") for name in rest)


def test_a_budget_becomes_images_once_with_the_measured_speeds_as_reason() -> None:
    short, long = make(budget="6m"), make(budget="12m")
    assert long.train.images == pytest.approx(2 * short.train.images, rel=0.01)
    assert "6m" in short.decisions["train.images"].reason
    assert "images/s" in short.decisions["train.images"].reason


def measured(trial: Trial) -> Plan:
    """A plan for a minute at 100 images/s."""
    return build_plan(
        make().data,
        preset_name="quick",
        recipe="popgan",
        seed=0,
        budget="60s",
        overrides={},
        machine=MachineFacts(cores=2, device="CPU", bf16=True),
        probe=lambda plan: [100.0] * len(plan.network.channels),
        trial=trial,
    )


def test_a_speed_that_was_measured_on_a_busy_machine_is_told_in_the_reason() -> None:
    def reason(share: float | None) -> str:
        plan = measured(Trial(8, lambda: 1.0, lambda: None, lambda: share))
        return plan.decisions["train.images"].reason

    assert "popgan got 31% of the processor's time" in reason(0.312)
    assert "may be much shorter than the budget" in reason(0.312)
    assert reason(None).endswith("sustained")


def test_the_user_wins_and_later_rules_follow() -> None:
    plan = make(overrides={"train.batch": 6, "train.images": 5000})
    assert (plan.train.batch, plan.train.images) == (6, 5000)
    assert plan.network.minibatch_stddev == 3
    assert plan.decisions["train.batch"].reason == "set by the user"


def test_a_small_cohort_gets_a_small_batch_and_the_reason() -> None:
    plan = make(slices=5)
    assert plan.train.batch == 4
    assert "5 training slices" in plan.decisions["train.batch"].reason


def test_no_bf16_means_fp32() -> None:
    assert make(bf16=False).train.precision == "fp32"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"train.nope": 1}, "train.nope"),
        ({"train.lr_generater": 1}, "did you mean train.lr_generator"),
        ({"nope": 1}, "no such value"),
        ({"train.batch": "many"}, "train.batch"),
        ({"train.batch": -1}, "train.batch"),
        ({"train.lr_generator": ".nan"}, "train.lr_generator"),
        ({"network.channels": [8, 8]}, "levels"),
        ({"network.channels": [-1, 16, 16, 16]}, "network.channels"),
        ({"train.level_shares": [0.5, 0.6, 0, 0]}, "sums to"),
        ({"data.height": 32}, "data.height"),
    ],
)
def test_impossible_values_are_refused_in_one_line(overrides: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        make(overrides=overrides)
    assert "\n" not in str(caught.value)


def test_unknown_presets_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"paper.*quick.*standard"):
        make("best")


def test_settings_are_read_as_yaml() -> None:
    found = parse_overrides(["train.batch=8", "train.loss=rpgan", "network.channels=[8, 8]"])
    assert found == {"train.batch": 8, "train.loss": "rpgan", "network.channels": [8, 8]}
    for bad in ("train.batch", "=8", "a=[1", "a=2024-13-01", "a=" + "[" * 5000):
        with pytest.raises(UserError, match="--set"):
            parse_overrides([bad])


def test_presets_move_a_fixed_share_and_change_no_intensity() -> None:
    for preset in preset_names("popgan"):
        plan = make(preset).augmentation
        assert plan.method == "affine"
        assert (plan.brightness, plan.contrast, plan.noise, plan.cutout) == (0, 0, 0, 0)


def test_adaptive_augmentation_brings_mild_intensity_unless_the_user_sets_it() -> None:
    plan = make(overrides={"augmentation.method": "ada", "augmentation.brightness": 0.1})
    found = plan.augmentation
    assert (found.brightness, found.contrast, found.noise) == (0.1, 0.3, 0.0)
    assert (found.target, found.interval, found.speed) == (0.6, 4, 500)
    assert plan.decisions["augmentation.contrast"].source == "rule"
    assert plan.decisions["augmentation.brightness"].reason == "set by the user"


def test_wgan_gp_gets_its_published_weight_at_every_size() -> None:
    for side in (32, 64, 128):
        plan = make(side=side, overrides={"train.loss": "wgan-gp"})
        assert plan.train.gamma == 10.0
        assert "lambda" in plan.decisions["train.gamma"].reason
    chosen = {"train.loss": "wgan-gp", "train.gamma": 3.0}
    assert make(overrides=chosen).train.gamma == 3.0


def test_a_batch_that_shows_slices_several_times_is_refused() -> None:
    with pytest.raises(
        UserError, match=r"train\.batch 64 is too large for 30 training slices.*take 30 or less"
    ):
        make(slices=30, overrides={"train.batch": 64})


def test_a_budget_too_short_for_a_level_says_what_is_enough() -> None:
    shares = make().train.level_shares
    # A batch of 8 at the level with the smallest share, and ten in all.
    needed = max(8 / min(shares), 80)

    def slow(speed: float, budget: str, snapshots: int | None = None) -> Plan:
        data = make().data
        return build_plan(
            data,
            preset_name="quick",
            recipe="popgan",
            seed=0,
            budget=budget,
            overrides={} if snapshots is None else {"train.snapshots": snapshots},
            machine=MachineFacts(cores=2, device="CPU", bf16=True),
            probe=lambda plan: [speed] * len(plan.network.channels),
            trial=Trial(8, lambda: 2.0, lambda: None),
        )

    with pytest.raises(
        UserError, match=r"budget 10s is too short: \d+ images.*grant \d+s"
    ) as caught:
        slow(0.5, "10s")
    enough = str(caught.value).split("grant ")[1].split(" ")[0]
    assert slow(0.5, enough).train.images >= needed
    # Snapshots that the user asks for take their time, however short the budget.
    with pytest.raises(UserError, match=r"budget 20s is too short: 0 images") as caught:
        slow(100.0, "20s", snapshots=12)
    enough = str(caught.value).split("grant ")[1].split(" ")[0]
    assert slow(100.0, enough, snapshots=12).train.images >= needed


@pytest.mark.parametrize("recipe", ["popgan", "stylegan2", "dcgan", "pix2pix"])
def test_stated_images_too_few_for_a_level_are_refused_and_enough_are_named(recipe: str) -> None:
    shares = [share for share in make(recipe=recipe).train.level_shares if share > 0]
    for batch in (8, 6):
        needed = math.ceil(batch / min(shares))
        asked = {"train.batch": batch, "train.images": needed}
        assert make(recipe=recipe, overrides=asked).train.images == needed
        words = rf"train\.images {needed - 1} is too few: {needed} .*set train\.images={needed} "
        with pytest.raises(UserError, match=words):
            make(recipe=recipe, overrides=asked | {"train.images": needed - 1})


def test_the_micro_batch_is_the_batch_unless_memory_was_short() -> None:
    assert make(overrides={"train.batch": 12}).train.micro_batch == 12
    assert make(overrides={"train.micro_batch": 4}).train.micro_batch == 4
    with pytest.raises(UserError, match=r"train\.micro_batch has 1 entries"):
        make(overrides={"train.micro_batch": [4]})
    levels = len(measured(Trial(8, lambda: 1.0, lambda: None)).network.channels)
    lower = [0] * (levels - 1)
    cases = (
        ([*lower, 0], 8, "fits"),
        ([4] * levels, 4, "not enough"),
        ([*lower, 4], [*[8] * (levels - 1), 4], "lower levels need less"),
    )
    for fits, expected, word in cases:
        plan = measured(Trial(8, lambda: 1.0, lambda fits=fits: (fits, 1.5)))
        assert plan.train.micro_batch == expected
        assert word in plan.decisions["train.micro_batch"].reason
        # 5 % of 52.8 s at a second a snapshot, and the time for it is not trained.
        assert plan.train.snapshots == 2
        assert plan.train.images == pytest.approx(100 * (0.88 * 60 - 2), rel=0.01)
