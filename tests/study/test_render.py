"""The mask never cuts into a head, and all images go through the same path."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from popgan.study.png import decode_png
from popgan.study.render import head_mask, otsu, stimulus
from small_runs import head


def a_head(
    side: int, seed: int, noise: float, *, skull: bool = True, pieces: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """A drawn slice in [-1, 1] and where the head is: skin, dark skull, brain with dark spots."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side - 0.5
    image, inside = np.zeros((side, side)), np.zeros((side, side), bool)
    for piece in range(pieces):
        shift = (piece - (pieces - 1) / 2) * 0.42
        a, b = rng.uniform(0.26, 0.36, 2) / (1 if pieces == 1 else 2)
        radius = np.hypot((x - shift - rng.uniform(-0.03, 0.03)) / a, y / b)
        if skull:
            layers = [radius < 0.85, radius < 0.93, radius < 1]
            image += np.select(layers, [0.55, 0.05, rng.uniform(0.35, 1.0)], 0.0)
        else:
            image += np.where(radius < 1, 0.5, 0.0)
        spots = rng.uniform(0, 1, (side, side)) < 0.03
        image[spots & (radius < 0.8)] = 0.02  # fluid, vessels
        inside |= radius < 1
    dirt = rng.standard_normal((2, side, side)) * noise
    return np.clip(np.hypot(image + dirt[0], dirt[1]) * 2 - 1, -1, 1), inside


@settings(max_examples=60)
@given(
    st.sampled_from([32, 64, 128]),
    st.integers(0, 10_000),
    st.sampled_from([0.0, 0.02, 0.05]),
    st.booleans(),
    st.sampled_from([1, 1, 2]),
)
def test_the_mask_keeps_the_whole_head(
    side: int, seed: int, noise: float, skull: bool, pieces: int
) -> None:
    image, inside = a_head(side, seed, noise, skull=skull, pieces=pieces)
    mask = head_mask(image)
    assert (mask & inside).sum() == inside.sum()
    # ... and not much else.
    assert mask.sum() < 2.1 * inside.sum()


def test_phantom_heads_are_whole() -> None:
    volume = head(0).astype(float)
    for z in range(8, 30, 3):
        image = volume[:, :, z] / 900 * 2 - 1
        inside = volume[:, :, z] > 100  # skin, bone and brain; noise is 30 and less
        assert head_mask(image)[inside].mean() > 0.999


def test_what_is_outside_is_black_whatever_made_the_image() -> None:
    image, _ = a_head(64, 3, 0.04)
    real = decode_png(stimulus(image))
    assert (real[:4] == 0).all() and (real[:, :4] == 0).all()
    assert (decode_png(stimulus(image, masked=False))[:4] > 0).any()
    inner = head_mask(image)
    assert (real[inner] == decode_png(stimulus(image, masked=False))[inner]).all()


def test_values_are_clipped_and_scaled_to_sixteen_bits() -> None:
    image = np.array([[-1.0, 1.0, 0.0, -3.0, 7.0]] * 2, np.float32)
    assert decode_png(stimulus(image, masked=False))[0].tolist() == [0, 65535, 32768, 0, 65535]


def test_images_without_content_pass_and_without_numbers_do_not() -> None:
    assert head_mask(np.full((16, 16), -1.0)).all()
    assert (decode_png(stimulus(np.full((16, 16), -1.0))) == 0).all()
    for bad in (np.full((4, 4), np.nan), np.zeros((1, 4, 4))):
        with pytest.raises(ValueError, match="finite"):
            stimulus(bad)


def test_otsu_parts_two_classes() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0, 1, 500), rng.normal(10, 1, 300)])
    assert 3 < otsu(values) < 7
    assert 0 < otsu(np.array([0.0, 0.0, 1.0])) < 1
