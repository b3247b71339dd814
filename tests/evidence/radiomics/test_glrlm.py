"""Run lengths against Galloway's example, the IBSI phantom and plain counting."""

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evidence.radiomics import ibsi_phantom as phantom
from popgan.evidence.radiomics.glrlm import DIRECTIONS, NAMES, averaged, features, run_counts

# Galloway 1975, the picture of 4 x 4 and its matrices; grey levels 0 to 3 there, 1 to 4 here.
GALLOWAY = np.array([[[0, 1, 2, 3], [0, 2, 3, 3], [2, 1, 1, 1], [3, 0, 3, 0]]], np.uint8) + 1
GALLOWAY_COUNTS = {
    0: [[4, 0, 0, 0], [1, 0, 1, 0], [3, 0, 0, 0], [3, 1, 0, 0]],
    45: [[4, 0, 0, 0], [4, 0, 0, 0], [0, 0, 1, 0], [3, 1, 0, 0]],
    90: [[2, 1, 0, 0], [4, 0, 0, 0], [3, 0, 0, 0], [3, 1, 0, 0]],
    135: [[4, 0, 0, 0], [4, 0, 0, 0], [3, 0, 0, 0], [5, 0, 0, 0]],
}
LEVELS = arrays.arrays(np.uint8, (2, 5, 7), elements=st.integers(0, 3))


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_example_of_galloway(direction: int) -> None:
    found = run_counts(GALLOWAY, (direction,)).dense(4, 4)[0]
    assert found.tolist() == GALLOWAY_COUNTS[direction]


def test_the_matrices_of_the_ibsi_phantom() -> None:
    found = run_counts(phantom.SLICES).dense(6, 5)
    for matrix, runs in zip(found, phantom.RUNS, strict=True):
        assert {(i + 1, r + 1): matrix[i, r] for i, r in np.argwhere(matrix)} == runs


def test_the_features_of_the_ibsi_phantom() -> None:
    phantom.agrees(averaged(phantom.SLICES).mean(0), NAMES, phantom.GLRLM)


@settings(max_examples=30, deadline=None)
@given(LEVELS)
def test_counting_along_each_line_gives_the_same(levels: np.ndarray) -> None:
    for direction, turns in {0: 0, 45: None, 90: 1, 135: None}.items():
        found = run_counts(levels, (direction,)).dense(3, 7)
        for image, matrix in zip(levels, found, strict=True):
            if turns is None:
                tilted = image if direction == 135 else image[::-1]
                lines = [tilted.diagonal(k) for k in range(-4, 7)]
            else:
                lines = list(np.rot90(image, turns))
            wanted = np.zeros((3, 7), int)
            for line in lines:
                for level, run in groupby(line.tolist()):
                    if level:
                        wanted[level - 1, len(list(run)) - 1] += 1
            np.testing.assert_array_equal(matrix, wanted)


@settings(max_examples=20, deadline=None)
@given(LEVELS)
def test_runs_cover_every_pixel_once_a_direction_and_turning_changes_nothing(
    levels: np.ndarray,
) -> None:
    counts = run_counts(levels)
    covered = np.bincount(counts.image, counts.count * counts.size, 2)
    np.testing.assert_array_equal(covered, 4 * np.count_nonzero(levels, axis=(1, 2)))
    np.testing.assert_array_equal(covered, counts.pixels)
    turned = np.rot90(levels, axes=(1, 2))
    np.testing.assert_allclose(features(turned), features(levels), atol=1e-12)
    np.testing.assert_allclose(averaged(turned), averaged(levels), atol=1e-12)


def test_images_of_a_batch_do_not_touch() -> None:
    levels = np.random.default_rng(0).integers(1, 3, (6, 8, 8)).astype(np.uint8)
    one_by_one = np.concatenate([features(image[None]) for image in levels])
    np.testing.assert_array_equal(features(levels), one_by_one)


def test_a_constant_image_is_all_long_runs_and_an_empty_one_all_zeros() -> None:
    levels = np.zeros((2, 5, 5), np.uint8)
    levels[0] = 2
    constant, empty = averaged(levels)
    value = dict(zip(NAMES, constant, strict=True))
    assert value["grey level variance"] == 0
    assert value["normalised grey level non-uniformity"] == 1
    assert np.all(empty == 0) and np.isfinite(constant).all()
