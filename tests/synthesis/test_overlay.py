"""Labels lie where they belong in the pictures, and are told apart by colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from popgan.config.masks import MOST
from popgan.synthesis.overlay import colour, hexadecimal, overlay, overlay_png


def square() -> tuple[np.ndarray, np.ndarray]:
    """Two contrasts in mid-grey with a square of label 2 in the middle."""
    images = np.zeros((1, 2, 8, 8), np.float32)
    codes = np.zeros((1, 8, 8), np.uint8)
    codes[0, 2:6, 2:6] = 2
    return images, codes


def test_outside_of_labels_a_picture_is_as_it_was() -> None:
    images, codes = square()
    picture = overlay(images, codes, scale=2)
    assert picture.shape == (1, 16, 32, 3)
    bare = overlay(images, np.zeros_like(codes), scale=2)
    assert (bare == 128).all()
    outside = np.tile(codes == 0, (1, 1, 2)).repeat(2, 1).repeat(2, 2)
    np.testing.assert_array_equal(picture[outside], bare[outside])


def test_the_rim_has_the_colour_and_the_inside_a_tint() -> None:
    picture = overlay(*square(), scale=2)[0]
    for left in (0, 16):  # in both contrasts
        assert tuple(picture[4, left + 4]) == colour(2)
        assert tuple(picture[11, left + 11]) == colour(2)
        inside = picture[7, left + 7].astype(int)
        assert tuple(inside) == tuple(np.rint(0.65 * 128 + 0.35 * np.array(colour(2))))


def test_a_label_at_the_edge_of_a_contrast_has_no_rim_towards_the_next_one() -> None:
    images, codes = np.zeros((1, 2, 4, 4), np.float32), np.ones((1, 4, 4), np.uint8)
    picture = overlay(images, codes, scale=1)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) == 1


def test_every_label_has_a_colour_of_its_own() -> None:
    assert len({colour(code) for code in range(1, MOST + 1)}) == MOST
    assert hexadecimal(1) == "#e69f00"


def test_the_sheet_says_that_it_is_synthetic(tmp_path: Path) -> None:
    images, codes = square()
    path = overlay_png(tmp_path / "masks.png", images.repeat(3, 0), codes.repeat(3, 0), columns=2)
    with Image.open(path) as sheet:
        assert sheet.mode == "RGB"
        assert sheet.size == (2 * 32 + 2, 2 * 16 + 2)
        assert sheet.text["synthetic"] == "true"
