"""Nearest training images: found, and compared on equal terms with held-out ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from popgan.evidence.fidelity import nearest as module
from popgan.evidence.fidelity.nearest import nearest_features, nearest_pixels, train_test_ratio
from popgan.evidence.statistics import interval


def test_features_agree_with_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    query, bank = rng.normal(size=(23, 7)), rng.normal(size=(40, 7))
    distance, index = NearestNeighbors(n_neighbors=1).fit(bank).kneighbors(query)
    monkeypatch.setattr(module, "_BLOCK", 10)
    found = nearest_features(query, bank)
    np.testing.assert_array_equal(found.index, index[:, 0])
    np.testing.assert_allclose(found.nearness, distance[:, 0])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(0.1, 3), st.floats(-1, 1))
def test_pixels_find_a_copy_of_other_brightness(seed: int, gain: float, offset: float) -> None:
    bank = np.random.default_rng(seed).normal(size=(15, 2, 6, 5))
    found = nearest_pixels(gain * bank[[4, 11]] + offset, bank)
    assert found.index.tolist() == [4, 11]
    assert found.nearness == pytest.approx(1, abs=1e-5)


def test_pixel_correlation_is_pearson_s_and_zero_for_a_constant() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 1, 1, 8, 8))
    found = nearest_pixels(a, b)
    assert found.nearness[0] == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1], abs=1e-6)
    assert nearest_pixels(np.ones((1, 1, 8, 8)), b).nearness[0] == 0


def test_pixels_are_found_in_whichever_block_they_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    query, bank = rng.normal(size=(23, 1, 4, 5)), rng.normal(size=(40, 1, 4, 5))
    wanted = np.corrcoef(query.reshape(23, -1), bank.reshape(40, -1))[:23, 23:]
    monkeypatch.setattr(module, "_BLOCK", 7)
    found = nearest_pixels(query, bank)
    np.testing.assert_array_equal(found.index, wanted.argmax(1))
    np.testing.assert_allclose(found.nearness, wanted.max(1), atol=1e-6)


def people(count: int, name: str, rng: np.random.Generator) -> tuple[np.ndarray, list[str]]:
    """Subjects with 6 alike images each, in 5 dimensions."""
    centres = np.repeat(rng.normal(size=(count, 5)), 6, 0)
    return centres + 0.3 * rng.normal(size=centres.shape), [
        f"{name}{i // 6}" for i in range(6 * count)
    ]


def test_without_memorising_the_ratio_is_one_however_many_train() -> None:
    rng = np.random.default_rng(0)
    ratios, shares, hits = [], [], 0
    for seed in range(60):
        train, who = people(25, "a", rng)
        test, who_test = people(6, "b", rng)
        fresh, _ = people(20, "c", rng)
        result = train_test_ratio(fresh, train, who, test, who_test, seed=seed)
        assert result.subjects == 6
        ratios.append(result.ratio)
        shares.append(result.share)
        low, high = interval(result.ratio, result.ratio_replicates)
        hits += low <= 1 <= high
    assert np.mean(np.log(ratios)) == pytest.approx(0, abs=0.05)
    assert np.mean(shares) == pytest.approx(0.5, abs=0.05)
    assert hits >= 50


def test_copies_are_nearer_to_training() -> None:
    rng = np.random.default_rng(1)
    train, who = people(12, "a", rng)
    test, who_test = people(12, "b", rng)
    copies = train[::2] + 0.01 * rng.normal(size=train[::2].shape)
    result = train_test_ratio(copies, train, who, test, who_test)
    assert result.ratio < 0.2 and result.share > 0.9
    assert interval(result.ratio, result.ratio_replicates)[1] < 1


def test_exact_copies_do_not_break_the_logarithm() -> None:
    rng = np.random.default_rng(2)
    train, who = people(3, "a", rng)
    test, who_test = people(2, "b", rng)
    result = train_test_ratio(train, train, who, test, who_test)
    assert 0 < result.ratio < 1 and np.isfinite(result.ratio_replicates.values).all()


def test_more_held_out_than_training_subjects_are_matched_too() -> None:
    rng = np.random.default_rng(3)
    train, who = people(3, "a", rng)
    test, who_test = people(9, "b", rng)
    assert train_test_ratio(test[:5] + 0.5, train, who, test, who_test).subjects == 3
