from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa

from popgan.evidence.readers.kappa import fleiss, fleiss_sums, joint_counts, weighted_kappa

# Fleiss 1971, table 1: 30 patients, 6 psychiatrists, 5 diagnoses.
DIAGNOSES = np.array(
    [
        [0, 0, 0, 6, 0], [0, 3, 0, 0, 3], [0, 1, 4, 0, 1], [0, 0, 0, 0, 6], [0, 3, 0, 3, 0],
        [2, 0, 4, 0, 0], [0, 0, 4, 0, 2], [2, 0, 3, 1, 0], [2, 0, 0, 4, 0], [0, 0, 0, 0, 6],
        [1, 0, 0, 5, 0], [1, 1, 0, 4, 0], [0, 3, 3, 0, 0], [1, 0, 0, 5, 0], [0, 2, 0, 3, 1],
        [0, 0, 5, 0, 1], [3, 0, 0, 1, 2], [5, 1, 0, 0, 0], [0, 2, 0, 4, 0], [1, 0, 2, 0, 3],
        [0, 0, 0, 0, 6], [0, 1, 0, 5, 0], [0, 2, 0, 1, 3], [2, 0, 0, 4, 0], [1, 0, 0, 4, 1],
        [0, 5, 0, 1, 0], [4, 0, 0, 0, 2], [0, 2, 0, 4, 0], [1, 0, 5, 0, 0], [0, 0, 0, 0, 6],
    ]
)  # fmt: skip
scores = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=40)


def kappa_of(first: np.ndarray, second: np.ndarray, levels: int) -> float:
    return float(weighted_kappa(joint_counts(first, second, levels).sum(axis=0)))


def test_the_published_table_gives_the_published_fleiss_kappa() -> None:
    value = float(fleiss(fleiss_sums(DIAGNOSES.astype(float)).sum(axis=0)))
    assert value == pytest.approx(0.430, abs=0.0005)
    assert value == pytest.approx(fleiss_kappa(DIAGNOSES))


@settings(max_examples=40)
@given(scores)
def test_weighted_kappa_is_that_of_sklearn(pairs: list[tuple[int, int]]) -> None:
    first, second = np.array(pairs).T
    value = kappa_of(first, second, 5)
    if len({*first, *second}) == 1:
        assert math.isnan(value)
        return
    expected = cohen_kappa_score(first, second, weights="quadratic", labels=[1, 2, 3, 4, 5])
    assert value == pytest.approx(expected)
    assert -1 - 1e-9 <= value <= 1 + 1e-9
    assert kappa_of(second, first, 5) == pytest.approx(value)
    assert kappa_of(6 - first, 6 - second, 5) == pytest.approx(value)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=30))
def test_with_two_levels_it_is_plain_kappa(pairs: list[tuple[bool, bool]]) -> None:
    first, second = 1 + np.array(pairs).T
    if len({*first, *second}) == 2:
        assert kappa_of(first, second, 2) == pytest.approx(cohen_kappa_score(first, second))


@settings(max_examples=40)
@given(st.lists(st.lists(st.integers(0, 2), min_size=4, max_size=4), min_size=2, max_size=20))
def test_fleiss_kappa_is_that_of_statsmodels(answers: list[list[int]]) -> None:
    counts = (np.array(answers)[..., None] == np.arange(3)).sum(axis=1).astype(float)
    value = float(fleiss(fleiss_sums(counts).sum(axis=0)))
    if (counts.sum(axis=0) > 0).sum() == 1:
        assert math.isnan(value)
    else:
        assert value == pytest.approx(fleiss_kappa(counts.astype(int)), abs=1e-9)


def test_missing_answers_are_in_no_pair() -> None:
    first, second = np.array([1, 0, 3, 5]), np.array([1, 2, 0, 4])
    assert joint_counts(first, second, 5).sum() == 2
