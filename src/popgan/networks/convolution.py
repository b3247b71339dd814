"""Convolution with second derivatives that are right and cost no more than they must.

A convolution is linear in its input and linear in its kernel, so that all its derivatives, of any
order, are convolutions and their two gradients again. Torch 2.13 has those as fast operations, but
for a second derivative (R1, path length) it takes others: the gradient of a kernel as a convolution
by a kernel as large as the image, three times slower, and in bfloat16 on CPUs with AMX wrong where
an even number of rows below 16 is penalised: what comes back has nothing to do with the gradient.
Here it is the fast ones. Values and first derivatives are those of `torch.nn.functional`, to the
last bit.

Where maps are few and large the overhead is felt, so a network may take this convolution only where
it is differentiated twice (`twice_differentiable`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn

Geometry = tuple[tuple[int, int], tuple[int, int], bool, int]
"""Stride, padding, whether the convolution is transposed, groups."""

_twice: ContextVar[bool] = ContextVar("twice", default=False)


@contextmanager
def twice_differentiable() -> Iterator[None]:
    """Within, what is drawn or judged is about to be differentiated twice (a gradient penalty)."""
    token = _twice.set(True)
    try:
        yield
    finally:
        _twice.reset(token)


def is_twice_differentiable() -> bool:
    """Whether this runs within `twice_differentiable`."""
    return _twice.get()


def convolve(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
    transposed: bool = False,
    groups: int = 1,
) -> Tensor:
    """As `conv2d`, or `conv_transpose2d` if transposed; follows autocast."""
    kind = x.device.type
    if torch.is_autocast_enabled(kind) and x.dtype != torch.float64:
        dtype = torch.get_autocast_dtype(kind)
        x, weight = x.to(dtype), weight.to(dtype)
        bias = None if bias is None else bias.to(dtype)
    geometry = (stride, stride), (padding, padding), transposed, groups
    found: Tensor = _Convolution.apply(x, weight, bias, geometry)
    return found


def convolve_as(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """What a layer makes of N x C x H x W, by `convolve`; of equal strides and padding by zeros."""
    assert not isinstance(layer.padding, str)  # torch would take "same"; this does not
    stride, padding = layer.stride[0], layer.padding[0]
    return convolve(
        x, layer.weight, layer.bias, stride=stride, padding=padding, groups=layer.groups
    )


class _Convolution(torch.autograd.Function):
    """The convolution itself."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
        return _product(x, weight, bias, geometry)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        x, weight, _, ctx.geometry = inputs
        ctx.save_for_backward(x, weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        wanted = ctx.needs_input_grad[:3]
        return *_Gradients.apply(gradient, *ctx.saved_tensors, ctx.geometry, wanted), None


class _Gradients(torch.autograd.Function):
    """Its gradients with respect to input, kernel and bias, as far as they are wanted."""

    @staticmethod
    def forward(
        gradient: Tensor,
        x: Tensor,
        weight: Tensor,
        geometry: Geometry,
        wanted: tuple[bool, bool, bool],
    ) -> Any:
        return _gradients(gradient, x, weight, geometry, wanted)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        *tensors, ctx.geometry, _ = inputs
        ctx.save_for_backward(*tensors)
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, dx: Tensor | None, dweight: Tensor | None, dbias: Tensor | None) -> Any:
        """Each of the three is linear in two of gradient, input and kernel."""
        gradient, x, weight = ctx.saved_tensors
        geometry, wanted = ctx.geometry, ctx.needs_input_grad
        of_gradient = of_x = of_weight = None
        if wanted[0]:
            terms = [] if dx is None else [_product(dx, weight, None, geometry)]
            terms += [] if dweight is None else [_product(x, dweight, None, geometry)]
            terms += [] if dbias is None else [dbias[:, None, None].expand_as(gradient)]
            of_gradient = sum(terms[1:], start=terms[0]) if terms else None
        if wanted[1] and dweight is not None:
            of_x, _, _ = _gradients(gradient, x, dweight, geometry, (True, False, False))
        if wanted[2] and dx is not None:
            _, of_weight, _ = _gradients(gradient, dx, weight, geometry, (False, True, False))
        return of_gradient, of_x, of_weight, None, None


def _product(x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry) -> Tensor:
    stride, padding, transposed, groups = geometry
    return torch.ops.aten.convolution(
        x, weight, bias, stride, padding, (1, 1), transposed, (0, 0), groups
    )


def _gradients(
    gradient: Tensor,
    x: Tensor,
    weight: Tensor,
    geometry: Geometry,
    wanted: tuple[bool, bool, bool],
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    stride, padding, transposed, groups = geometry
    biases = [gradient.shape[1]]
    return torch.ops.aten.convolution_backward(
        gradient, x, weight, biases, stride, padding, (1, 1), transposed, (0, 0), groups, wanted
    )
