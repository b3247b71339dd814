"""Channels become label maps: the highest membership wins, if it is one at all."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from plans import recipe_plan, tiny_plan
from popgan.config.masks import MaskLabel
from popgan.synthesis.masks import split_masks, to_codes, to_values, with_map_shown


def test_a_pixel_belongs_to_the_label_it_is_most_a_member_of() -> None:
    masks = np.full((1, 3, 2, 3), -1, np.float32)
    masks[0, :, 0, 0] = (0.2, 0.9, -1)
    masks[0, :, 0, 1] = (-0.1, -0.2, -0.3)  # of none: all below zero
    masks[0, :, 0, 2] = (-1, -1, 0.001)
    masks[0, :, 1, 0] = (np.nan, 0.5, np.nan)
    masks[0, :, 1, 1] = (np.nan, np.nan, np.nan)
    codes = to_codes(masks)
    assert codes.dtype == np.uint8
    assert codes.tolist() == [[[2, 0, 3], [2, 0, 0]]]


@given(arrays(np.uint8, (3, 4, 5), elements=st.integers(0, 4)))
def test_what_is_drawn_without_doubt_comes_back_as_it_was(codes: np.ndarray) -> None:
    masks = np.where(codes[:, None] == np.arange(1, 5)[:, None, None], 1, -1).astype(np.float32)
    np.testing.assert_array_equal(to_codes(masks), codes)
    # And is not changed by doubt that leaves the order as it is.
    np.testing.assert_array_equal(to_codes(masks * np.float32(0.01)), codes)


def test_codes_get_the_values_of_the_source() -> None:
    labels = [MaskLabel(value=v, name="x", slices=9, left=0.5) for v in (-3, 17, 14175)]
    values = to_values(np.array([[0, 1], [2, 3]], np.uint8), labels)
    assert values.tolist() == [[0, -3], [17, 14175]]


def test_contrasts_and_masks_are_told_apart() -> None:
    plan = recipe_plan("popgan", masks=True)
    drawn = np.random.default_rng(0).uniform(-1, 1, (5, 4, 16, 16)).astype(np.float32)
    images, codes = split_masks(drawn, plan)
    np.testing.assert_array_equal(images, drawn[:, :2])
    np.testing.assert_array_equal(codes, to_codes(drawn[:, 2:]))
    plain = tiny_plan()
    images, none = split_masks(drawn[:, :1], plain)
    assert none is None
    np.testing.assert_array_equal(images, drawn[:, :1])


def test_for_looking_at_the_map_stands_beside_the_contrasts_in_steps_of_grey() -> None:
    plan = recipe_plan("popgan", masks=True)
    drawn = np.full((1, 4, 16, 16), -1, np.float32)
    drawn[0, 2, 3, 3] = drawn[0, 3, 4, 4] = 1
    shown = with_map_shown(drawn, plan)
    assert shown.shape == (1, 3, 16, 16)
    assert (shown[0, 2, 0, 0], shown[0, 2, 3, 3], shown[0, 2, 4, 4]) == (-1, 0, 1)
    assert with_map_shown(drawn[:, :1], tiny_plan()).shape == (1, 1, 16, 16)
