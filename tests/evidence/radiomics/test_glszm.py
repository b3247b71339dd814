"""Size zones against the IBSI phantom and scipy's labels."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.ndimage import label

from evidence.radiomics import ibsi_phantom as phantom
from popgan.evidence.radiomics.glszm import NAMES, features, zone_counts

LEVELS = arrays.arrays(np.uint8, (2, 6, 7), elements=st.integers(0, 3))


def test_the_matrices_of_the_ibsi_phantom() -> None:
    found = zone_counts(phantom.SLICES).dense(6, 20)
    for matrix, zones in zip(found, phantom.ZONES, strict=True):
        assert {(i + 1, s + 1): matrix[i, s] for i, s in np.argwhere(matrix)} == zones


def test_the_features_of_the_ibsi_phantom() -> None:
    phantom.agrees(features(phantom.SLICES).mean(0), NAMES, phantom.GLSZM)


@settings(max_examples=30, deadline=None)
@given(LEVELS)
def test_labelling_each_level_gives_the_same_zones(levels: np.ndarray) -> None:
    found = zone_counts(levels).dense(3, 42)
    for image, matrix in zip(levels, found, strict=True):
        wanted = np.zeros((3, 42), int)
        for level in (1, 2, 3):
            parts, _ = label(image == level, np.ones((3, 3)))
            for size in np.bincount(parts.ravel())[1:]:
                wanted[level - 1, size - 1] += 1
        np.testing.assert_array_equal(matrix, wanted)


@settings(max_examples=15, deadline=None)
@given(LEVELS)
def test_zones_cover_every_pixel_once_and_turning_changes_nothing(levels: np.ndarray) -> None:
    counts = zone_counts(levels)
    covered = np.bincount(counts.image, counts.count * counts.size, 2)
    np.testing.assert_array_equal(covered, np.count_nonzero(levels, axis=(1, 2)))
    for turned in (np.rot90(levels, axes=(1, 2)), levels[:, ::-1]):
        np.testing.assert_allclose(features(turned), features(levels), atol=1e-12)


def test_enlarging_every_pixel_multiplies_zone_sizes() -> None:
    levels = np.random.default_rng(0).integers(1, 4, (2, 6, 6)).astype(np.uint8)
    large = levels.repeat(2, axis=1).repeat(2, axis=2)
    small, enlarged = zone_counts(levels), zone_counts(large)
    np.testing.assert_array_equal(4 * small.size, enlarged.size)
    np.testing.assert_array_equal(small.count, enlarged.count)


def test_constant_and_empty_images_are_finite() -> None:
    levels = np.zeros((2, 4, 4), np.uint8)
    levels[0] = 3
    constant, empty = features(levels)
    value = dict(zip(NAMES, constant, strict=True))
    assert value["large zone emphasis"] == 16**2
    assert value["zone percentage"] == 1 / 16
    assert value["zone size entropy"] == 0
    assert np.all(empty == 0)
