"""Subjects never cross splits, and the sizes are right for every number of subjects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popgan.cohort.splits import check_disjoint, order_by_hash, split_sizes, split_subjects
from popgan.errors import UserError

SHARES = (0.70, 0.15, 0.15)


@pytest.mark.parametrize(
    ("count", "sizes"), [(40, [28, 6, 6]), (3, [1, 1, 1]), (4, [2, 1, 1]), (100, [70, 15, 15])]
)
def test_sizes_of_known_cohorts(count, sizes):
    assert split_sizes(count, SHARES) == sizes


@given(
    count=st.integers(3, 3000),
    weights=st.tuples(*[st.floats(0.02, 1)] * 3),
)
def test_sizes_add_up_are_never_empty_and_stay_near_their_share(count, weights):
    shares = [weight / sum(weights) for weight in weights]
    sizes = split_sizes(count, shares)
    assert sum(sizes) == count
    assert min(sizes) >= 1
    for size, share in zip(sizes, shares, strict=True):
        # Largest remainders are within one; lifting an empty split to one may cost another two.
        assert abs(size - share * count) < 3


@given(
    names=st.sets(st.text("abcdef0123", min_size=1, max_size=6), min_size=3, max_size=60),
    seed=st.integers(0, 99),
)
def test_splits_hold_each_subject_once_whatever_the_order(names, seed):
    splits = split_subjects(sorted(names), seed=seed, fractions=SHARES)
    assert splits == split_subjects(sorted(names, reverse=True), seed=seed, fractions=SHARES)
    assert sorted(name for own in splits.values() for name in own) == sorted(names)
    check_disjoint(splits)


def test_another_seed_gives_another_split():
    names = [f"s{i}" for i in range(40)]
    found = {tuple(split_subjects(names, seed=s, fractions=SHARES)["test"]) for s in range(5)}
    assert len(found) == 5


def test_one_more_subject_moves_few_others():
    names = [f"s{i}" for i in range(100)]
    before = set(split_subjects(names, seed=0, fractions=SHARES)["train"])
    after = set(split_subjects([*names, "new"], seed=0, fractions=SHARES)["train"])
    assert len(before - after) <= 2


@pytest.mark.parametrize(("count", "words"), [(1, "one subject"), (2, "2 subjects")])
def test_too_few_subjects_are_told_how_many_are_needed(count, words):
    with pytest.raises(UserError, match=f"{words}.*at least 3"):
        split_subjects([f"s{i}" for i in range(count)], seed=0, fractions=SHARES)


def test_a_subject_in_two_splits_is_refused_by_name():
    with pytest.raises(UserError, match="p0002 is in train and in test"):
        check_disjoint({"train": ["p0001", "p0002"], "tuning": [], "test": ["p0002"]})


def test_order_by_hash_drops_repeats_and_hides_the_alphabet():
    ordered = order_by_hash([f"{c}" for c in "abcdefgh" * 2], seed=0, purpose="x")
    assert sorted(ordered) == list("abcdefgh")
    assert ordered != sorted(ordered)
