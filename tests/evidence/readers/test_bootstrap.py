from __future__ import annotations

import numpy as np
import pytest

from popgan.evidence.readers.bootstrap import SAME, Clusters, Spread, crossed
from popgan.evidence.readers.shares import mean_of_two, share, wilson


def means(sums: np.ndarray) -> np.ndarray:
    """Sums and counts to means."""
    return sums[..., 0] / sums[..., 1]


def clusters_of(strata: list[str], replicates: int = 4000) -> Clusters:
    return Clusters(strata, replicates=replicates, seed=1, purpose="test")


def test_the_error_of_a_mean_is_the_textbook_one_even_of_four_clusters() -> None:
    values = np.array([1.0, 2.0, 4.0, 9.0])
    sums = np.column_stack([values, np.ones(4)])
    spread = clusters_of(["a"] * 4).spread(sums, means)
    # The plain bootstrap would give sqrt(3/4) of it.
    assert spread.error == pytest.approx(values.std(ddof=1) / 2, rel=0.03)
    assert spread.freedom == pytest.approx(3)


def test_the_error_of_a_difference_has_welch_s_freedom() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=8), 3 * rng.normal(size=20)
    sums = np.zeros((28, 4))
    sums[:8, 0], sums[:8, 1], sums[8:, 2], sums[8:, 3] = one, 1, other, 1
    spread = clusters_of(["a"] * 8 + ["b"] * 20).spread(
        sums, lambda s: s[..., 0] / s[..., 1] - s[..., 2] / s[..., 3]
    )
    parts = one.var(ddof=1) / 8, other.var(ddof=1) / 20
    assert spread.error == pytest.approx(sum(parts) ** 0.5, rel=0.04)
    welch = sum(parts) ** 2 / (parts[0] ** 2 / 7 + parts[1] ** 2 / 19)
    assert spread.freedom == pytest.approx(welch, rel=1e-6)


def test_the_mean_over_readers_has_the_variance_of_a_crossed_design() -> None:
    rng = np.random.default_rng(3)
    images, readers = 60, 6
    values = rng.normal(size=(images, 1)) + 0.5 * rng.normal(size=readers)
    values = values + rng.normal(size=(images, readers))
    sums = np.stack([values, np.ones_like(values)], axis=-1)
    found = crossed(clusters_of(["a"] * images), sums, means)
    grand = values.mean()
    by_image, by_reader = values.mean(axis=1), values.mean(axis=0)
    error = ((values - by_image[:, None] - by_reader + grand) ** 2).sum() / (
        (images - 1) * (readers - 1)
    )
    # Var = (MS readers + MS images - MS error) / (readers x images), Obuchowski & Rockette 1995.
    squares = images * by_reader.var(ddof=1) + readers * by_image.var(ddof=1) - error
    assert found.any_readers.error == pytest.approx((squares / images / readers) ** 0.5, rel=0.04)
    assert found.these_readers.error == pytest.approx(by_image.std(ddof=1) / images**0.5, rel=0.04)
    assert found.any_readers.value == pytest.approx(grand)
    low, high = found.resampled
    assert low < grand < high


def test_what_allows_no_interval_says_why() -> None:
    ones = np.ones((5, 2))
    assert clusters_of(["a"] * 5).spread(ones, means).reason == SAME
    single = clusters_of(["a"] * 4 + ["b"]).spread(ones * np.arange(1, 6)[:, None], means)
    assert single.error is None and "`b`" in single.reason
    undefined = clusters_of(["a"] * 5).spread(np.zeros((5, 2)), lambda s: s[..., 0] * np.nan)
    assert undefined.value is None and undefined.reason


def test_scales_keep_intervals_within_bounds() -> None:
    low, high = Spread(0.95, 0.1, 10).interval(scale="fisher")
    assert -1 < low < 0.95 < high < 1
    low, high = Spread(0.03, 0.1, 10).interval(scale="logit")
    assert 0 < low < 0.03 < high < 1
    assert Spread(0.5, 0.1, 1e9).interval() == pytest.approx((0.304, 0.696), abs=1e-3)


def test_the_design_effect_of_a_share() -> None:
    hits, counts = np.array([4.0, 0, 4, 0, 4, 0]), np.full(6, 4.0)
    alike = share(hits, counts)
    assert alike.effect == pytest.approx(4 * 6 / 5)
    assert share(np.array([1.0, 0, 1]), np.ones(3)).effect == 1
    # Where all answers are right, a patient counts as one at worst.
    assert share(counts, counts).effect == 4
    assert alike.interval() == pytest.approx(wilson(0.5, 24 / 4.8, 2.5706), abs=1e-4)
    empty = share(np.zeros(2), np.zeros(2))
    assert empty.value is None and empty.measure("x").reason


def test_the_mean_of_two_shares_stays_within_bounds() -> None:
    one, other = share(np.ones(10), np.ones(10)), share(np.ones(10), np.ones(10))
    low, high = mean_of_two(one, other)
    assert 0.7 < low < 1 and high == 1


@pytest.mark.parametrize("readers", [2, 3, 5])
def test_with_few_readers_the_interval_for_others_is_not_too_narrow(readers: int) -> None:
    rng = np.random.default_rng(readers)
    held, studies, images = 0, 300, 40
    for _ in range(studies):
        values = 0.3 * rng.normal(size=(images, 1)) + 0.15 * rng.normal(size=readers)
        values = values + rng.normal(size=(images, readers))
        sums = np.stack([values, np.ones_like(values)], axis=-1)
        found = crossed(clusters_of(["a"] * images, replicates=60), sums, means)
        low, high = found.any_readers.interval()
        inner = found.these_readers.interval()
        assert low <= inner[0] + 1e-9 and inner[1] <= high + 1e-9
        held += low <= 0 <= high
    # 95 % of 300 is 285; 273 or fewer come about once in a thousand times.
    assert held > 273
