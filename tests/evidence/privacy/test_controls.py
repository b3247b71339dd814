"""Planted copies: what is planted is what is said, and the search finds it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from popgan.errors import UserError
from popgan.evidence.privacy.cases import Cases
from popgan.evidence.privacy.controls import CHANGES, has_power, measure_power, plant
from popgan.evidence.privacy.copies import CopyFinder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def test_every_kind_is_planted_as_often_as_asked(world, rng) -> None:
    train = world.cases(90, 2, rng, "t")
    planted = plant(train, each=5, seed=1)
    assert set(Counter(planted.kinds).values()) == {5}
    assert list(dict.fromkeys(planted.kinds)) == [*CHANGES, "interpolation"]
    assert planted.images.dtype == np.float32 and np.abs(planted.images).max() <= 1
    assert {len(who) for who in planted.sources[-5:]} == {2}
    # 8 kinds and two for interpolations are 50 images of 90 patients: none twice.
    assert len({name for who in planted.sources for name in who}) == 50
    again = plant(train, each=5, seed=1)
    assert (again.images == planted.images).all()


def test_exact_copies_are_exact_and_others_are_not(world, rng) -> None:
    train = world.cases(30, 1, rng, "t")
    planted = plant(train, each=3)
    for image, kind, who in zip(planted.images, planted.kinds, planted.sources, strict=True):
        source = train.images[train.subjects.index(who[0])]
        assert (image == source).all() == (kind == "exact") or kind == "shift"


def test_the_search_finds_planted_copies_of_all_kinds(world, rng) -> None:
    train, heldout = world.cases(60, 2, rng, "t"), world.cases(40, 2, rng, "h")
    planted = plant(train, each=10)
    rows = measure_power(CopyFinder(train, heldout), planted, world.embed(planted.images))
    assert rows[0].kind == "all copies" and rows[0].found.n == 80
    assert rows[0].found.value >= 0.95 and has_power(rows)
    assert rows[0].found.low > 0.85
    assert [row.copies for row in rows[1:]] == [True] * 8 + [False]


def test_a_search_that_cannot_tell_patients_has_no_power(world, rng) -> None:
    """A held-out patient who looks like a training patient makes the nearest distance 0."""
    train, heldout = world.cases(30, 1, rng, "t"), world.cases(10, 1, rng, "h")
    images = heldout.images.copy()
    images[0] = train.images[0]
    twin = Cases(images, world.embed(images), heldout.subjects)
    planted = plant(train, each=4)
    rows = measure_power(CopyFinder(train, twin), planted, world.embed(planted.images))
    assert not has_power(rows) and not has_power([])


def test_interpolations_of_one_patient_are_left_out(world, rng) -> None:
    planted = plant(world.cases(1, 3, rng, "t"), each=2)
    assert "interpolation" not in planted.kinds


def test_nothing_planted_is_refused(world, rng) -> None:
    with pytest.raises(UserError, match="at least one copy"):
        plant(world.cases(2, 1, rng, "t"), each=0)
