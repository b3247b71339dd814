"""Precision, recall, density, coverage against nearest neighbours of scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors

from popgan.evidence.fidelity import prdc as module
from popgan.evidence.fidelity.prdc import NAMES, prdc, squared_distances


def sample(count: int, seed: int, shift: float = 0.0, dimension: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (count, dimension))


def oracle(real: np.ndarray, fake: np.ndarray, k: int) -> dict[str, float]:
    def radii(points: np.ndarray) -> np.ndarray:
        return NearestNeighbors(n_neighbors=k).fit(points).kneighbors()[0][:, -1]

    distance = pairwise_distances(real, fake)
    in_real = distance <= radii(real)[:, None]
    return {
        "precision": in_real.any(0).mean(),
        "recall": (distance <= radii(fake)[None]).any(1).mean(),
        "density": in_real.sum(0).mean() / k,
        "coverage": in_real.any(1).mean(),
    }


@pytest.mark.parametrize(("n", "m", "k", "shift"), [(60, 45, 5, 0.3), (33, 80, 3, 1.0)])
def test_agrees_with_brute_force(n: int, m: int, k: int, shift: float) -> None:
    real, fake = sample(n, 0), sample(m, 1, shift)
    assert prdc(real, fake, k=k).value == pytest.approx(oracle(real, fake, k))


def test_blocks_do_not_change_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake = sample(50, 0), sample(41, 1)
    groups = {"real_groups": np.arange(50) % 6, "synthetic_groups": np.arange(41) % 4}
    whole = prdc(real, fake, **groups)
    monkeypatch.setattr(module, "_BLOCK", 7)
    parts = prdc(real, fake, **groups)
    assert parts.value == pytest.approx(whole.value)
    for name in NAMES:
        np.testing.assert_allclose(parts.without_real[name].values, whole.without_real[name].values)
        np.testing.assert_allclose(
            parts.without_synthetic[name].values, whole.without_synthetic[name].values
        )


def test_replicates_equal_recomputing_without_the_group() -> None:
    real, fake = sample(40, 0), sample(35, 1, 0.4)
    gr, gs = np.arange(40) % 5, np.arange(35) % 7
    result = prdc(real, fake, k=4, real_groups=gr, synthetic_groups=gs)
    for g in range(5):
        wanted = oracle(real[gr != g], fake, 4)
        got = {name: result.without_real[name].values[g] for name in NAMES}
        assert got == pytest.approx(wanted)
    for g in range(7):
        wanted = oracle(real, fake[gs != g], 4)
        got = {name: result.without_synthetic[name].values[g] for name in NAMES}
        assert got == pytest.approx(wanted)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.integers(8, 40))
def test_a_set_covers_itself_and_order_is_irrelevant(seed: int, n: int) -> None:
    points = sample(n, seed)
    same = prdc(points, points).value
    assert same["precision"] == same["recall"] == same["coverage"] == 1
    other = sample(n + 3, seed + 1)
    rng = np.random.default_rng(seed)
    shuffled = prdc(rng.permutation(points), rng.permutation(other)).value
    assert shuffled == pytest.approx(prdc(points, other).value)


def test_far_apart_sets_share_nothing() -> None:
    assert set(prdc(sample(30, 0), sample(30, 1, 50)).value.values()) == {0.0}


def test_collapse_to_one_real_image_keeps_precision_and_loses_the_rest() -> None:
    real = sample(60, 0)
    value = prdc(real, np.repeat(real[:1], 40, 0)).value
    assert value["precision"] == 1
    assert value["recall"] == pytest.approx(1 / 60)  # only the image itself, at distance zero
    assert value["coverage"] < 0.4


def test_equal_rows_are_at_distance_zero_exactly() -> None:
    points = sample(20, 0, shift=1000, dimension=300)
    assert np.all(np.diag(squared_distances(points, points.copy())) == 0)
    others = sample(5, 1, dimension=300)
    wanted = pairwise_distances(points, others) ** 2
    np.testing.assert_allclose(squared_distances(points, others), wanted, rtol=1e-9)
