from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import friedmanchisquare, wilcoxon
from statsmodels.stats.multitest import multipletests

from popgan.evidence.readers.friedman import comparison, friedman
from popgan.evidence.readers.holm import holm, with_holm
from popgan.evidence.readers.results import Test
from popgan.evidence.readers.tables import NONE, Table

# Conover 1999, section 5.8, example 1: twelve homeowners rank four grasses; T = 8.097.
GRASSES = np.array(
    [
        [4, 3, 2, 1], [4, 2, 3, 1], [3, 1.5, 1.5, 4], [3, 1, 2, 4], [4, 2, 1, 3], [2, 2, 2, 4],
        [1, 3, 2, 4], [2, 4, 1, 3], [3.5, 1, 2, 3.5], [4, 1, 3, 2], [4, 2, 3, 1], [3.5, 1, 2, 3.5],
    ]
)  # fmt: skip


def models_table(values: dict[str, np.ndarray]) -> Table:
    """Scores of each model's images, rows x readers."""
    sources = tuple(model for model, scores in values.items() for _ in scores)
    rows = tuple(f"i{i:03}" for i in range(len(sources)))
    stacked = np.concatenate(list(values.values()))
    return Table(rows, sources, rows, tuple(f"R{i}" for i in range(stacked.shape[1])), stacked)


def test_friedman_s_test_is_that_of_scipy_and_of_the_textbook() -> None:
    statistic, p = friedman(GRASSES)
    expected = friedmanchisquare(*GRASSES.T)
    assert (statistic, p) == pytest.approx((expected.statistic, expected.pvalue))
    assert statistic == pytest.approx(8.097, abs=0.0005)


def test_two_models_are_a_sign_test() -> None:
    blocks = np.array([[2, 1]] * 9 + [[1, 2]] * 3 + [[1, 1]] * 4, float)
    assert friedman(blocks)[0] == pytest.approx((9 - 3) ** 2 / 12)
    assert friedman(np.ones((5, 3))) is None


@pytest.mark.parametrize(
    "p", [[0.01], [0.04, 0.01, 0.03, 0.005], [0.02, 0.02, 0.9, 0.0, 1.0], [0.6, 0.5, 0.4]]
)
def test_holm_is_that_of_statsmodels(p: list[float]) -> None:
    assert holm(p) == pytest.approx(list(multipletests(p, method="holm")[1]))


def test_holm_leaves_out_tests_that_could_not_be_done() -> None:
    def made(p: float | None) -> Test:
        return Test(statistic=None, p=p, n=1, of="x", method="m", reason="r")

    assert [t.p_holm for t in with_holm([made(0.02), made(None), made(0.04)])] == [0.04, None, 0.04]


def test_models_that_differ_are_told_apart_and_in_which_direction() -> None:
    rng = np.random.default_rng(1)
    values = {m: np.clip(rng.integers(1, 5, size=(40, 3)) + up, 1, 5) for m, up in
              (("a", 0), ("b", 0), ("c", 1))}  # fmt: skip
    found = comparison(models_table(values), "realism", ["a", "b", "c"], seed=0)
    assert found.test.p < 0.01 and 0 < found.kendall_w <= 1
    pairs = {(pair.first, pair.second): pair for pair in found.pairs}
    assert pairs["a", "c"].difference < 0 and pairs["a", "c"].test.p_holm < 0.05
    assert pairs["a", "b"].test.p_holm > 0.05
    p = [pair.test.p for pair in found.pairs]
    assert [pair.test.p_holm for pair in found.pairs] == pytest.approx(holm(p))


def test_blocks_are_independent_images_of_equal_number() -> None:
    rng = np.random.default_rng(2)
    one, other = rng.integers(1, 6, size=(9, 2)), rng.integers(1, 6, size=(7, 2))
    other[0, 0] = NONE
    found = comparison(models_table({"a": one, "b": other}), "x", ["a", "b"], seed=0)
    assert found.test.n == found.pairs[0].test.n == 6
    assert wilcoxon([1, 2, 3, 4, 5, 6]).pvalue < 0.05  # the least number that can be significant


def test_what_cannot_be_compared_says_why() -> None:
    few = models_table({"a": np.ones((4, 2), int), "b": np.ones((9, 2), int)})
    found = comparison(few, "x", ["a", "b"], seed=0)
    assert found.test.p is None and "4 images" in found.test.reason
    assert found.pairs[0].test.p is None
    same = models_table({"a": np.full((9, 2), 3), "b": np.full((9, 2), 3)})
    found = comparison(same, "x", ["a", "b"], seed=0)
    assert found.test.p is None and found.test.reason and found.kendall_w is None
    nobody = models_table({"a": np.zeros((9, 2), int), "b": np.full((9, 2), 3)})
    assert comparison(nobody, "x", ["a", "b"], seed=0).test.n == 0
