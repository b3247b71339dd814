"""The order of training slices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popgan.training.sampler import Sampler


@given(st.integers(1, 60), st.integers(1, 80), st.integers(1, 40))
def test_every_epoch_shows_every_slice_once_however_it_is_cut(
    count: int, buffer: int, batch: int
) -> None:
    sampler = Sampler(count, 0, buffer)
    shown = np.concatenate([sampler.indices(p, batch) for p in range(0, 3 * count, batch)])
    for epoch in range(3):
        part = shown[epoch * count : (epoch + 1) * count]
        if len(part) == count:
            assert sorted(part) == list(range(count))


@given(st.integers(0, 500), st.integers(1, 30))
def test_any_position_can_be_asked_first(position: int, batch: int) -> None:
    fresh, used = Sampler(37, 1, 37), Sampler(37, 1, 37)
    used.indices(0, 20)
    used.indices(300, 3)
    assert np.array_equal(fresh.indices(position, batch), used.indices(position, batch))


def test_epochs_and_seeds_differ() -> None:
    sampler = Sampler(50, 0, 50)
    assert not np.array_equal(sampler.indices(0, 50), sampler.indices(50, 50))
    assert not np.array_equal(sampler.indices(0, 50), Sampler(50, 1, 50).indices(0, 50))


def test_a_small_buffer_shuffles_locally_only() -> None:
    order = Sampler(1000, 0, 10).indices(0, 1000)
    # A slice can come at most `buffer - 1` places early, as in a streaming shuffle.
    assert (order - np.arange(1000)).max() <= 9
    assert not np.array_equal(order, np.arange(1000))
    full = Sampler(1000, 0, 1000).indices(0, 1000)
    assert (full - np.arange(1000)).max() > 500


def test_nothing_to_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Sampler(0, 0, 1)
