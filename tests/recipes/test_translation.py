"""Translators learn in the one loop: the target, what streams add, and to do without a source."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from engine import DiscPairs, tiny_job

from plans import recipe_plan
from popgan.networks.mustgan import MustGAN
from popgan.progress import Reporter
from popgan.recipes.mustgan import search_until, streams_until
from popgan.recipes.translation import some_missing
from popgan.training.log import read_log
from popgan.training.loop import run
from popgan.training.state import TrainState

SWIFT = {
    "train__ticks": 4,
    "train__images": 4800,
    "train__batch": 4,
    "train__ema_half_life": 100.0,
    "train__lr_generator": 4e-3,
    "train__lr_end": 0.01,
    "augmentation__probability": 0.0,
}


def error(state: TrainState, present: torch.Tensor | None = None) -> float:
    pairs = DiscPairs().images
    with torch.no_grad():
        sources = pairs[:, :-1]
        made = (
            state.average(sources, None, present)
            if isinstance(state.average, MustGAN)
            else state.average(sources)
        )
    return float((made - pairs[:, -1:]).abs().mean())


def trivial() -> float:
    """The error of the better one of the sources, taken for the target."""
    pairs = DiscPairs().images
    return min(float((pairs[:, k] - pairs[:, -1]).abs().mean()) for k in (0, 1))


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["pix2pix", "mustgan"])
def test_translations_come_nearer_to_the_target_than_any_source(
    tmp_path: Path, recipe: str
) -> None:
    plan = recipe_plan(recipe, **SWIFT, network__width=8, network__dropout=0.0)
    job, state = tiny_job(plan, tmp_path)
    before = error(state)
    run(job, state, Reporter())
    assert error(state) < 0.5 * trivial() < before
    rows = read_log(tmp_path / "log.csv")
    assert rows[-1]["reconstruction"] < 0.5 * rows[0]["reconstruction"]
    assert 0 <= rows[-1]["accuracy_real"] <= 1 and rows[-1]["loss_discriminator"] > 0


@pytest.mark.slow
def test_a_source_that_is_missing_costs_something_and_not_everything(tmp_path: Path) -> None:
    plan = recipe_plan("mustgan", **SWIFT, network__width=8, train__source_dropout=0.5)
    job, state = tiny_job(plan, tmp_path)
    run(job, state, Reporter())
    whole = error(state)
    nothing = float((DiscPairs().images[:, -1] + 1).abs().mean())
    for lacking in (0, 1):
        present = torch.ones(24, 2)
        present[:, lacking] = 0
        assert whole < error(state, present) < 0.7 * nothing


def test_streams_learn_first_and_then_deliver_to_the_joint_network(tmp_path: Path) -> None:
    plan = recipe_plan("mustgan", train__ticks=10, train__images=160)
    job, state = tiny_job(plan, tmp_path)
    kept: dict[int, dict[str, torch.Tensor]] = {}

    def watch(state: TrainState, stage: object) -> None:
        kept[state.images] = {
            name: value.clone() for name, value in state.generator.state_dict().items()
        }

    run(type(job)(**{**vars(job), "on_tick": watch}), state, Reporter())
    assert (streams_until(plan), search_until(plan)) == (80, 112)

    def same(name: str, one: int, other: int) -> bool:
        pairs = [(kept[one][k], kept[other][k]) for k in kept[one] if k.startswith(name)]
        return all(torch.equal(a, b) for a, b in pairs)

    assert same("joint", 16, 80) and not same("many", 16, 80) and not same("streams", 16, 80)
    assert same("streams", 96, 160) and not same("joint", 96, 160)
    # Before the place of fusion the many-to-one stream is the way in; behind it nobody asks.
    parts = len(state.generator.many.parts)
    changed = [part for part in range(parts) if not same(f"many.parts.{part}.", 128, 160)]
    assert changed == list(range(state.generator.places[1] + 1))
    # While places compete each has its turn; then one is left.
    assert not any(same(f"fuse.{place}", 80, 112) for place in range(3))
    assert [same(f"fuse.{place}", 128, 160) for place in range(3)] == [True, False, True]
    assert int(state.average.chosen) == 1


def test_one_to_one_streams_go_on_as_their_averages(tmp_path: Path) -> None:
    plan = recipe_plan("mustgan", train__ticks=10, train__images=160)
    job, state = tiny_job(plan, tmp_path)
    averages: dict[str, torch.Tensor] = {}

    def watch(state: TrainState, stage: object) -> None:
        if state.images == 80:
            averages.update({k: v.clone() for k, v in state.average.state_dict().items()})

    run(type(job)(**{**vars(job), "on_tick": watch}), state, Reporter())
    for name, value in state.generator.state_dict().items():
        if name.startswith("streams"):
            assert torch.equal(value, averages[name]), name


def test_missing_sources_are_a_share_and_never_all() -> None:
    """One or two of three are gone, as often; each source alike, and each pair of them."""
    present = some_missing(6000, 3, 0.3, torch.Generator().manual_seed(0))
    assert set(present.sum(1).tolist()) == {1.0, 2.0, 3.0}
    for left in (1, 2):
        assert float((present.sum(1) == left).float().mean()) == pytest.approx(0.15, abs=0.02)
        alike = present[present.sum(1) == left].mean(0).tolist()
        assert alike == pytest.approx([left / 3] * 3, abs=0.05)
    two = some_missing(6000, 2, 0.3, torch.Generator().manual_seed(0))
    assert set(two.sum(1).tolist()) == {1.0, 2.0}
    assert (1 - two).mean(0).tolist() == pytest.approx([0.15] * 2, abs=0.02)
    assert bool((some_missing(100, 2, 0.0, torch.Generator()) == 1).all())
