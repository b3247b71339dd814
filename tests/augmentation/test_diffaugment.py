"""DiffAugment against plain slicing: whole shifts, half-sized holes, the published ranges."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from augmented import pictures, rng
from hypothesis import given
from hypothesis import strategies as st

from popgan.augmentation.diffaugment import shift_and_cut


def by_slicing(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The same draws, applied image by image with NumPy."""
    count, _, height, width = images.shape
    draws = {}
    for name, side in (("y", height), ("x", width)):
        most, hole = int(side / 8 + 0.5), int(side / 2 + 0.5)
        shift = torch.randint(-most, most + 1, (count,), generator=generator)
        first = torch.randint(0, side + 1 - hole % 2, (count,), generator=generator) - hole // 2
        draws[name] = (shift.tolist(), first.tolist(), hole)
    found = np.full(images.shape, -1.0, np.float32)
    for i in range(count):
        (dy, top, high), (dx, left, wide) = (
            (draws[n][0][i], draws[n][1][i], draws[n][2]) for n in ("y", "x")
        )
        for y in range(height):
            for x in range(width):
                inside = 0 <= y + dy < height and 0 <= x + dx < width
                cut = top <= y < top + high and left <= x < left + wide
                if inside and not cut:
                    found[i, :, y, x] = images[i, :, y + dy, x + dx].numpy()
    return torch.from_numpy(found)


@given(seed=st.integers(0, 1000), size=st.sampled_from([(16, 16), (10, 14), (7, 8)]))
def test_it_is_what_slicing_gives(seed: int, size: tuple[int, int]) -> None:
    images = pictures(3, 2, size)
    found = shift_and_cut(images, rng(seed))
    torch.testing.assert_close(found, by_slicing(images, rng(seed)), atol=2e-5, rtol=0)


def test_shifts_reach_an_eighth_and_holes_a_quarter_of_the_area() -> None:
    images = torch.ones(2000, 1, 16, 16)
    kept = (shift_and_cut(images, rng()) > 0).float().mean((1, 2, 3))
    firsts = np.arange(-4, 13)
    overlap = np.mean([min(16, f + 8) - max(0, f) for f in firsts]) / 16
    shifted = np.mean([1 - abs(s) / 16 for s in (-2, -1, 0, 1, 2)])
    assert kept.mean().item() == pytest.approx(shifted**2 * (1 - overlap**2), abs=0.02)


def test_label_maps_are_shifted_but_not_cut() -> None:
    images = torch.ones(64, 2, 16, 16)
    found = shift_and_cut(images, rng(), labels=1)
    assert (found[:, 0] < 0).float().mean() > 0.25
    assert (found[:, 1] < 0).float().mean() < 0.2
    assert torch.equal(found[:, 0] > 0, (found[:, 0] > 0) & (found[:, 1] > 0))


def test_gradients_are_exact() -> None:
    images = pictures(2, 1, (6, 6), torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: shift_and_cut(x, rng(1)), (images,))
