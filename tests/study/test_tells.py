"""Tells in the pixels are found where there are some, and not where there are none."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from popgan.study.png import decode_png
from popgan.study.render import stimulus
from popgan.study.tells import Tell, background, find_tells, grey_levels, spectrum

SIDE = 32


def heads(count: int, *, seed: int, floor: float = 0.02, blur: float = 0.0, step: int = 1) -> list:
    """Stimuli of drawn heads with a noise floor, blurred, or with few grey levels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    found = []
    for _ in range(count):
        inside = np.hypot(x / rng.uniform(0.28, 0.34), y / rng.uniform(0.34, 0.4)) < 1
        texture = ndimage.gaussian_filter(rng.standard_normal((SIDE, SIDE)), 1) * 0.3
        image = np.where(inside, 0.5 + texture, 0) + floor * np.abs(
            rng.standard_normal((SIDE, SIDE))
        )
        image = ndimage.gaussian_filter(image, blur) if blur else image
        levels = decode_png(stimulus(image * 2 - 1)).astype(np.int64)
        found.append((levels // step * step).astype(np.uint16))
    return found


def tells(real: list, drawn: list, patients: int = 8) -> dict[str, Tell]:
    kinds = np.array([True] * len(real) + [False] * len(drawn))
    clusters = [f"sub-{i % patients}" for i in range(len(real))] + [
        f"c{i}" for i in range(len(drawn))
    ]
    return {tell.name: tell for tell in find_tells([*real, *drawn], kinds, clusters, 0)}


def test_images_of_one_kind_have_no_tells() -> None:
    found = tells(heads(32, seed=2), heads(40, seed=3))
    assert not any(tell.warning for tell in found.values())
    assert all(tell.low <= tell.auc <= tell.high for tell in found.values() if tell.low is not None)


def test_each_tell_is_named_where_it_is() -> None:
    real = heads(32, seed=0)
    for name, drawn in (
        ("background", heads(40, seed=1, floor=0.0)),
        ("grey levels", heads(40, seed=1, step=257)),
        ("spectrum", heads(40, seed=1, blur=0.8)),
    ):
        tell = tells(real, drawn)[name]
        assert tell.warning and tell.auc > 0.7, name
        assert "tells them apart" in tell.words or "tell them apart" in tell.words


def test_one_patient_gives_no_interval_and_no_warning() -> None:
    for tell in tells(heads(12, seed=0), heads(12, seed=1, blur=0.8), patients=1).values():
        assert tell.low is None and not tell.warning
        assert tell.words.startswith("one patient")


def test_black_and_even_images_have_numbers_too() -> None:
    for image in (np.zeros((8, 8), np.uint16), np.full((8, 8), 65535, np.uint16)):
        for measure in (background, grey_levels, spectrum):
            assert np.isfinite(measure(image)).all()
