"""A gradient that is suddenly too long is shortened; an ordinary one is left alone."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from engine import tiny_job

from plans import recipe_plan
from popgan.progress import Reporter
from popgan.training.clipping import MEMORY, shorten, usual_norms
from popgan.training.log import read_log
from popgan.training.loop import run
from popgan.training.phase import Phase

GMAIN = Phase("Gmain", "G", 1, lambda step: torch.zeros(()))


def norms_after(lengths: list[float], most: float = 2.0) -> tuple[list[float], float]:
    """What gradients of some lengths become, one after the other; and the usual norm then."""
    extras, found = usual_norms([GMAIN]), []
    for length in lengths:
        gradients = [torch.full((4,), length / 4), torch.full((3, 4), length / 4)]
        before = torch.stack(torch._foreach_norm(gradients)).norm()
        assert float(before) == pytest.approx(length) or not math.isfinite(length)
        shorten(gradients, before, "Gmain", extras, most)
        assert torch.allclose(*gradients, equal_nan=True)  # the direction stays
        found.append(float(torch.stack(torch._foreach_norm(gradients)).norm()))
    return found, float(extras["usual_norm_Gmain"])


def test_only_gradients_beyond_the_bound_are_shortened() -> None:
    found, _ = norms_after([1.0, 1.9, 0.1, 1000.0])
    usual = MEMORY * (MEMORY * 1.0 + (1 - MEMORY) * 1.9) + (1 - MEMORY) * 0.1
    assert found == pytest.approx([1.0, 1.9, 0.1, 2 * usual], rel=1e-5)


def test_an_explosion_does_not_become_usual_at_once_but_a_lasting_change_does() -> None:
    assert norms_after([1.0] + 10 * [1e6])[1] < 1.2
    assert norms_after([1.0] + 1000 * [50.0])[1] == pytest.approx(50, rel=0.01)


@pytest.mark.parametrize("broken", [math.inf, math.nan])
def test_what_is_not_finite_is_left_for_the_guard_and_teaches_nothing(broken: float) -> None:
    found, usual = norms_after([1.0, broken, 1.0])
    assert not math.isfinite(found[1])
    assert found[2] == pytest.approx(1.0) and usual == pytest.approx(1.0)


def test_no_gradient_at_all_is_no_division_by_zero() -> None:
    assert norms_after([0.0, 0.0, 3.0]) == (pytest.approx([0.0, 0.0, 3.0]), pytest.approx(3.0))


def farthest(clip: float | None) -> float:
    """How far Adam moves in the steps after one gradient is 1000 times too long, in steps."""
    weight = torch.nn.Parameter(torch.zeros(64))
    optimiser = torch.optim.Adam([weight], lr=1.0, betas=(0.5, 0.999))
    extras, rng, moved = usual_norms([GMAIN]), torch.Generator().manual_seed(0), 0.0
    for step in range(150):
        gradient = torch.randn(64, generator=rng) * (1000 if step == 100 else 1)
        weight.grad, before = gradient, weight.detach().clone()
        if clip is not None:
            shorten([gradient], gradient.norm(), "Gmain", extras, clip)
        optimiser.step()
        if step >= 100:
            moved = max(moved, float((weight.detach() - before).abs().mean()))
    return moved


def test_adam_leaps_after_one_monstrous_gradient_and_does_not_with_the_bound() -> None:
    assert farthest(2.0) < 2 < 4 < farthest(None)


def test_every_phase_of_a_training_has_its_own_usual_norm(tmp_path: Path) -> None:
    plan = recipe_plan("pix2pix", train__clip=1.0, train__images=32, train__ticks=4)
    job, state = tiny_job(plan, tmp_path)
    assert [name for name in state.extras if name.startswith("usual")] == [
        "usual_norm_Gmain",
        "usual_norm_Dmain",
    ]
    run(job, state, Reporter())
    row = read_log(tmp_path / "log.csv")[-1]
    for name, network in (("Gmain", "generator"), ("Dmain", "discriminator")):
        usual = float(state.extras[f"usual_norm_{name}"])
        assert 0.2 * row[f"grad_{network}"] < usual < 5 * row[f"grad_{network}"]
    _, bare = tiny_job(recipe_plan("pix2pix"), tmp_path / "bare")
    assert not any(name.startswith("usual") for name in bare.extras)
