"""Resampling by [1, 3, 3, 1]: the numbers of scipy's upfirdn, borders included, and derivatives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.signal import upfirdn
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from popgan.networks.resample import double, halve, smooth

TAPS = np.array([1, 3, 3, 1]) / 8


def along_both(image: np.ndarray, gain: float, up: int, down: int, before: int) -> np.ndarray:
    """Zeros between, filter, skip, on both axes; `before` zeros stand before the first pixel."""
    for axis in (0, 1):
        size = image.shape[axis] * up // down
        padded = np.concatenate(
            [np.zeros_like(image.take([0] * before, axis)), image], axis
        ) if up == 1 else image  # fmt: skip
        full = upfirdn(TAPS * gain**0.5, padded, up=up, down=1, axis=axis)
        first = 1 if up == 2 else 3
        image = full.take(range(first, first + size * down, down), axis)
    return image


@pytest.mark.parametrize("size", [(4, 4), (3, 6), (5, 2)])
def test_doubling_is_upfirdn_up_to_the_border(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).normal(size=size)
    expected = along_both(image, gain=4, up=2, down=1, before=0)
    found = double(torch.from_numpy(image)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_smoothing_and_skipping_is_upfirdn_with_one_zero_before() -> None:
    image = np.random.default_rng(1).normal(size=(6, 8))
    found = halve(torch.from_numpy(image)[None, None])[0, 0].numpy()
    rows = upfirdn(TAPS, np.pad(image, 1), axis=0)[3:9:1]
    full = upfirdn(TAPS, rows, axis=1)[:, 3:11]
    np.testing.assert_allclose(found, full[: 6 - 0 : 2, ::2][:3, :4], atol=1e-12)


def test_smoothing_keeps_constants_inside_and_every_channel_to_itself() -> None:
    x = torch.zeros(1, 3, 9, 9)
    x[:, 1] = 2.0
    y = smooth(x, padding=2, gain=4)
    assert y.shape == (1, 3, 10, 10)
    torch.testing.assert_close(y[:, 1, 3:-3, 3:-3], torch.full((1, 4, 4), 8.0))
    assert y[:, [0, 2]].abs().max() == 0


def test_derivatives_of_first_and_second_order() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    for function in (double, halve, lambda x: smooth(x, 1, 4.0), lambda x: smooth(x, 2)):
        assert gradcheck(function, (x,))
        assert gradgradcheck(lambda x, f=function: f(x) ** 2, (x,))


@pytest.mark.parametrize("function", [double, halve, lambda x: smooth(x, 2)])
def test_derivatives_are_those_of_plain_operations(function: Callable[[Tensor], Tensor]) -> None:
    torch.manual_seed(1)
    size = function(torch.zeros(1, 1, 6, 4, dtype=torch.float64)).shape[2:]
    # As a matrix: one column an input pixel.
    basis = torch.eye(24, dtype=torch.float64).view(24, 1, 6, 4)
    matrix = function(basis).flatten(1).T
    x = torch.randn(2, 3, 6, 4, dtype=torch.float64, requires_grad=True)
    y, plain = function(x), (x.flatten(2) @ matrix.T).unflatten(2, size)
    torch.testing.assert_close(y, plain)
    (ours,) = torch.autograd.grad(y.pow(3).sum(), x)
    (theirs,) = torch.autograd.grad(plain.pow(3).sum(), x)
    torch.testing.assert_close(ours, theirs)
