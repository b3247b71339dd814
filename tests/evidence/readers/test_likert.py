from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from popgan.evidence.readers.answers import REAL
from popgan.evidence.readers.likert import difference, mean_score, median_score, summary
from popgan.evidence.readers.tables import NONE, Table

OPTIONS = {"seed": 0, "replicates": 2000}


def table_of(
    real: np.ndarray, synthetic: np.ndarray, *, clusters: list[str] | None = None
) -> Table:
    """Scores of real and synthetic images, rows x readers."""
    values = np.concatenate([real, synthetic])
    names = tuple(f"i{i:03}" for i in range(len(values)))
    sources = (REAL,) * len(real) + ("gan",) * len(synthetic)
    own = tuple(clusters or names[: len(real)]) + names[len(real) :]
    readers = tuple(f"R{i + 1}" for i in range(values.shape[1]))
    return Table(names, sources, own, readers, values)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=30))
def test_mean_and_median_of_counts_are_those_of_the_scores(scores: list[int]) -> None:
    counts = np.bincount(scores, minlength=6)[1:].astype(float)
    assert float(median_score(counts)) == np.median(scores)
    assert float(mean_score(counts)) == pytest.approx(np.mean(scores))


def test_the_difference_of_one_reader_s_means_is_welch_s() -> None:
    rng = np.random.default_rng(5)
    real, synthetic = rng.integers(2, 6, size=(14, 1)), rng.integers(1, 5, size=(40, 1))
    found = difference(table_of(real, synthetic), "realism", "gan", **OPTIONS)
    welch = ttest_ind(real[:, 0], synthetic[:, 0], equal_var=False)
    low, high = welch.confidence_interval()
    assert found.difference.value == pytest.approx(real.mean() - synthetic.mean())
    width = found.difference.high - found.difference.low
    assert width == pytest.approx(high - low, rel=0.05)
    assert found.odds_ratio.value > 1
    assert found.test.p == pytest.approx(welch.pvalue, rel=1, abs=0.01)
    assert found.any_readers.low is None


def test_a_summary_counts_every_score() -> None:
    real = np.array([[1, 2], [5, NONE], [5, 4]])
    found = summary(table_of(real, real), "realism", REAL, **OPTIONS)
    assert found.counts == [1, 1, 0, 1, 2]
    assert found.images == 3 and found.mean.n == 5
    assert found.median.value == 4
    assert found.by_reader == {"R1": pytest.approx(11 / 3), "R2": 3.0}
    # Every reader weighs the same, however many images they scored.
    assert found.mean.value == pytest.approx((11 / 3 + 3) / 2)


def test_images_of_one_patient_widen_the_interval() -> None:
    rng = np.random.default_rng(6)
    patient = np.repeat(rng.integers(1, 6, size=10), 4)
    real = np.clip(patient[:, None] + rng.integers(-1, 2, size=(40, 3)), 1, 5)
    synthetic = rng.integers(1, 6, size=(40, 3))
    clusters = [f"p{i // 4}" for i in range(40)]
    alone = difference(table_of(real, synthetic), "x", "gan", **OPTIONS)
    shared = difference(table_of(real, synthetic, clusters=clusters), "x", "gan", **OPTIONS)
    for one, other in (
        (alone.difference, shared.difference),
        (alone.odds_ratio, shared.odds_ratio),
    ):
        assert one.value == pytest.approx(other.value)
        assert other.high - other.low > 1.2 * (one.high - one.low)


def test_turning_the_scale_round_turns_difference_and_odds_round() -> None:
    rng = np.random.default_rng(7)
    real, synthetic = rng.integers(1, 6, size=(30, 2)), rng.integers(2, 6, size=(30, 2))
    one = difference(table_of(real, synthetic), "x", "gan", **OPTIONS)
    other = difference(table_of(6 - real, 6 - synthetic), "x", "gan", **OPTIONS)
    assert other.difference.value == pytest.approx(-one.difference.value)
    assert other.odds_ratio.value == pytest.approx(1 / one.odds_ratio.value, rel=1e-6)
    assert other.odds_ratio.low == pytest.approx(1 / one.odds_ratio.high, rel=1e-6)
    assert other.test.p == pytest.approx(one.test.p, rel=1e-6)


def test_what_cannot_be_measured_says_why() -> None:
    same = np.full((6, 2), 4)
    found = difference(table_of(same, same), "x", "gan", **OPTIONS)
    assert found.difference.value == 0 and found.difference.low is None
    assert found.odds_ratio.value is None and found.odds_ratio.reason and found.test.p is None
    one_patient = table_of(np.array([[1], [3], [5]]), same[:, :1], clusters=["p"] * 3)
    found = difference(one_patient, "x", "gan", **OPTIONS)
    assert found.difference.value == -1 and "patient" in found.difference.reason
    assert found.test.p is None
    apart = difference(table_of(same + 1, same - 3), "x", "gan", **OPTIONS)
    assert apart.difference.value == 4
    assert apart.odds_ratio.value is None
    nobody = table_of(np.full((3, 2), NONE), same)
    assert summary(nobody, "x", REAL, **OPTIONS).mean.reason
    assert math.isclose(summary(nobody, "x", "gan", **OPTIONS).mean.value, 4)
    assert difference(nobody, "x", "gan", **OPTIONS).difference.value is None
