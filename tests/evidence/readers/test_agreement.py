from __future__ import annotations

import krippendorff
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa

from popgan.evidence.readers.agreement import agreement
from popgan.evidence.readers.answers import REAL
from popgan.evidence.readers.icc import mean_squares
from popgan.evidence.readers.repeats import repeatability
from popgan.evidence.readers.tables import NONE, Table

OPTIONS = {"seed": 0, "replicates": 200}


def table_of(values: np.ndarray, clusters: list[str] | None = None) -> Table:
    rows = tuple(f"i{i:03}" for i in range(len(values)))
    sources = tuple(REAL if i < len(rows) // 2 else "gan" for i in range(len(rows)))
    readers = tuple(f"R{i + 1}" for i in range(values.shape[1]))
    return Table(rows, sources, tuple(clusters or rows), readers, values)


def scores(seed: int, images: int = 40, readers: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    latent = 3 + rng.normal(size=(images, 1)) + 0.8 * rng.normal(size=(images, readers))
    return np.clip(np.round(latent), 1, 5).astype(np.int64)


def test_missing_answers_leave_out_cases_where_completeness_is_needed_and_only_there() -> None:
    values = scores(1)
    values[3, 0] = values[7, 2] = NONE
    found = agreement(table_of(values), "realism", 5, **OPTIONS)
    assert (found.cases, found.left_out) == (38, 2)
    complete = values[(values != NONE).all(axis=1)]
    assert found.icc_single.value == pytest.approx(mean_squares(complete.astype(float)).single)
    assert found.icc_single.n == found.fleiss.n == 38
    counts = (complete[..., None] == np.arange(1, 6)).sum(axis=1)
    assert found.fleiss.value == pytest.approx(fleiss_kappa(counts))
    data = np.where(values == NONE, np.nan, values).T
    expected = krippendorff.alpha(data, level_of_measurement="ordinal")
    assert found.krippendorff.value == pytest.approx(expected)
    kappas = []
    for pair, (i, j) in zip(found.pairs, [(0, 1), (0, 2), (1, 2)], strict=True):
        both = (values[:, i] != NONE) & (values[:, j] != NONE)
        kappas.append(cohen_kappa_score(values[both, i], values[both, j], weights="quadratic"))
        assert pair.kappa.value == pytest.approx(kappas[-1]) and pair.kappa.n == both.sum()
    assert found.weighted_kappa.value == pytest.approx(np.mean(kappas))
    for measure in (found.fleiss, found.krippendorff, found.weighted_kappa, found.pairs[0].kappa):
        assert -1 <= measure.low < measure.value < measure.high <= 1


def test_a_reader_who_left_early_does_not_take_the_others_cases_along() -> None:
    values = scores(2)
    values[5:, 1] = NONE
    found = agreement(table_of(values), "realism", 5, **OPTIONS)
    assert found.readers == ["R1", "R3"]
    assert (found.cases, found.left_out) == (40, 0)


def test_authenticity_has_no_intraclass_correlation() -> None:
    found = agreement(table_of(1 + (scores(3) > 3)), "authenticity", 2, **OPTIONS)
    assert found.icc_single is None and found.icc_mean is None
    assert found.krippendorff.value is not None


def test_images_of_one_patient_widen_every_interval() -> None:
    rng = np.random.default_rng(4)
    patients = np.repeat(rng.normal(size=16), 5)[:, None]
    values = np.clip(np.round(3 + patients + 0.5 * rng.normal(size=(80, 3))), 1, 5).astype(int)
    alone = agreement(table_of(values), "x", 5, **OPTIONS)
    shared = agreement(table_of(values, [f"p{i // 5}" for i in range(80)]), "x", 5, **OPTIONS)
    for name in ("icc_single", "icc_mean", "krippendorff"):
        one, other = getattr(alone, name), getattr(shared, name)
        assert one.value == pytest.approx(other.value)
        assert other.high - other.low > one.high - one.low


def test_repeats_are_compared_reader_by_reader_and_pooled() -> None:
    first = scores(5, images=30, readers=2)
    second = np.full_like(first, NONE)
    second[:20, 0] = first[:20, 0]
    second[10:30, 1] = np.clip(first[10:30, 1] + 1, 1, 5)
    pooled, one, other = repeatability(table_of(first), table_of(second), "x", 5, **OPTIONS)
    assert (pooled.exact.n, one.exact.n, other.exact.n) == (40, 20, 20)
    assert one.exact.value == 1 and one.kappa.value == 1 and one.kappa.low is None
    same = float((second[10:, 1] == first[10:, 1]).mean())
    assert other.exact.value == pytest.approx(same) and other.within_one.value == 1
    assert pooled.exact.value == pytest.approx((1 + same) / 2)
    expected = cohen_kappa_score(first[10:, 1], second[10:, 1], weights="quadratic")
    assert other.kappa.value == pytest.approx(expected)
    assert repeatability(table_of(first), table_of(second * 0), "x", 5, **OPTIONS) == []
