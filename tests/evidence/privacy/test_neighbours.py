"""Nearest-neighbour ratio: closed forms equal brute force, honest passes, memorising is found."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from popgan.evidence.privacy.neighbours import by_patient, chance_of_rank, neighbours


def world(rng, train=30, heldout=12, slices=3, synthetic=120, copied=0.0):
    def real(count, name):
        own = np.repeat(rng.normal(size=(count, 8)), slices, 0)
        names = [f"{name}{i // slices}" for i in range(len(own))]
        return own + 0.3 * rng.normal(size=own.shape), names

    t, ts = real(train, "t")
    h, hs = real(heldout, "h")
    s = rng.normal(size=(synthetic, 8)) * 1.044
    copies = round(copied * synthetic)
    s[:copies] = t[rng.integers(len(t), size=copies)] + 0.2 * rng.normal(size=(copies, 8))
    return s, t, ts, h, hs


@pytest.mark.parametrize(("train", "heldout"), [(7, 3), (3, 6), (4, 4)])
def test_the_mean_over_all_subsets_is_exact(train, heldout) -> None:
    s, t, ts, h, hs = world(np.random.default_rng(1), train, heldout, 2, 25)
    found = neighbours(s, t, ts, h, hs, deals=1)
    here, there = by_patient(s, t, ts), by_patient(s, h, hs)
    side = min(train, heldout)
    logs, nearer = [], []
    for a in combinations(range(train), side):
        for b in combinations(range(heldout), side):
            x, y = here[:, a].min(1), there[:, b].min(1)
            logs.append(np.log(x / y).mean())
            nearer.append((x < y).mean())
    assert found.ratio.value == pytest.approx(np.exp(np.mean(logs)))
    assert found.share.value == pytest.approx(np.mean(nearer))
    assert found.subjects == side


def test_ranks_have_probabilities_that_sum_to_one() -> None:
    for total, drawn in [(1, 1), (10, 10), (300, 7), (500, 1)]:
        assert chance_of_rank(total, drawn).sum() == pytest.approx(1)
    assert chance_of_rank(10, 10)[0] == pytest.approx(1)


def test_honest_generators_hold_the_level_and_intervals_cover() -> None:
    values, covered, rejected = [], 0, 0
    runs = 60
    for seed in range(runs):
        found = neighbours(*world(np.random.default_rng(seed), synthetic=60), deals=99, seed=seed)
        values.append(found.share.value)
        covered += found.share.low <= 0.5 <= found.share.high
        rejected += found.p <= 0.05
    assert np.mean(values) == pytest.approx(0.5, abs=0.03)
    assert covered >= 0.85 * runs
    assert rejected <= 8  # 97.5 % point of binomial(60, 0.05) is 7


def test_a_memorising_generator_is_found() -> None:
    found = neighbours(*world(np.random.default_rng(2), copied=0.8), seed=2)
    assert found.p <= 0.002 and found.share.low > 0.5 and found.ratio.high < 1
    assert "nearer to training" in found.sentence


def test_more_slices_of_the_same_patients_do_not_narrow_the_interval() -> None:
    s, t, ts, h, hs = world(np.random.default_rng(3), slices=1)
    once = neighbours(s, t, ts, h, hs, deals=1)
    again = neighbours(
        s, np.repeat(t, 4, 0), np.repeat(ts, 4), np.repeat(h, 4, 0), np.repeat(hs, 4), deals=1
    )
    assert (again.share.low, again.share.high) == pytest.approx((once.share.low, once.share.high))


def test_two_patients_have_no_interval_and_a_weak_p() -> None:
    found = neighbours(*world(np.random.default_rng(4), 2, 2, copied=1.0), deals=99)
    assert found.share.low is None and found.share.reason
    assert found.p > 0.05
