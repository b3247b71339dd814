from __future__ import annotations

import numpy as np
import pandas as pd
import pingouin
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popgan.evidence.readers.icc import correlations, effective_images, mean_squares

# Shrout & Fleiss 1979, table 2: six targets, four judges.
PUBLISHED = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)


def test_the_published_table_gives_the_published_numbers() -> None:
    squares = mean_squares(PUBLISHED)
    assert squares.single == pytest.approx(0.29, abs=0.005)
    assert squares.mean == pytest.approx(0.91, abs=0.005)
    assert (squares.images, squares.readers, squares.error) == pytest.approx(
        (11.24, 32.49, 1.02), abs=0.005
    )


@pytest.mark.parametrize("shape", [(6, 4), (30, 2), (60, 5)])
def test_values_and_intervals_are_those_of_pingouin(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(shape))
    n, k = shape
    scores = np.clip(
        np.round(3 + rng.normal(size=(n, 1)) + 0.5 * rng.normal(size=k) + rng.normal(size=shape)),
        1,
        5,
    )
    for values in (scores, PUBLISHED):
        _same_as_pingouin(values)


def _same_as_pingouin(values: np.ndarray) -> None:
    n, k = values.shape
    long = pd.DataFrame(
        {"image": np.repeat(range(n), k), "reader": np.tile(range(k), n), "score": values.ravel()}
    )
    table = pingouin.intraclass_corr(long, targets="image", raters="reader", ratings="score")
    table = table.set_index("Type")
    # Named ICC2 and ICC3k before pingouin 0.6.1.
    names = ("ICC(A,1)", "ICC(C,k)") if "ICC(A,1)" in table.index else ("ICC2", "ICC3k")
    found = correlations(values, np.arange(n))
    for name, measure in zip(names, found, strict=True):
        row = table.loc[name]
        ends = row["CI95"] if "CI95" in row else row["CI95%"]
        assert measure.value == pytest.approx(row["ICC"], abs=1e-9)
        # Pingouin rounds its intervals.
        np.testing.assert_allclose([measure.low, measure.high], ends, atol=0.006)


@given(st.integers(0, 10**6))
def test_order_of_readers_and_images_and_a_shift_of_all_scores_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(1, 6, size=(8, 3)).astype(float)
    if np.ptp(values.mean(axis=1)) == 0 or mean_squares(values).error < 1e-9:
        return
    one = mean_squares(values)
    other = mean_squares(values[rng.permutation(8)][:, rng.permutation(3)] + 2)
    assert other.single == pytest.approx(one.single)
    assert other.mean == pytest.approx(one.mean)
    assert one.single <= 1 and one.mean <= 1


def test_images_of_shared_patients_widen_the_interval() -> None:
    rng = np.random.default_rng(4)
    patients = np.repeat(np.arange(12), 5)
    values = rng.normal(size=12)[patients][:, None] + rng.normal(size=(60, 3))
    alone, shared = correlations(values, np.arange(60)), correlations(values, patients)
    assert 12 <= effective_images(values, patients) < 45
    assert effective_images(values, np.arange(60)) == 60
    for one, other in zip(alone, shared, strict=True):
        assert one.value == other.value
        assert other.high - other.low > one.high - one.low
        assert "shared patients" in other.method


def test_what_cannot_be_measured_says_why() -> None:
    for values in (np.ones((5, 3)), np.ones((5, 1)), np.ones((1, 3)), np.zeros((0, 2))):
        single, mean = correlations(values, np.arange(len(values)))
        assert single.value is None and mean.value is None and single.reason
    perfect = np.array([[1, 1], [2, 2], [5, 5]], float)
    single, _ = correlations(perfect, np.arange(3))
    assert single.value == 1 and single.low is None and single.reason
