"""The way back of slices: from the common grid onto the planes and the axes they came from."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from popgan.preparation.orientation import from_ras, to_ras
from popgan.preparation.resample import resample_back, resample_slices


def affine_of(axes: tuple[int, ...], signs: tuple[int, ...]) -> np.ndarray:
    """Axis n of a volume runs along RAS axis axes[n], in its direction or against it."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    for own, (world, sign) in enumerate(zip(axes, signs, strict=True)):
        affine[world, own] = sign * (1.0 + own)
    affine[:3, 3] = (-3, 5, 7)
    return affine


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("signs", list(itertools.product((1, -1), repeat=3)))
def test_turning_back_gives_the_file_s_own_order_for_all_48_orders(axes, signs) -> None:
    data = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    affine = affine_of(axes, signs)
    turned, _ = to_ras(data, affine)
    assert np.array_equal(from_ras(turned, affine), data)


def test_turning_back_holds_for_an_oblique_file() -> None:
    affine = affine_of((2, 0, 1), (1, -1, 1))
    tilt = np.deg2rad(20)
    turn = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    affine[:3, :3] = turn @ affine[:3, :3]
    data = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    turned, _ = to_ras(data, affine)
    assert np.array_equal(from_ras(turned, affine), data)


def bump(shape: tuple[int, int], spacing: tuple[float, float], middle: tuple[float, float]):
    """A smooth hill 60 mm wide around a place (mm from sample 0)."""
    x, y = (np.arange(n) * s - m for n, s, m in zip(shape, spacing, middle, strict=True))
    return np.exp(-(x[:, None] ** 2 + y[None, :] ** 2) / (2 * 30.0**2)).astype(np.float32)


STEP = st.floats(0.5, 5.0)


@given(
    spacing=st.tuples(STEP, STEP),
    pitch=st.floats(1.0, 4.0),
    off=st.tuples(st.floats(-30, 30), st.floats(-30, 30)),
    sides=st.tuples(st.floats(150, 260), st.floats(150, 260)),
)
def test_there_and_back_again_is_the_plane_within_the_error_of_interpolation(
    spacing, pitch, off, sides
) -> None:
    shape = tuple(round(side / step) for side, step in zip(sides, spacing, strict=True))
    centre = tuple((n - 1) / 2 * s + o for n, s, o in zip(shape, spacing, off, strict=True))
    plane = bump(shape, spacing, centre)
    side = 64
    grid = {"spacing": spacing, "centre": centre, "field": (side * pitch, side * pitch)}
    there = resample_slices(plane[None], shape=(side, side), **grid)
    back = resample_back(there, shape=shape, **grid)
    x, y = (np.arange(n) * s - c for n, s, c in zip(shape, spacing, centre, strict=True))
    step = max(*spacing, pitch)
    # Where the field ends, and where the plane does, neighbours are missing.
    rim = side * pitch / 2 - 2 * step
    inside = (np.abs(x) < rim)[:, None] & (np.abs(y) < rim)[None, :]
    edge = [int(np.ceil(2 * step / s)) for s in spacing]
    inside[: edge[0]] = inside[-edge[0] :] = inside[:, : edge[1]] = inside[:, -edge[1] :] = False
    # Linear interpolation errs by h^2/8 of the curvature (here 30^-2), a box of whole samples by
    # up to an eighth of a sample of the slope (here e^-0.5/30), once an axis.
    most = 3 * step**2 / (8 * 30.0**2) + 2 * step / 8 * np.exp(-0.5) / 30
    assert np.abs(back[0] - plane)[inside].max(initial=0) < most + 1e-5
    outside = (np.abs(x) > side * pitch / 2 + pitch + spacing[0])[:, None] | (
        np.abs(y) > side * pitch / 2 + pitch + spacing[1]
    )[None, :]
    assert np.abs(back[0][outside]).max(initial=0) == 0


def test_a_common_grid_that_is_the_plane_s_own_changes_nothing() -> None:
    planes = np.random.default_rng(1).uniform(size=(2, 12, 12)).astype(np.float32)
    grid = {"spacing": (2.0, 2.0), "centre": (11.0, 11.0), "field": (24.0, 24.0)}
    there = resample_slices(planes, shape=(12, 12), **grid)
    assert np.allclose(resample_back(there, shape=(12, 12), **grid), planes, atol=1e-6)


def test_a_hill_off_the_middle_comes_back_to_its_own_place() -> None:
    shape, spacing, centre = (100, 80), (1.5, 2.5), (60.0, 130.0)
    plane = bump(shape, spacing, centre)
    grid = {"spacing": spacing, "centre": centre, "field": (256.0, 256.0)}
    back = resample_back(resample_slices(plane[None], shape=(64, 64), **grid), shape=shape, **grid)
    found, true = (np.array(ndimage.center_of_mass(p**4)) for p in (back[0], plane))
    assert np.abs(found - true).max() < 0.05  # samples
