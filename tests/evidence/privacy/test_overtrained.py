"""What a memorising generator draws: detected, missed and not reproduced are told apart."""

from __future__ import annotations

import numpy as np
import pytest

from popgan.evidence.privacy.cases import Cases
from popgan.evidence.privacy.overtrained import (
    Memorised,
    copies_of,
    correlation,
    distances_apart,
    judge_overtrained,
    nearest_other,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(21)


@pytest.fixture
def sets(world, rng):
    """Training patients, held-out ones, and five targets of which two are canaries."""
    train, heldout = world.cases(14, 3, rng, "t"), world.cases(12, 3, rng, "h")
    images = np.concatenate([train.images[:9:3], world.honest(2, rng)])
    targets = Cases(images, world.embed(images), [*train.subjects[:9:3], "canary 0", "canary 1"])
    return train, heldout, targets


def memorised(targets: Cases, after, drawn) -> Memorised:
    return Memorised(
        targets=targets,
        canaries=np.array([False, False, False, True, True]),
        before=np.zeros_like(targets.images),
        after=after,
        drawn=drawn,
        of=np.arange(len(drawn)) % 5,
        steps=100,
        seconds=1.0,
        stopped="reproduced",
    )


def noisy(images, rng):
    return np.clip(images + 0.03 * rng.normal(size=images.shape), -1, 1).astype(np.float32)


def test_copies_are_detected_and_counted_by_patient(world, rng, sets) -> None:
    train, heldout, targets = sets
    drawn = noisy(np.concatenate([targets.images] * 6), rng)
    found = judge_overtrained(
        memorised(targets, drawn[:5], drawn), train, heldout, world.embed, seed=1
    )
    assert found.outcome == "detected" and found.detected
    assert (found.found.value, found.found.n, found.canaries_found.n) == (1.0, 3, 2)
    # 18 images of three patients are three cases: Clopper and Pearson's bound of 3 in 3.
    assert found.found.low == pytest.approx(0.025 ** (1 / 3))
    assert found.copied.value == 1 and found.before.value == 0
    assert {(attack.members, attack.others) for attack in found.attacks} == {(3, 12)}


def test_copies_that_are_drawn_but_not_flagged_are_missed(world, rng, sets) -> None:
    train, heldout, targets = sets
    made = memorised(targets, targets.images, world.honest(30, rng))
    found = judge_overtrained(made, train, heldout, world.embed, seed=1)
    assert found.outcome == "missed" and not found.detected
    assert "missed" in found.sentence


def test_a_target_that_it_could_not_learn_need_not_be_found(world, rng, sets) -> None:
    train, heldout, targets = sets
    images = noisy(targets.images, rng)
    images[[1, 4]] = world.honest(2, rng)
    made = memorised(targets, images, np.concatenate([images] * 6))
    found = judge_overtrained(made, train, heldout, world.embed, seed=1)
    assert (found.copied.value, found.found.value, found.found.n) == (0.6, 1.0, 2)
    assert (found.canaries_found.value, found.canaries_found.n) == (1.0, 1)
    assert "Of its images of these 3, 100% of patients and 100% of canaries" in found.sentence


def test_without_a_copy_there_was_nothing_to_detect(world, rng, sets) -> None:
    train, heldout, targets = sets
    made = memorised(targets, world.honest(5, rng), world.honest(30, rng))
    found = judge_overtrained(made, train, heldout, world.embed, seed=1)
    assert found.outcome == "not reproduced" and found.copied.value == 0
    assert "nothing to detect" in found.sentence


def test_flags_for_somebody_else_do_not_count(world, rng, sets) -> None:
    train, heldout, targets = sets
    drawn = noisy(np.concatenate([targets.images] * 6), rng)
    made = memorised(targets, targets.images, drawn)
    wrong = Memorised(**{**made.__dict__, "of": (made.of + 1) % 5})
    found = judge_overtrained(wrong, train, heldout, world.embed, seed=1)
    assert found.found.value == 0 and found.canaries_found.value == 0


def test_a_copy_leaves_less_than_half_of_the_way_to_the_next_patient(world, sets) -> None:
    train, _, targets = sets
    apart = nearest_other(targets, train)
    owners = np.array(train.subjects)
    first = [
        np.sqrt(((image - targets.images[0]) ** 2).mean()) / 2
        for image in train.images[owners != targets.subjects[0]]
    ]
    assert apart[0] == pytest.approx(min(first), rel=1e-5)
    for share, copied in ((0.9, True), (1.1, False)):
        moved = targets.images + share * 0.5 * 2 * apart[:, None, None, None]
        nobody = np.zeros(len(apart), bool)
        assert (copies_of(moved.astype(np.float32), targets, nobody, train) == copied).all()


def test_a_canary_far_from_everybody_is_copied_only_as_near_as_patients_are(world, sets) -> None:
    train, _, targets = sets
    canaries = np.arange(len(targets.images)) == 0
    odd = targets.images.copy()
    odd[0] *= 4
    targets = Cases(odd, targets.features, targets.subjects)
    alone, both = nearest_other(targets, train), distances_apart(targets, canaries, train)
    assert alone[0] > 2 * np.median(alone[1:])
    assert both[0] == pytest.approx(np.median(alone[1:])) and (both[1:] == alone[1:]).all()
    assert (distances_apart(targets, np.ones_like(canaries), train) == alone).all()


def test_correlation_is_that_of_numpy(rng) -> None:
    a, b = rng.normal(size=(2, 4, 2, 5, 5))
    expected = [np.corrcoef(x.ravel(), y.ravel())[0, 1] for x, y in zip(a, b, strict=True)]
    assert correlation(a, b) == pytest.approx(expected)
    assert correlation(np.ones_like(a), b).tolist() == [0.0] * 4
