"""A stored slice, written as a volume, is where its scan was."""

import nibabel as nib
import numpy as np
import pytest

from popgan.cohort.geometry import slice_affine, to_volume
from popgan.preparation.orientation import upright


def test_a_slice_as_a_volume_is_in_ras_order():
    slice2d = np.zeros((5, 4))
    slice2d[0, 1] = 1  # front
    slice2d[3, 0] = 2  # subject's right
    volume = to_volume(slice2d)
    assert volume.shape == (4, 5, 1)
    x, y, _ = np.argwhere(volume == 1)[0]
    assert y == 4
    x, y, _ = np.argwhere(volume == 2)[0]
    assert x == 3


def test_volume_and_slice_are_inverse():
    slice2d = np.random.default_rng(0).random((6, 9))
    np.testing.assert_array_equal(upright(to_volume(slice2d)[..., 0]), slice2d)


def test_the_affine_is_ras_and_puts_the_middle_where_it_was():
    affine = slice_affine((6, 9), (2.0, 3.0, 4.0), (10, -20, 30))
    assert nib.aff2axcodes(affine) == ("R", "A", "S")
    np.testing.assert_allclose(nib.affines.voxel_sizes(affine), (3, 2, 4))
    np.testing.assert_allclose(affine @ [4, 2.5, 0, 1], (10, -20, 30, 1))


def test_a_stack_is_no_slice():
    with pytest.raises(ValueError, match="one slice"):
        to_volume(np.zeros((2, 3, 4)))
