"""Pairs that do not lie on one another are found; those that do are left alone."""

from __future__ import annotations

import os
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage
from skimage.metrics import normalized_mutual_information

from popgan.evidence.paired import registration
from popgan.evidence.paired.registration import check_pair


def pair(seed: int, side: int = 128, n: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """The same anatomy in two shades: what is bright in one is of any shade in the other."""
    rng = np.random.default_rng(seed)
    y, x = (np.mgrid[:side, :side] - (side - 1) / 2) / side
    head = np.hypot(y * rng.uniform(0.95, 1.05), x * 1.25) < 0.38
    field = ndimage.gaussian_filter(rng.normal(size=(n, side, side)), (0.7, side / 20, side / 20))
    tissue = np.digitize(field / field.std(), [-0.8, 0.3, 1.0])
    shades = np.array([[0.25, 0.5, 0.75, 0.9], [0.8, 0.35, 0.6, 0.2]])
    images = [ndimage.gaussian_filter(s[tissue] * head, (0, 0.7, 0.7)) for s in shades]
    return tuple(np.clip(i + rng.normal(0, 0.02, i.shape), 0, 1).astype(np.float32) for i in images)


def moved(stack: np.ndarray, rows: float, columns: float, angle: float = 0.0) -> np.ndarray:
    turned = ndimage.rotate(stack, angle, axes=(1, 2), reshape=False, order=1)
    return ndimage.shift(turned, (0, rows, columns), order=1)


@pytest.mark.parametrize("side", [64, 128, 192])
def test_a_registered_pair_is_left_alone(side: int) -> None:
    for seed in range(3):
        found = check_pair(*pair(seed, side))
        assert found.verdict == "registered" and found.shift == (0, 0) and found.angle == 0
        assert found.gain == 0 and found.alike > 1.1


@pytest.mark.parametrize("side", [64, 128, 192])
@pytest.mark.parametrize(("rows", "columns"), [(0.05, 0.0), (-0.04, 0.03), (0.1, -0.05)])
def test_a_shift_is_found_with_its_size_and_direction(side, rows, columns) -> None:
    first, second = pair(1, side)
    found = check_pair(first, moved(second, rows * side, columns * side))
    assert found.verdict == "moved" and found.gain > registration.MARGIN
    assert found.shift == pytest.approx((rows * side, columns * side), abs=max(1.5, side / 64))


@pytest.mark.parametrize("angle", [-10, 10])
def test_a_turn_is_found(angle: float) -> None:
    first, second = pair(2)
    found = check_pair(first, moved(second, 0, 0, angle))
    assert found.verdict == "moved" and found.angle == pytest.approx(angle, abs=2.5)


def test_a_positive_angle_turns_what_is_shown_against_the_clock() -> None:
    picture = np.zeros((1, 33, 33))
    picture[0, 16, 28] = 1  # to the right of the middle
    row, column = np.unravel_index(moved(picture, 0, 0, 10)[0].argmax(), (33, 33))
    assert row < 16 and column > 20  # above


def test_a_small_shift_is_let_pass() -> None:
    first, second = pair(3)
    assert check_pair(first, moved(second, 0.8, -0.8)).verdict == "registered"


def test_two_heads_are_told_from_one_by_other_visits() -> None:
    pairs = [pair(seed) for seed in range(6)]
    others = [second for _, second in pairs[2:]]
    assert check_pair(*pairs[0], others=others).verdict == "registered"
    found = check_pair(pairs[0][0], pairs[1][1], others=[pairs[0][1], *others])
    assert found.verdict == "unrelated"
    # Other visits may have other numbers of slices; with few of them nothing is said.
    assert check_pair(*pairs[0], others=[o[:4] for o in others]).verdict == "registered"
    assert check_pair(pairs[0][0], pairs[1][1], others=[pairs[0][1]]).verdict != "unrelated"


def test_a_pair_without_tissue_is_not_refused() -> None:
    empty = np.zeros((4, 64, 64), np.float32)
    assert check_pair(empty, empty).verdict == "registered"
    assert check_pair(pair(0, 64)[0], np.zeros((6, 64, 64), np.float32)).alike == 1


def test_the_finding_is_said_in_words() -> None:
    first, second = pair(1)
    far = check_pair(first, moved(second, 0, 10))
    assert far.words("T1w", "FLAIR") == "T1w and FLAIR are shifted by 10 pixels against each other"
    turned = registration.Registration((3.0, 4.0), -10.0, 0.1, 1.2, "moved")
    assert turned.words("T1w", "FLAIR") == (
        "T1w and FLAIR are shifted by 5 pixels and turned by 10 degrees against each other"
    )
    other = registration.Registration((0.0, 0.0), 0.0, 0.0, 1.1, "unrelated")
    assert other.words("T1w", "T2w") == "T1w and T2w do not show the same head"


def test_mutual_information_of_every_shift_agrees_with_scikit_image() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 8, (2, 3, 20, 24))
    b = np.where(rng.random(b.shape) < 0.5, np.roll(a, (2, -1), axis=(1, 2)), b)
    size = [24, 28]
    spectra = [registration._spectra(codes, size) for codes in (a, b)]
    surface = registration._surface(*spectra, size, 4)
    for rows, columns in [(0, 0), (2, -1), (-4, 4), (3, 0)]:
        cut = [
            slice(max(0, -s), min(e, e - s)) for s, e in zip((rows, columns), (20, 24), strict=True)
        ]
        there = [slice(c.start + s, c.stop + s) for c, s in zip(cut, (rows, columns), strict=True)]
        oracle = normalized_mutual_information(a[:, *cut], b[:, *there], bins=8)
        assert surface[4 + rows, 4 + columns] == pytest.approx(oracle, rel=1e-5)
    assert np.unravel_index(surface.argmax(), surface.shape) == (6, 3)


def test_it_is_quick() -> None:
    first, second = pair(0, 128, 24)
    check_pair(first, second)
    spent = []
    for _ in range(3):
        start = time.process_time()
        check_pair(first, second)
        spent.append(time.process_time() - start)
    assert min(spent) < 0.5  # it is a tenth of that, on a machine that is not shared


@pytest.mark.realdata
@pytest.mark.skipif("POPGAN_DATA" not in os.environ, reason="POPGAN_DATA is unset")
@pytest.mark.parametrize("side", [64, 128])
def test_real_pairs_are_registered_until_they_are_moved(side: int) -> None:
    root = Path(os.environ["POPGAN_DATA"]) / "lgg_tcga_128"
    folders = [f for f in sorted(root.glob("sub-*")) if (f / "t1.nii.gz").exists()][:6]

    def stack(folder: Path, contrast: str) -> np.ndarray:
        volume = np.asarray(nib.load(folder / f"{contrast}.nii.gz").dataobj, np.float32)
        step = 128 // side
        small = volume.reshape(side, step, side, step, -1).mean((1, 3)).transpose(2, 0, 1)
        return np.clip(small / np.percentile(small[small > 20], 99.5), 0, 1)

    for place, folder in enumerate(folders):
        first, second = stack(folder, "t1"), stack(folder, "flair")
        assert check_pair(first, second).verdict == "registered"
        way = 2 * np.pi * place / len(folders)
        far = moved(second, 0.05 * side * np.sin(way), 0.05 * side * np.cos(way))
        assert check_pair(first, far).verdict == "moved"
        assert check_pair(first, moved(second, 0, 0, 10)).verdict == "moved"
