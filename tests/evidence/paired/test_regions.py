"""The mask of a patient: all tissue, filled, without specks, whatever the background is."""

from __future__ import annotations

import numpy as np
import pytest

from popgan.evidence.paired.regions import brain_mask

SIDE = 40
Y, X = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
HEAD = np.hypot(Y, X * 1.2) < 15
HOLE = np.hypot(Y, X) < 4


def pictures(n: int = 2, *, noise: float = 0.01, air: float = 0.0) -> np.ndarray:
    """n slices of two contrasts: a head whose hole is dark in both."""
    rng = np.random.default_rng(0)
    head = np.where(HEAD & ~HOLE, 0.5, 0.0)
    images = np.repeat(np.stack([head, 0.6 * head])[None], n, 0)
    return np.clip(images + air + np.abs(rng.normal(0, noise, images.shape)), 0, 1)


def test_it_is_the_head_with_dark_holes_filled() -> None:
    np.testing.assert_array_equal(brain_mask(pictures()), [HEAD, HEAD])


def test_a_pixel_that_is_bright_in_any_contrast_counts() -> None:
    images = pictures()
    images[0, 0][X < 0] = 0  # the first contrast lacks half of the head
    np.testing.assert_array_equal(brain_mask(images)[0], HEAD)


def test_specks_go_and_a_second_large_part_stays() -> None:
    images = pictures()
    images[:, :, 1, 1] = 0.9
    images[:, :, 30:39, 0:8] = 0.7  # larger than a tenth of the head
    found = brain_mask(images)[0]
    assert not found[1, 1] and found[32, 3]
    assert found.sum() == HEAD.sum() + (HEAD[30:39, 0:8] == 0).sum()


@pytest.mark.parametrize("air", [0.1, 0.2])
def test_a_grey_background_is_air(air: float) -> None:
    images = pictures()
    images[:, 1] = pictures(air=air)[:, 1]
    np.testing.assert_array_equal(brain_mask(images)[0], HEAD)


def test_a_head_that_fills_the_picture_is_not_taken_for_air() -> None:
    assert brain_mask(np.full((1, 2, SIDE, SIDE), 0.5)).all()


def test_a_head_that_touches_the_rim_keeps_its_shape() -> None:
    images = np.zeros((1, 1, SIDE, SIDE))
    images[0, 0, 5:, 10:30] = 0.5  # cut off at the lower rim
    np.testing.assert_array_equal(brain_mask(images)[0], images[0, 0] > 0)


def test_an_empty_slice_has_an_empty_mask() -> None:
    assert not brain_mask(np.zeros((2, 3, SIDE, SIDE), np.float32)).any()
