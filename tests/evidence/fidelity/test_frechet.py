"""The Frechet distance must be right where the textbook formula is, and sound where it is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from popgan.evidence.fidelity.frechet import frechet_distance


def textbook(x: np.ndarray, y: np.ndarray) -> float:
    cx, cy = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    shift = x.mean(0) - y.mean(0)
    return float(shift @ shift + np.trace(cx + cy - 2 * linalg.sqrtm(cx @ cy).real))


def sample(count: int, dimension: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, dimension)) @ rng.normal(size=(dimension, dimension))


def test_agrees_with_the_matrix_square_root_of_scipy() -> None:
    x, y = sample(200, 12, 0), sample(90, 12, 1) + 0.5
    assert frechet_distance(x, y) == pytest.approx(textbook(x, y), rel=1e-8)


def test_agrees_with_the_regularised_textbook_for_fewer_images_than_features() -> None:
    x, y = sample(15, 40, 0), sample(11, 40, 1)
    cx, cy = (np.cov(s, rowvar=False) + 1e-9 * np.eye(40) for s in (x, y))
    root = linalg.sqrtm(cx)
    eigen = np.linalg.eigvalsh((root @ cy @ root).real)
    shift = x.mean(0) - y.mean(0)
    wanted = shift @ shift + np.trace(cx + cy) - 2 * np.sqrt(np.clip(eigen, 0, None)).sum()
    assert frechet_distance(x, y) == pytest.approx(wanted, rel=1e-4)


def test_closed_form_of_one_dimension() -> None:
    x, y = np.random.default_rng(0).normal(0, 1, (50, 1)), np.linspace(2, 9, 30)[:, None]
    wanted = (x.mean() - y.mean()) ** 2 + (x.std(ddof=1) - y.std(ddof=1)) ** 2
    assert frechet_distance(x, y) == pytest.approx(wanted)


def test_closed_form_of_a_scaled_copy() -> None:
    """N(m, C) against N(m, s^2 C): (s - 1)^2 tr C."""
    x = sample(30, 100, 0)
    x -= x.mean(0)
    trace = np.trace(np.cov(x, rowvar=False))
    assert frechet_distance(x, 3 * x) == pytest.approx(4 * trace)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 30), st.integers(2, 30))
def test_is_zero_on_itself_symmetric_and_not_negative(seed: int, n: int, m: int) -> None:
    x, y = sample(n, 8, seed), sample(m, 8, seed + 1)
    scale = np.abs(x).max() ** 2 + 1
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9 * scale)
    assert frechet_distance(x, y) == pytest.approx(frechet_distance(y, x), rel=1e-9)
    assert frechet_distance(x, y) >= 0


def test_identical_images_need_no_added_noise() -> None:
    """Against a point: squared shift plus the trace of the other covariance."""
    x, point = sample(20, 30, 0), np.repeat(sample(1, 30, 1), 9, 0)
    wanted = ((x.mean(0) - point[0]) ** 2).sum() + np.trace(np.cov(x, rowvar=False))
    assert frechet_distance(x, point) == pytest.approx(wanted)
