"""Orders and names are random, keep repeats apart, and say nothing of the truth."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from popgan.study.order import APART, Secret, share_repeats, shuffled
from study.planned_studies import plan_study, sources


def gaps(order: list[tuple[int, int]]) -> list[int]:
    """Trials between each case and its repeat."""
    first = {case: place for place, (case, repeat) in enumerate(order) if not repeat}
    return [place - first[case] - 1 for place, (case, repeat) in enumerate(order) if repeat]


@settings(max_examples=40)
@given(st.integers(1, 60), st.integers(0, 20), st.integers(0, 10**6))
def test_an_order_shows_everything_once_and_repeats_twice(
    count: int, repeats: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    again = sorted(rng.permutation(count)[: min(repeats, count)].tolist())
    order = shuffled(count, again, rng)
    assert sorted(case for case, repeat in order if not repeat) == list(range(count))
    assert sorted(case for case, repeat in order if repeat) == again
    assert all(gap >= 0 for gap in gaps(order))
    if count >= 40:
        assert all(gap >= APART for gap in gaps(order))


def test_repeats_come_as_far_apart_as_few_trials_allow() -> None:
    for seed in range(20):
        order = shuffled(4, [0, 1], np.random.default_rng(seed))
        assert min(gaps(order)) >= 1


def test_every_place_is_as_likely_for_every_case() -> None:
    places = np.zeros((6, 8))
    for seed in range(2000):
        for place, (case, _) in enumerate(shuffled(6, [0, 3], np.random.default_rng(seed), 2)):
            places[case, place] += 1
    # The repeated ones are twice as often; among each kind there is no favourite.
    for kind in ([0, 3], [1, 2, 4, 5]):
        expected = places[kind].mean(0)
        assert (np.abs(places[kind] - expected) < 5 * np.sqrt(expected)).all()


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["real", "a", "b"]), min_size=1, max_size=60), st.data())
def test_every_source_is_repeated_in_proportion(kinds: list[str], data: st.DataObject) -> None:
    repeats = data.draw(st.integers(0, len(kinds)))
    picked = share_repeats(kinds, repeats, np.random.default_rng(0))
    assert len(picked) == len(set(picked)) == repeats
    for kind, count in Counter(kinds).items():
        share = sum(kinds[i] == kind for i in picked)
        assert abs(share - repeats * count / len(kinds)) < 1


def test_the_same_secret_gives_the_same_names_and_another_gives_others() -> None:
    one, same, other = Secret("ab" * 32), Secret("ab" * 32), Secret("cd" * 32)
    assert one.name("x") == same.name("x") != other.name("x")
    assert len(one.name("x")) == 32 and one.name("x") != one.name("y")
    assert one.rng("x").integers(2**60) == same.rng("x").integers(2**60)
    assert one.rng("x").integers(2**60) != one.rng("y").integers(2**60)


def test_no_id_is_used_twice(tmp_path: Path) -> None:
    study = plan_study(tmp_path, readers=3)
    trials = [t for plan in study.key.readers for b in plan.trials.values() for t in b]
    for ids in ([t.id for t in trials], [s for t in trials for s in t.stimuli]):
        assert len(set(ids)) == len(ids)
    cases = {s.case for s in study.key.stimuli} | {s.file[:32] for s in study.key.stimuli}
    assert not cases & {s for t in trials for s in t.stimuli}
    orders = [[t.cases for t in b] for plan in study.key.readers for b in plan.trials.values() if b]
    assert all(a != b for i, a in enumerate(orders) for b in orders[:i])


def test_pairs_are_one_real_and_one_synthetic_with_balanced_sides(tmp_path: Path) -> None:
    study = plan_study(tmp_path, kind="2afc", real=12, synthetic=12, repeats=4)
    kinds = sources(study)
    pairs = set()
    for plan in study.key.readers:
        trials = plan.trials["2afc"]
        assert len(trials) == 16
        assert sum(kinds[t.cases[0]] == "real" for t in trials) == 8
        for trial in trials:
            assert [kinds[case] == "real" for case in trial.cases].count(True) == 1
            pairs.add(frozenset(trial.cases))
    assert len(pairs) == 12  # the same for all readers
