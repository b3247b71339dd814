"""Divided calls of networks give what whole ones give."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from engine import apart, tiny_job

from plans import tiny_plan
from popgan.networks.layers import minibatch_stddev
from popgan.progress import Reporter
from popgan.training.loop import run
from popgan.training.processes import ALONE
from popgan.training.spread import Spread


@pytest.mark.parametrize("parts", [2, 3, 8])
def test_parts_have_the_values_and_gradients_of_the_whole(parts: int) -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(6, 5).double()
    x = torch.randn(16, 6, dtype=torch.float64, requires_grad=True)
    factor = torch.randn(16, 1, dtype=torch.float64)

    def function(rows: torch.Tensor, k: torch.Tensor, none: None) -> torch.Tensor:
        assert none is None
        y = minibatch_stddev(torch.tanh(layer(rows) * k)[:, :, None, None], 4)
        return y.flatten(1)

    def loss(y: torch.Tensor) -> torch.Tensor:
        return (y @ y.T).sort(dim=1).values[:, 3].sum()  # every row meets every other

    whole = function(x, factor, None)
    expected = torch.autograd.grad(loss(whole), [x, layer.weight, layer.bias])
    divided = Spread(parts=parts, group=4).by_rows(function, x, factor, None)
    assert torch.equal(divided, whole) or torch.allclose(divided, whole)
    loss(divided).backward()
    for found, wanted in zip((x.grad, layer.weight.grad, layer.bias.grad), expected, strict=True):
        torch.testing.assert_close(found, wanted)


def test_inner_values_of_one_part_are_held_at_a_time() -> None:
    layer, sizes = torch.nn.Linear(3, 3), []

    def function(rows: torch.Tensor) -> torch.Tensor:
        sizes.append((len(rows), torch.is_grad_enabled()))
        return layer(rows)

    Spread(parts=2, group=2).by_rows(function, torch.randn(8, 3)).sum().backward()
    assert sizes == [(4, False), (4, False), (4, True), (4, True)]
    assert layer.weight.grad is not None


def test_how_many_parts_there_are_follows_the_micro_batch() -> None:
    assert Spread.of(32, 0, 4, ALONE).parts == 1
    assert Spread.of(32, 32, 4, ALONE).parts == 1
    assert Spread.of(32, 12, 4, ALONE).parts == 3
    assert Spread.of(32, 100, 4, ALONE).parts == 1


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"network__dropout": 0.3, "train__loss": "logistic", "train__r2": False},
        {"train__loss": "wgan-gp", "network__dropout": 0.3},
    ],
    ids=["rpgan", "dropout", "wgan-gp"],
)
def test_training_in_micro_batches_is_training_in_batches(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    # Nine steps, three with penalties, and a level that fades in.
    common = {"train__images": 72, "train__lr_generator": 1e-4, "train__lr_discriminator": 1e-4}
    states = []
    for micro in (0, 4, [8, 4]):
        plan = tiny_plan(**common, **changes, train__micro_batch=micro)
        job, state = tiny_job(plan, tmp_path / str(micro))
        run(job, state, Reporter())
        states.append(state)
    _, fresh = tiny_job(plan, tmp_path)
    for divided in states[1:]:
        found = apart(states[0], divided, fresh)
        assert max(found.values()) < 1e-3, found
