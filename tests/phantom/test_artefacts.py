"""Artefacts arise in k-space as they do in a scanner, and nothing else changes the image."""

import numpy as np
import pytest

from popgan.phantom.artefacts import (
    NONE,
    Artefacts,
    Ghosting,
    Gibbs,
    Motion,
    Spikes,
    ThickSlices,
    acquire,
    draw_artefacts,
    thicken,
)

SHAPE = (40, 48, 32)


@pytest.fixture(scope="module")
def ball():
    x, y, z = np.meshgrid(*(np.arange(n) - n / 2 for n in SHAPE), indexing="ij")
    inside = (x / 12) ** 2 + (y / 10) ** 2 + (z / 9) ** 2 < 1
    return (100 * inside).astype(np.float32)


def spoilt(ball, **asked):
    made = acquire(ball, Artefacts(**asked), spacing=2.0, rng=np.random.default_rng(1))
    return np.abs(made)


def test_a_clean_scan_is_left_alone(ball):
    assert acquire(ball, NONE, spacing=2.0, rng=np.random.default_rng(0)) is ball


@pytest.mark.parametrize(
    "asked",
    [
        {"ghosting": Ghosting(2, 0.0)},
        {"spikes": Spikes(1, 0.0)},
        {"gibbs": Gibbs(1.0)},
        {"motion": Motion(3, 0.0, 0.0)},
        {"thick_slices": ThickSlices(2.0)},
    ],
)
def test_an_artefact_of_no_strength_changes_nothing(ball, asked):
    np.testing.assert_allclose(spoilt(ball, **asked), ball, atol=0.01)


@pytest.mark.parametrize("ghosts", [2, 3, 4])
def test_ghosts_stand_a_share_of_the_field_of_view_apart(ball, ghosts):
    made = spoilt(ball, ghosting=Ghosting(ghosts, 0.4))
    extra = np.abs(made - ball)
    shifted = np.roll(ball, SHAPE[1] // ghosts, axis=1) > 0
    ghost = shifted & (ball == 0)
    away = (ball == 0) & ~shifted
    for k in range(1, ghosts):
        away &= ~(np.roll(ball, k * SHAPE[1] // ghosts, axis=1) > 0)
    assert extra[ghost].mean() > 3
    # Weakening every n-th line by s leaves n - 1 ghosts of s/n of the signal.
    assert extra[ghost].mean() < 100 * (0.4 * 1.5) / ghosts
    assert extra[away].mean() < 0.2 * extra[ghost].mean()


def test_a_spike_is_a_wave_of_one_frequency(ball):
    made = acquire(
        ball, Artefacts(spikes=Spikes(1, 0.05)), spacing=2.0, rng=np.random.default_rng(1)
    )
    wave = np.abs(np.fft.fftn(made - ball))
    assert wave.max() > 0.99 * np.sqrt((wave**2).sum())


def test_gibbs_ringing_overshoots_at_edges_as_theory_says():
    box = np.zeros((256, 8, 4), np.float32)
    box[64:192] = 100
    made = acquire(box, Artefacts(gibbs=Gibbs(0.4)), spacing=1.0, rng=np.random.default_rng(0))
    # The overshoot of a truncated Fourier series is 8.95 % of the step.
    assert made.real.max() == pytest.approx(108.95, abs=1.0)
    assert made.real[120:136].mean() == pytest.approx(100, abs=0.5)


def test_motion_blurs_edges_but_leaves_the_head_in_its_place(ball):
    made = spoilt(ball, motion=Motion(2, 5.0, 4.0))
    assert np.abs(made - ball).max() > 10
    places = np.indices(SHAPE).reshape(3, -1)
    centre = (places * made.ravel()).sum(axis=1) / made.sum()
    before = (places * ball.ravel()).sum(axis=1) / ball.sum()
    assert np.abs(centre - before).max() < 2
    assert np.corrcoef(made.ravel(), ball.ravel())[0, 1] > 0.8


def test_thick_slices_average_over_their_thickness(ball):
    made = thicken(ball, 4)
    assert made.sum() == pytest.approx(ball.sum(), rel=0.05)
    assert np.abs(np.diff(made, axis=2)).max() < 0.5 * np.abs(np.diff(ball, axis=2)).max()
    ramp = np.broadcast_to(np.arange(32, dtype=np.float32), SHAPE).copy()
    np.testing.assert_allclose(thicken(ramp, 4)[:, :, 4:-4], ramp[:, :, 4:-4], atol=1e-4)


def test_artefacts_are_drawn_in_the_share_asked_for_and_one_by_one():
    drawn = [draw_artefacts(0, index, "T1w", share=0.3) for index in range(400)]
    share = np.mean([one != NONE for one in drawn])
    assert share == pytest.approx(0.3, abs=0.07)
    assert all(len(one.described()) <= 1 for one in drawn)
    assert {name for one in drawn for name in one.described()} == set(NONE.__dataclass_fields__)
    assert draw_artefacts(0, 17, "T1w", share=0.3) == drawn[17]
    assert all(draw_artefacts(0, index, "T1w", share=0.0) == NONE for index in range(50))
