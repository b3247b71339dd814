"""Likeness matching: numpy's correlations, scipy's Wasserstein distance, gradients that spread."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from popgan.objectives.diversity import likeness_gap, pair_correlations


def batch(count: int, seed: int, spread: float = 1.0) -> torch.Tensor:
    """Images that share a pattern; `spread` is how much each differs from it."""
    rng = torch.Generator().manual_seed(seed)
    pattern = torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(99))
    return pattern + spread * torch.randn(count, 2, 8, 8, generator=rng)


@given(count=st.integers(2, 9), seed=st.integers(0, 1000))
def test_correlations_are_numpys(count: int, seed: int) -> None:
    images = batch(count, seed)
    pairs = itertools.combinations(images.numpy(), 2)
    oracle = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairs]
    np.testing.assert_allclose(pair_correlations(images).numpy(), oracle, atol=1e-5)


@given(seed=st.integers(0, 1000), spread=st.floats(0.1, 3))
def test_the_gap_is_the_wasserstein_distance_of_fishers_z(seed: int, spread: float) -> None:
    fake, real = batch(6, seed, spread), batch(6, seed + 1)
    likeness = [np.arctanh(0.99 * pair_correlations(images).numpy()) for images in (fake, real)]
    oracle = wasserstein_distance(*likeness)
    assert float(likeness_gap(fake, real)) == pytest.approx(oracle, abs=1e-5)


def test_a_batch_has_no_gap_to_itself_in_any_order() -> None:
    images = batch(8, 0)
    assert float(likeness_gap(images[torch.randperm(8)], images)) == pytest.approx(0, abs=1e-6)


def test_too_alike_and_too_different_are_both_punished() -> None:
    real = batch(8, 0)
    same, alike, wild = (float(likeness_gap(batch(8, 1, s), real)) for s in (1.0, 0.3, 4.0))
    assert alike > 3 * same and wild > 3 * same


def test_descending_its_gradient_spreads_a_collapsed_batch_to_real_likeness() -> None:
    real = batch(8, 0)
    fake = batch(8, 1, 0.01).requires_grad_()
    optimiser = torch.optim.Adam([fake], lr=0.02)
    before = float(pair_correlations(fake).mean().detach())
    for _ in range(300):
        loss = likeness_gap(fake, real)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    after = float(pair_correlations(fake.detach()).mean())
    target = float(pair_correlations(real).mean())
    assert before > 0.999 and abs(after - target) < 0.1 * (before - target)


def test_identical_and_constant_images_have_finite_gradients() -> None:
    for fake in (torch.zeros(4, 1, 8, 8), torch.ones(4, 1, 8, 8), batch(1, 0).repeat(4, 1, 1, 1)):
        fake.requires_grad_()
        likeness_gap(fake, batch(4, 1)[:, : fake.shape[1]]).backward()
        assert fake.grad is not None and torch.isfinite(fake.grad).all()


def test_near_twins_are_told_apart_where_networks_compute_in_bfloat16() -> None:
    images = batch(1, 0) + 0.05 * batch(8, 1)
    expected = pair_correlations(images)
    with torch.autocast("cpu", torch.bfloat16):
        found = pair_correlations(images)
    assert found.dtype == torch.float32
    assert torch.allclose(found, expected, atol=1e-6)
