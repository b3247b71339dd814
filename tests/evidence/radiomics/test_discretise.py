"""Bins are those of the IBSI manual, and what is outside of a region never gets a grey level."""

import numpy as np
import pytest

from popgan.evidence.radiomics.discretise import fixed_bin_number, fixed_bin_width


def test_bin_number_spreads_each_region_over_all_levels() -> None:
    ramp = np.linspace(3, 7, 17).reshape(1, 1, 17)
    levels = fixed_bin_number(ramp, 4).ravel()
    assert levels.tolist() == [1] * 4 + [2] * 4 + [3] * 4 + [4] * 5  # the highest in the last bin
    np.testing.assert_array_equal(fixed_bin_number(5 * ramp - 2, 4).ravel(), levels)


def test_bin_number_looks_only_at_the_region() -> None:
    image = np.array([[[0.0, 1.0, 2.0, 1e6]]])
    levels = fixed_bin_number(image, 2, image < 10)
    assert levels.tolist() == [[[1, 2, 2, 0]]]


def test_bin_width_counts_from_one_place_for_all_images() -> None:
    image = np.array([[[-0.1, 0.0, 0.249, 0.25, 0.999, 1.0, 1.7]]])
    assert fixed_bin_width(image, 0.25, low=0, high=1).ravel().tolist() == [1, 1, 1, 2, 4, 4, 4]


def test_a_constant_region_is_level_one_and_an_empty_one_has_none() -> None:
    image = np.full((2, 3, 3), 0.3)
    masks = np.stack([np.ones((3, 3), bool), np.zeros((3, 3), bool)])
    levels = fixed_bin_number(image, 8, masks)
    assert np.all(levels[0] == 1) and np.all(levels[1] == 0)


@pytest.mark.parametrize("bins", [0, 256])
def test_levels_that_do_not_fit_a_byte_are_refused(bins: int) -> None:
    with pytest.raises(ValueError, match="grey levels"):
        fixed_bin_number(np.zeros((1, 2, 2)), bins)
