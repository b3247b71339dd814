"""Holes: their area, their place, their filling."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from popgan.augmentation.cutout import cut


@given(
    row=st.floats(8, 24), column=st.floats(8, 40), height=st.floats(1, 16), width=st.floats(1, 16)
)
def test_a_hole_inside_has_its_area(row: float, column: float, height: float, width: float) -> None:
    images = torch.ones(1, 1, 32, 48)
    hole = cut(images, torch.tensor([[row, column]]), (height, width)) == -1
    rows, columns = hole.any(3).sum().item(), hole.any(2).sum().item()
    assert rows in (math.floor(height), math.ceil(height))
    assert columns in (math.floor(width), math.ceil(width))
    assert hole.sum() == rows * columns


def test_whole_pixels_are_cut_exactly_where_they_should_be() -> None:
    images = torch.ones(2, 3, 8, 8)
    found = cut(images, torch.tensor([[2.0, 4.0], [0.0, 8.0]]), (2.0, 4.0))
    expected = images.clone()
    expected[0, :, 1:3, 2:6] = -1
    expected[1, :, 0:1, 6:8] = -1
    assert torch.equal(found, expected)


def test_a_hole_far_outside_cuts_nothing() -> None:
    images = torch.randn(2, 1, 8, 8)
    assert torch.equal(cut(images, torch.full((2, 2), -1e4), (4.0, 4.0)), images)


def test_what_is_cut_has_no_gradient_and_the_rest_has_one() -> None:
    images = torch.randn(1, 1, 6, 6, dtype=torch.float64, requires_grad=True)
    found = cut(images, torch.tensor([[3.0, 3.0]]), (2.0, 2.0))
    (gradient,) = torch.autograd.grad(found.sum(), images)
    assert gradient.sum().item() == pytest.approx(32)
    assert gradient[0, 0, 2:4, 2:4].abs().sum() == 0
