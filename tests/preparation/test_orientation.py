"""Whatever way a scan is stored, the head stands upright with its right side on the left."""

import itertools

import nibabel as nib
import numpy as np
import pytest

from popgan.preparation.orientation import from_upright, spacing_of, to_ras, upright

CODES = [
    code
    for order in itertools.permutations(["RL", "AP", "SI"])
    for code in itertools.product(*order)
]


@pytest.mark.parametrize("code", CODES, ids="".join)
def test_every_orientation_comes_back_to_the_same_ras_volume(code):
    data = np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6)
    affine = np.array([[2, 0, 0, -3], [0, 3, 0, -7], [0, 0, 4, 1], [0, 0, 0, 1.0]])
    start = nib.orientations.axcodes2ornt(("R", "A", "S"))
    change = nib.orientations.ornt_transform(start, nib.orientations.axcodes2ornt(code))
    stored = nib.Nifti1Image(data, affine).as_reoriented(change)
    back, back_affine = to_ras(stored.get_fdata(dtype=np.float32), stored.affine)
    np.testing.assert_array_equal(back, data)
    np.testing.assert_allclose(back_affine, affine, atol=1e-12)
    np.testing.assert_allclose(spacing_of(back_affine), (2, 3, 4))


def test_an_upright_slice_shows_front_on_top_and_right_on_the_left():
    volume = np.zeros((4, 6, 1))
    volume[-1, 2, 0] = 1  # the subject's right
    volume[1, -1, 0] = 2  # the subject's front
    shown = upright(np.moveaxis(volume, 2, 0))[0]
    assert shown.shape == (6, 4)
    assert shown[:, 0].max() == 1
    assert shown[0].max() == 2


def test_upright_is_undone_exactly():
    planes = np.random.default_rng(0).random((3, 2, 5, 7))
    np.testing.assert_array_equal(from_upright(upright(planes)), planes)
