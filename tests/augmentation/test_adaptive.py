"""The controller of ADA: its measure, its pace, its limits, its memory."""

from __future__ import annotations

import math

import pytest
import torch
from augmented import plan, rng
from scipy.stats import norm

from popgan.augmentation.adaptive import LIMIT, adapt, extras, overfitting
from popgan.objectives.adversarial import boundary

SURE, LOST = torch.full((8,), 2.0), torch.full((8,), -2.0)


def test_it_counts_signs() -> None:
    assert overfitting(torch.tensor([3.0, 0.1, -5.0, 0.2])).item() == 0.5
    assert overfitting(SURE).item() == 1.0 and overfitting(LOST).item() == -1.0


@pytest.mark.parametrize("kind", ["logistic", "rpgan", "wgan-gp", "lsgan"])
@pytest.mark.parametrize("apart", [0.0, 1.0, 1.68])
def test_the_target_means_the_same_for_every_loss(kind: str, apart: float) -> None:
    """Two unit Gaussians of logits, `apart` from each other, about the loss's own boundary."""
    middle = {"lsgan": 0.5, "logistic": 0.0}.get(kind, 7.0)
    real = middle + apart / 2 + torch.randn(40_000, generator=rng(1))
    fake = middle - apart / 2 + torch.randn(40_000, generator=rng(2))
    found = overfitting(real - boundary(kind, real, fake)).item()
    assert found == pytest.approx(2 * norm.cdf(apart / 2) - 1, abs=0.015)


def test_the_probability_moves_at_its_speed_at_the_end_of_each_interval() -> None:
    settings = plan(probability=0.2, interval=4, speed=0.5)
    state = extras(settings)
    seen = []
    for step in range(16):
        adapt(settings, state, SURE if step < 8 else LOST, batch=8, step=step)
        seen.append(float(state["augment_p"]))
    # 8 images x 4 steps of 500 images a unit: 0.064.
    pace = [0.2] * 3 + [0.264] * 4 + [0.328] * 4 + [0.264] * 4 + [0.2]
    assert seen == pytest.approx(pace, abs=1e-6)


def test_it_finds_the_probability_that_holds_the_target() -> None:
    """A toy discriminator whose overfitting falls from 1 as p rises, with noise."""
    settings = plan(probability=0.0, speed=2.0, target=0.6)
    state, numbers = extras(settings), rng()
    for step in range(1500):
        share = 1 - 0.5 * float(state["augment_p"])  # of reals recognised: r = 1 - p
        margin = torch.where(torch.rand(32, generator=numbers) < share, 1.0, -1.0)
        adapt(settings, state, margin, batch=32, step=step)
    assert float(state["augment_p"]) == pytest.approx(0.4, abs=0.12)


def test_the_probability_stays_within_its_limits() -> None:
    settings = plan(probability=1.0, speed=0.05)
    state = extras(settings)
    assert float(state["augment_p"]) == pytest.approx(LIMIT)
    for step in range(8):
        adapt(settings, state, SURE, batch=8, step=step)
    assert float(state["augment_p"]) == pytest.approx(LIMIT)
    for step in range(8, 40):
        adapt(settings, state, LOST, batch=8, step=step)
    assert float(state["augment_p"]) == 0.0


def test_an_interval_counts_all_its_steps() -> None:
    settings = plan(probability=0.5, interval=2, speed=0.5, target=0.6)
    for first, up in ((SURE, True), (LOST, False)):
        state = extras(settings)
        adapt(settings, state, first, batch=8, step=0)
        adapt(settings, state, SURE, batch=8, step=1)
        # Mean signs 1 and 0, on either side of the target.
        assert (float(state["augment_p"]) > 0.5) is up


def test_a_broken_step_does_not_break_the_probability() -> None:
    settings = plan(probability=0.5, interval=2, speed=0.5)
    state = extras(settings)
    adapt(settings, state, torch.full((8,), math.nan), batch=8, step=0)
    adapt(settings, state, SURE, batch=8, step=1)
    assert float(state["augment_p"]) == pytest.approx(0.5 - 8 * 2 / 500)


def test_fixed_methods_show_their_share_and_never_move() -> None:
    for method, share in (("none", 0.0), ("affine", 0.4), ("diffaugment", 1.0)):
        settings = plan(method=method, probability=0.4)
        state = extras(settings)
        for step in range(8):
            adapt(settings, state, SURE, batch=1000, step=step)
        assert {name: float(v) for name, v in state.items()} == pytest.approx({"augment_p": share})


def test_nothing_waits_for_the_probability(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = plan(probability=0.5, rotation=10.0)
    state = extras(settings)

    def refuse(*_: object) -> float:
        raise AssertionError("read from the device within a step")

    for name in ("item", "__float__", "__bool__", "__int__", "tolist"):
        monkeypatch.setattr(torch.Tensor, name, refuse)
    for step in range(8):
        adapt(settings, state, SURE, batch=8, step=step)
    monkeypatch.undo()
    assert math.isfinite(float(state["augment_p"]))
