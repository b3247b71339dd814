"""Figures of outlines against pictures whose answer is plain."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from popgan.evidence.tissue.figures import (
    CHECKS,
    LIKENESS,
    TEXTS,
    checks_of,
    features_of,
    grey_white_contrast,
    symmetry,
)
from popgan.evidence.tissue.segment import Outlines


def head(side: int = 64, *, shift: int = 0) -> np.ndarray:
    """A round brain: fluid, grey rim, white core, two ventricles."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    x = x - shift
    radius = np.hypot(x, y)
    codes = np.zeros((side, side), np.uint8)
    codes[radius < 25] = 1
    codes[radius < 23] = 2
    codes[radius < 16] = 3
    codes[(np.abs(np.abs(x) - 5) < 2) & (np.abs(y) < 6)] = 4
    return codes


def outlined(*codes: np.ndarray) -> Outlines:
    stack = np.stack(codes)
    return Outlines("T1w", stack, np.full(len(stack), 0.9, np.float32))


def image_of(codes: np.ndarray) -> np.ndarray:
    grey = np.array([0.0, 0.2, 0.6, 0.9, 0.1], np.float32)
    return grey[codes] * 2 - 1


def test_shares_are_of_the_brain_and_ventricles_count_as_fluid() -> None:
    codes = head()
    found = features_of(image_of(codes)[None], outlined(codes), pixel=4.0)
    brain = (codes > 0).sum()
    assert found["grey"][0] == (codes == 2).sum() / brain
    assert found["white"][0] == (codes == 3).sum() / brain
    assert found["csf"][0] == np.isin(codes, (1, 4)).sum() / brain
    assert found["ventricles"][0] == 4 * (codes == 4).sum()
    assert found["grey"] + found["white"] + found["csf"] == pytest.approx(1)
    assert set(found) == set(TEXTS)


def test_without_a_known_pixel_ventricles_are_a_share_of_the_brain() -> None:
    codes = head()
    found = features_of(image_of(codes)[None], outlined(codes), pixel=None)
    assert found["ventricles"][0] == (codes == 4).sum() / (codes > 0).sum()


def test_contrast_is_of_mean_brightness_and_has_a_sign() -> None:
    codes = head()
    bright = image_of(codes)
    assert grey_white_contrast(bright[None], codes[None])[0] == pytest.approx(0.3 / 1.5, abs=1e-5)
    turned = np.where(codes == 2, 0.8, np.where(codes == 3, -0.2, -1)).astype(np.float32)
    assert grey_white_contrast(turned[None], codes[None])[0] < 0


def test_a_mirrored_head_is_symmetric_wherever_it_lies() -> None:
    assert symmetry(np.stack([head(), head(shift=5), head(65)[:64, :64]])) == pytest.approx(1)


def test_symmetry_is_the_share_of_pixels_like_their_mirror_image() -> None:
    codes = head()
    codes[20:40, 10:20][codes[20:40, 10:20] > 0] = 4
    plain = ((codes == codes[:, ::-1]) & (codes > 0)).sum() / (codes > 0).sum()
    assert symmetry(codes[None])[0] == pytest.approx(plain)
    assert 0.6 < plain < 0.95


def test_an_image_without_brain_has_no_features_and_fails_the_checks() -> None:
    nothing = outlined(np.zeros((64, 64), np.uint8))
    found = features_of(np.full((1, 64, 64), -1, np.float32), nothing, pixel=None)
    assert all(np.isnan(values[0]) for values in found.values())
    assert checks_of(nothing)["size"][0] == 0
    assert all(np.isfinite(values[0]) for values in checks_of(nothing).values())


def test_pieces_and_holes_are_counted_as_scipy_counts_them() -> None:
    codes = np.random.default_rng(0).integers(0, 5, (6, 40, 40)).astype(np.uint8)
    codes[codes == 1] = 0
    found = checks_of(outlined(*codes))
    assert set(found) == set(CHECKS) - {LIKENESS}
    for i, one in enumerate(codes > 0):
        parts, count = ndimage.label(one, np.ones((3, 3)))
        largest = max((parts == k).sum() for k in range(1, count + 1))
        holes = ndimage.binary_fill_holes(one).sum() - one.sum()
        assert found["whole"][i] == largest / one.sum()
        assert found["holes"][i] == holes / one.sum()


def test_borders_are_the_neighbours_that_differ() -> None:
    half = np.zeros((1, 8, 8), np.uint8)
    half[0, :, :4], half[0, :, 4:] = 2, 3
    # 56 pairs above each other, 56 beside, 8 of which lie across the border.
    assert checks_of(outlined(*half))["borders"][0] == 8 / 112
