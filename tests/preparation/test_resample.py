"""Resampling neither invents nor loses signal, and keeps millimetres true."""

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.processing import resample_from_to

from popgan.preparation.resample import axis_weights, onto_grid, resample_slices, same_grid


def resample(planes, spacing, field, side, centre=None):
    middle = [(n - 1) / 2 * s for n, s in zip(planes.shape[-2:], spacing, strict=True)]
    return resample_slices(
        planes.astype(np.float32),
        spacing=spacing,
        centre=tuple(centre or middle),
        field=(field, field),
        shape=(side, side),
    )


def test_a_whole_ratio_gives_exact_block_means():
    planes = np.random.default_rng(0).random((2, 24, 24))
    expected = planes.reshape(2, 8, 3, 8, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(resample(planes, (1, 1), 24, 8), expected, atol=1e-6)


def test_the_same_grid_changes_nothing():
    planes = np.random.default_rng(0).random((2, 16, 16))
    np.testing.assert_allclose(resample(planes, (2, 2), 32, 16), planes, atol=1e-6)


def test_a_finer_grid_is_linear_interpolation():
    line = np.random.default_rng(0).random(12)
    weights = axis_weights(12, 48, spacing=1, field=11, centre=5.5)
    places = 5.5 + (np.arange(48) - 23.5) * 11 / 48
    np.testing.assert_allclose(weights @ line, np.interp(places, np.arange(12), line), atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    source=st.integers(8, 90),
    target=st.integers(4, 64),
    spacing=st.floats(0.3, 4),
    field=st.floats(20, 200),
    centre=st.floats(-20, 200),
)
def test_weights_are_averages_inside_and_never_more(source, target, spacing, field, centre):
    weights = axis_weights(source, target, spacing=spacing, field=field, centre=centre)
    assert weights.shape == (target, source)
    assert weights.min() >= 0
    sums = weights.sum(axis=1)
    assert sums.max() <= 1 + 1e-5
    pitch = field / target
    half = max(pitch, spacing) / 2
    middles = centre + (np.arange(target) - (target - 1) / 2) * pitch
    inside = (middles - half > -spacing / 2) & (middles + half < (source - 0.5) * spacing)
    np.testing.assert_allclose(sums[inside], 1, atol=1e-4)


@pytest.mark.parametrize("spacing", [(0.5, 0.5), (1, 1), (2, 2), (0.7, 1.9)])
def test_a_disk_has_its_true_area_whatever_the_scan_resolution(spacing):
    shape = [round(200 / s) for s in spacing]
    x, y = ((np.arange(n) - (n - 1) / 2) * s for n, s in zip(shape, spacing, strict=True))
    disk = (np.hypot(x[:, None], y) < 70).astype(float)
    result = resample(disk[None], spacing, 180, 64)[0]
    assert result.sum() * (180 / 64) ** 2 == pytest.approx(np.pi * 70**2, rel=0.01)


def test_a_pattern_finer_than_the_target_turns_grey_instead_of_aliasing():
    board = np.indices((120, 120)).sum(axis=0) % 2
    result = resample(board[None], (1, 1), 100, 32)[0]
    assert np.abs(result - 0.5).max() < 0.06


def test_outside_the_scan_is_background():
    result = resample(np.ones((1, 10, 10)), (1, 1), 40, 20)[0]
    assert result[0].max() == 0
    assert result[10, 10] == 1


def test_the_head_centre_lands_in_the_middle():
    planes = np.zeros((1, 60, 60))
    planes[0, 12:15, 40:43] = 1
    result = resample(planes, (2, 2), 90, 45, centre=(26, 82))[0]
    place = np.array([(result.sum(axis=1 - a) * np.arange(45)).sum() for a in (0, 1)])
    np.testing.assert_allclose(place / result.sum(), 22, atol=1e-3)


def test_another_grid_is_reached_by_the_affines_as_nibabel_does():
    rng = np.random.default_rng(0)
    data = rng.random((20, 22, 18)).astype(np.float32)
    source = np.array([[1.5, 0, 0, -10], [0, 1.5, 0.1, -12], [0, -0.1, 1.5, 4], [0, 0, 0, 1]])
    target = np.array([[1.5, 0, 0, -8], [0, 1.4, 0, -11], [0, 0, 1.5, 5], [0, 0, 0, 1]])
    ours = onto_grid(data, source, (16, 16, 14), target)
    theirs = resample_from_to(
        nib.Nifti1Image(data, source), ((16, 16, 14), target), order=1, cval=float(data.min())
    )
    np.testing.assert_allclose(ours, theirs.get_fdata(), atol=1e-4)


def test_grids_that_differ_by_a_rounding_error_are_the_same():
    affine = np.diag([2.0, 2, 2, 1])
    near, far = affine.copy(), affine.copy()
    near[0, 3] += 0.01
    far[0, 3] += 1.0
    assert same_grid((9, 9, 9), affine, (9, 9, 9), near)
    assert not same_grid((9, 9, 9), affine, (9, 9, 9), far)
    assert not same_grid((9, 9, 9), affine, (9, 9, 8), affine)
