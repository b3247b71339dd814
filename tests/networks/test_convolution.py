"""Convolution: torch's own numbers, and derivatives of first and second order."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from popgan.networks.convolution import convolve

CASES: list[dict[str, Any]] = [
    {"stride": 1, "padding": 1},
    {"stride": 2, "padding": 0},
    {"stride": 2, "padding": 0, "transposed": True},
    {"stride": 1, "padding": 1, "groups": 2},
]


def reference(x: Tensor, weight: Tensor, bias: Tensor | None, **case: Any) -> Tensor:
    function = F.conv_transpose2d if case.pop("transposed", False) else F.conv2d
    return function(x, weight, bias, **case)


def tensors(case: dict[str, Any], dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    shape = (4, 2, 3, 3) if case.get("transposed") else (2, 4 // case.get("groups", 1), 3, 3)
    x, weight, bias = torch.randn(2, 4, 5, 4), torch.randn(shape), torch.randn(2)
    return tuple(t.to(dtype).requires_grad_() for t in (x, weight, bias))  # type: ignore[return-value]


@pytest.mark.parametrize("case", CASES)
def test_values_and_first_derivatives_are_torchs_to_the_last_bit(case: dict[str, Any]) -> None:
    x, weight, bias = tensors(case, torch.float32)
    ours, plain = (f(x, weight, bias, **case) for f in (convolve, reference))
    assert torch.equal(ours, plain)
    pairs = (torch.autograd.grad(y.square().sum(), (x, weight, bias)) for y in (ours, plain))
    assert all(torch.equal(a, b) for a, b in zip(*pairs, strict=True))


@pytest.mark.parametrize("case", CASES)
def test_derivatives_of_first_and_second_order(case: dict[str, Any]) -> None:
    inputs = tensors(case, torch.float64)
    assert gradcheck(lambda *t: convolve(*t, **case), inputs)
    assert gradgradcheck(lambda *t: convolve(*t, **case), inputs)
    assert gradgradcheck(lambda x, weight: convolve(x, weight, **case), inputs[:2])


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("of", [0, 1, 2])
def test_a_penalty_on_each_gradient_has_torchs_gradients(case: dict[str, Any], of: int) -> None:
    inputs = tensors(case, torch.float64)

    def penalties(function: Any) -> tuple[Tensor | None, ...]:
        loss = torch.func.grad(lambda *t: function(*t, **case).pow(3).sum(), argnums=of)
        penalty = loss(*inputs).square().sum()
        return torch.autograd.grad(penalty, inputs)

    for ours, plain in zip(penalties(convolve), penalties(reference), strict=True):
        torch.testing.assert_close(ours, plain)


def test_autocast_is_followed_and_float64_is_left_alone() -> None:
    x, weight, bias = tensors(CASES[0], torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        ours, plain = (f(x, weight, bias, **CASES[0]) for f in (convolve, reference))
        wide = convolve(*tensors(CASES[0], torch.float64), **CASES[0])
    assert ours.dtype == torch.bfloat16
    assert torch.equal(ours, plain)
    assert wide.dtype == torch.float64
    (gradient,) = torch.autograd.grad(ours.sum(), weight)
    assert gradient.dtype == torch.float32
