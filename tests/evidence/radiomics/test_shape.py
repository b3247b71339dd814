"""Shape of masks against scikit-image and circles."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.measure import label, perimeter_crofton, regionprops

from popgan.evidence.radiomics.shape import NAMES, features


def blobs(seed: int, count: int = 6) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(count, 30, 24))
    return gaussian_filter(noise, (0, 2, 2)) > 0.05


def disc(radius: float, side: int = 80) -> np.ndarray:
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return (np.hypot(x, y) <= radius)[None]


def test_scikit_image_says_the_same() -> None:
    masks = blobs(0)
    for row, mask in zip(features(masks), masks, strict=True):
        value, theirs = dict(zip(NAMES, row, strict=True)), regionprops(mask.astype(np.uint8))[0]
        assert value["area"] == theirs.area
        assert value["perimeter"] == pytest.approx(perimeter_crofton(np.pad(mask, 1)))
        assert value["major axis length"] == pytest.approx(theirs.axis_major_length)
        assert value["minor axis length"] == pytest.approx(theirs.axis_minor_length)
        assert value["number of parts"] == label(mask, connectivity=2).max()


@pytest.mark.parametrize("radius", [10, 20, 30])
def test_a_disc_is_round_and_its_outline_as_long_as_in_geometry(radius: int) -> None:
    value = dict(zip(NAMES, features(disc(radius), pixel=0.5)[0], strict=True))
    assert value["area"] == pytest.approx(np.pi * (radius / 2) ** 2, rel=0.02)
    assert value["perimeter"] == pytest.approx(np.pi * radius, rel=0.03)
    assert value["sphericity 2D"] == pytest.approx(1, rel=0.03)
    assert value["elongation"] == pytest.approx(1)
    assert value["major axis length"] == pytest.approx(radius, rel=0.02)


def test_turning_and_moving_change_nothing() -> None:
    masks = blobs(1)
    for other in (np.rot90(masks, axes=(1, 2)), np.pad(masks, ((0, 0), (3, 0), (0, 9)))):
        np.testing.assert_allclose(features(other), features(masks), atol=1e-9)


def test_lengths_scale_with_the_pixel_and_forms_do_not() -> None:
    masks = blobs(2)
    one, two = features(masks), features(masks, pixel=2)
    factor = {"area": 4, "perimeter to area ratio": 0.5}
    factor |= dict.fromkeys(("perimeter", "major axis length", "minor axis length"), 2)
    for name, a, b in zip(NAMES, one.T, two.T, strict=True):
        np.testing.assert_allclose(b, factor.get(name, 1) * a, err_msg=name)


def test_a_hole_lengthens_the_outline_and_a_cut_adds_a_part() -> None:
    ring = disc(30) & ~disc(15)
    whole, holed = features(disc(30))[0], features(ring)[0]
    assert holed[1] == pytest.approx(1.5 * whole[1], rel=0.02)
    assert holed[3] < whole[3]
    ring[:, 39:41] = False
    assert features(ring)[0, 7] == 2


def test_parts_are_counted_within_each_slice() -> None:
    same_place = np.zeros((3, 6, 6), bool)
    same_place[:, 2, 2] = same_place[1, 5, 5] = same_place[1, 3, 3] = True
    assert features(same_place)[:, 7].tolist() == [1, 2, 1]


def test_a_pixel_a_line_and_nothing_are_finite() -> None:
    masks = np.zeros((3, 7, 7), bool)
    masks[0, 3, 3] = masks[1, 3, 1:6] = True
    pixel, line, empty = (dict(zip(NAMES, row, strict=True)) for row in features(masks))
    assert pixel["elongation"] == 1 and pixel["major axis length"] == 0
    assert line["elongation"] == 0 and line["number of parts"] == 1
    assert set(empty.values()) == {0}
