"""The recipe `stylegan2`: path length against finite differences, mixing, what it keeps."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from engine import tiny_job
from torch import Tensor

from plans import recipe_plan
from popgan.config.schema import Plan
from popgan.progress import Reporter
from popgan.recipes import stylegan2
from popgan.recipes.table import find_recipe
from popgan.training.growth import stage_at
from popgan.training.loop import run
from popgan.training.phase import Step
from popgan.training.processes import Processes
from popgan.training.spread import Spread


def a_step(plan: Plan) -> Step:
    state = find_recipe("stylegan2").start(plan, torch.device("cpu"))
    reals = torch.rand(plan.train.batch, 1, 16, 16) * 2 - 1
    return Step(plan, state, stage_at(0, plan.train), reals, 0)


def path_lengths(step: Step) -> Tensor:
    """Lengths of J^T y by central differences in w, in double; nothing shared with the recipe."""
    w = stylegan2._styles(step, "latent-path")[:4].double().detach()
    generator = step.state.generator.double()
    noise = step.noise("noise-path", generator.noise_size)[:4].double()
    y = torch.randn((4, 1, 16, 16), generator=step.rng("path")).double() / 16
    lengths, size = torch.zeros(4, dtype=torch.float64), 1e-4
    for style in range(w.shape[1]):
        for place in range(w.shape[2]):
            offset = torch.zeros_like(w)
            offset[:, style, place] = size
            with torch.no_grad():
                ahead, behind = (generator.synthesis(w + s * offset, noise) for s in (1, -1))
            slope = ((ahead - behind) * y).sum((1, 2, 3)) / (2 * size)
            lengths += slope.square()
    return torch.sqrt(lengths / w.shape[1])


def test_path_length_agrees_with_finite_differences() -> None:
    plan = recipe_plan("stylegan2", train__path_length=3.0)
    step = a_step(plan)
    step.state.extras["path_length"].fill_(0.05)
    penalty = float(stylegan2._even_paths(step).detach())
    mean = float(step.state.extras["path_length"])
    lengths = path_lengths(a_step(plan))
    assert mean == pytest.approx(0.05 + 0.01 * (float(lengths.mean()) - 0.05), rel=1e-3)
    expected = 3.0 * 2 * float((lengths - mean).square().mean())
    assert penalty == pytest.approx(expected, rel=1e-3)


class Second(Processes):
    """The second of two processes, whose other one has the same rows."""

    def gather(self, share: Tensor) -> Tensor:
        return torch.cat([share, share])


def test_path_lengths_are_divided_over_micro_batches_and_processes() -> None:
    plan, found = recipe_plan("stylegan2"), []
    for spread in (Spread(), Spread(parts=2, group=4)):
        step = a_step(plan)
        step.spread = spread
        synthesis = step.state.generator.synthesis
        sizes: list[int] = []
        synthesis.register_forward_pre_hook(lambda _, args, sizes=sizes: sizes.append(len(args[0])))
        penalty = stylegan2._even_paths(step)
        penalty.backward()
        weights = [p.grad for p in step.state.generator.parameters() if p.grad is not None]
        found.append([penalty.detach(), step.state.extras["path_length"], *weights])
        assert sizes == ([4] if spread.parts == 1 else [2, 2, 2, 2])
    torch.testing.assert_close(*found)
    # Two of the four rows, although minibatch statistics would take all four.
    step = a_step(plan)
    step.spread = Spread(Second(1, 2), group=4)
    sizes.clear()
    step.state.generator.synthesis.register_forward_pre_hook(
        lambda _, args: sizes.append(len(args[0]))
    )
    stylegan2._even_paths(step)
    assert sizes == [2]


def test_path_length_teaches_the_mapping_too() -> None:
    step = a_step(recipe_plan("stylegan2"))
    stylegan2._even_paths(step).backward()
    gradient = step.state.generator.mapping.layers[0].weight.grad
    assert gradient is not None
    assert gradient.abs().sum() > 0


def test_styles_are_mixed_in_the_planned_share_of_images() -> None:
    plan = recipe_plan("stylegan2", train__batch=512, train__style_mixing=0.9)
    w = stylegan2._styles(a_step(plan), "latent-G")
    mixed = (w != w[:, :1]).any(2)
    # From where the second style begins it stays.
    assert torch.equal(mixed.long().cummax(1).values.bool(), mixed)
    assert mixed.any(1).float().mean() == pytest.approx(0.9, abs=0.05)
    assert not mixed[:, 0].any()
    plain = recipe_plan("stylegan2", train__style_mixing=0.0)
    w = stylegan2._styles(a_step(plain), "latent-G")
    assert torch.equal(w, w[:, :1].expand_as(w))


def test_lazy_phases_slow_both_networks() -> None:
    plan = recipe_plan("stylegan2", train__penalty_interval=16, train__path_length_interval=4)
    names = [(p.name, p.network, p.interval) for p in find_recipe("stylegan2").phases(plan)]
    assert names == [("Dmain", "D", 1), ("Dreg", "D", 16), ("Gmain", "G", 1), ("Greg", "G", 4)]
    state = find_recipe("stylegan2").start(plan, torch.device("cpu"))
    assert state.optimisers["G"].defaults["lr"] == pytest.approx(2e-3 * 4 / 5)
    assert state.optimisers["D"].defaults["lr"] == pytest.approx(2e-3 * 16 / 17)


def test_training_tracks_the_average_style_and_exports_it(tmp_path: Path) -> None:
    job, state = tiny_job(recipe_plan("stylegan2"), tmp_path)
    run(job, state, Reporter())
    assert state.generator.mapping.average.abs().sum() > 0
    assert torch.equal(state.generator.mapping.average, state.average.mapping.average)
    assert state.extras["path_length"] > 0
