"""Co-occurrence against Haralick's example, the IBSI phantom and scikit-image."""

import numpy as np
import pytest
from skimage.feature import graycomatrix, graycoprops

from evidence.radiomics import ibsi_phantom as phantom
from popgan.evidence.radiomics.glcm import NAMES, averaged, describe, features, matrices

# Haralick, Shanmugam & Dinstein 1973, figure 3: grey levels 0 to 3 there, 1 to 4 here.
HARALICK = np.array([[[0, 0, 1, 1], [0, 0, 1, 1], [0, 2, 2, 2], [2, 2, 3, 3]]], np.uint8) + 1
HARALICK_COUNTS = {
    0: [[4, 2, 1, 0], [2, 4, 0, 0], [1, 0, 6, 1], [0, 0, 1, 2]],
    45: [[4, 1, 0, 0], [1, 2, 2, 0], [0, 2, 4, 1], [0, 0, 1, 0]],
    90: [[6, 0, 2, 0], [0, 4, 2, 0], [2, 2, 2, 2], [0, 0, 2, 0]],
    135: [[2, 1, 3, 0], [1, 2, 1, 0], [3, 1, 0, 2], [0, 0, 2, 0]],
}


def random_levels(seed: int, grey: int = 5, shape: tuple[int, ...] = (3, 9, 9)) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, grey + 1, shape).astype(np.uint8)


def test_the_example_of_haralick() -> None:
    assert matrices(HARALICK, 4)[0].tolist() == list(HARALICK_COUNTS.values())


def test_the_matrices_of_the_ibsi_phantom() -> None:
    found = matrices(phantom.SLICES, phantom.GREY).sum(1)
    for matrix, pairs in zip(found, phantom.PAIRS, strict=True):
        wanted = np.zeros((6, 6), int)
        for (i, j), count in pairs.items():
            wanted[i - 1, j - 1] = wanted[j - 1, i - 1] = count
        np.testing.assert_array_equal(matrix, wanted)


def test_the_features_of_the_ibsi_phantom() -> None:
    phantom.agrees(averaged(phantom.SLICES, phantom.GREY).mean(0), NAMES, phantom.GLCM)


def test_scikit_image_has_the_same_matrices_and_properties() -> None:
    levels = random_levels(0)
    for image, found in zip(levels, matrices(levels, 5), strict=True):
        turns = np.deg2rad([0, 135, 90, 45])  # scikit-image turns clockwise
        theirs = graycomatrix(image - 1, [1], turns, levels=5, symmetric=True)
        np.testing.assert_array_equal(found, theirs[:, :, 0].transpose(2, 0, 1))
        ours = dict(zip(NAMES, describe(found).T, strict=True))
        for name, theirs_name in {
            "contrast": "contrast",
            "dissimilarity": "dissimilarity",
            "inverse difference moment": "homogeneity",
            "angular second moment": "ASM",
            "correlation": "correlation",
            "joint variance": "variance",
            "joint entropy": "entropy",
        }.items():
            wanted = graycoprops(theirs, theirs_name)[0]
            if theirs_name == "entropy":
                wanted = wanted / np.log(2)  # from nats to bits
            np.testing.assert_allclose(ours[name], wanted, err_msg=name)


def test_a_mask_leaves_only_the_pairs_inside() -> None:
    levels = random_levels(1)
    alone = levels[:, 2:6, 3:8]
    masked = np.zeros_like(levels)
    masked[:, 2:6, 3:8] = alone
    np.testing.assert_array_equal(matrices(masked, 5), matrices(alone, 5))


@pytest.mark.parametrize("seed", range(3))
def test_turning_and_mirroring_change_nothing(seed: int) -> None:
    levels = random_levels(seed, shape=(4, 7, 10))
    for turned in (np.rot90(levels, axes=(1, 2)), levels[:, ::-1], levels[:, :, ::-1]):
        np.testing.assert_allclose(features(turned, 5), features(levels, 5), atol=1e-12)
        np.testing.assert_allclose(averaged(turned, 5), averaged(levels, 5), atol=1e-12)


def test_every_pair_of_neighbours_is_counted_twice() -> None:
    count = matrices(random_levels(0, shape=(2, 6, 8)), 5).sum((2, 3))
    assert count.tolist() == [[2 * 6 * 7, 2 * 5 * 7, 2 * 5 * 8, 2 * 5 * 7]] * 2


def test_unused_grey_levels_change_only_what_is_normalised_by_their_number() -> None:
    levels = random_levels(3)
    few, many = features(levels, 5), features(levels, 9)
    for name, a, b in zip(NAMES, few.T, many.T, strict=True):
        if name.startswith("normalised"):
            assert np.all(a < b)
        else:
            np.testing.assert_allclose(a, b, atol=1e-12, err_msg=name)


def test_linear_relations_of_the_manual_hold() -> None:
    value = dict(zip(NAMES, features(random_levels(4), 5).T, strict=True))
    np.testing.assert_allclose(value["sum average"], 2 * value["joint average"])
    np.testing.assert_allclose(value["dissimilarity"], value["difference average"])
    np.testing.assert_allclose(value["cluster tendency"], value["sum variance"])
    both = value["contrast"] + value["cluster tendency"]
    np.testing.assert_allclose(both, 4 * value["joint variance"])


def test_constant_single_pixel_and_empty_regions_are_finite() -> None:
    levels = np.zeros((3, 4, 4), np.uint8)
    levels[0] = 2
    levels[1, 1, 1] = 3
    constant, single, empty = features(levels, 4)
    value = dict(zip(NAMES, constant, strict=True))
    assert value["correlation"] == 1 == value["joint maximum"]
    assert value["joint entropy"] == value["contrast"] == value["information correlation 2"] == 0
    assert np.all(single == 0) and np.all(empty == 0)
