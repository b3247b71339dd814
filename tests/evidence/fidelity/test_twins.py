"""Most alike pair: against numpy's correlation, repeated images found, sets are what they say."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popgan.evidence.fidelity.twins import (
    disjoint_sets,
    most_alike,
    most_alike_of_sets,
    random_sets,
)


def noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.3, (count, 2, 8, 8)).astype(np.float32)


@given(count=st.integers(2, 12), seed=st.integers(0, 1000))
def test_it_is_the_largest_of_numpys_correlations(count: int, seed: int) -> None:
    images = noise(count, seed)
    oracle = max(
        np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in itertools.combinations(images, 2)
    )
    assert most_alike(images) == pytest.approx(oracle, abs=1e-5)


def test_one_repeated_image_among_many_is_found() -> None:
    images = noise(64)
    assert most_alike(images) < 0.6
    images[63] = images[5]
    assert most_alike(images) == pytest.approx(1, abs=1e-5)


def test_brighter_or_stronger_copies_are_copies() -> None:
    images = noise(10)
    images[9] = 0.2 + 1.5 * images[0]
    assert most_alike(images) == pytest.approx(1, abs=1e-5)


def test_empty_images_are_alike() -> None:
    images = noise(10)
    images[3] = -1
    assert most_alike(images) < 0.9
    images[7] = 0.5
    assert most_alike(images) == 1


@given(count=st.integers(2, 300), size=st.integers(2, 64), seed=st.integers(0, 99))
def test_disjoint_sets_share_no_image(count: int, size: int, seed: int) -> None:
    sets = disjoint_sets(count, size, seed=seed)
    assert len(sets) == count // size
    used = np.concatenate(sets) if sets else np.array([], int)
    assert len(set(used.tolist())) == len(used) == size * len(sets)


def test_random_sets_hold_no_image_twice_and_follow_the_seed() -> None:
    sets = random_sets(40, 30, 5, seed=3)
    assert all(len(set(found.tolist())) == 30 and found.max() < 40 for found in sets)
    again = random_sets(40, 30, 5, seed=3)
    assert all((a == b).all() for a, b in zip(sets, again, strict=True))
    assert not all(
        (a == b).all() for a, b in zip(sets, random_sets(40, 30, 5, seed=4), strict=True)
    )


def test_each_set_is_measured_by_itself() -> None:
    images = noise(20)
    images[10:] = images[:10]
    halves = [np.arange(10), np.arange(10, 20)]
    values = most_alike_of_sets(images, halves)
    assert values[0] == pytest.approx(values[1]) and values[0] < 0.9
    assert most_alike_of_sets(images, [np.arange(20)])[0] == pytest.approx(1, abs=1e-5)
