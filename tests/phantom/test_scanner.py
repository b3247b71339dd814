"""Noise and bias follow their laws."""

import dataclasses

import numpy as np
import pytest
import torch

from popgan.phantom.parameters import draw_subject
from popgan.phantom.protocol import parse_protocol
from popgan.phantom.scanner import WHITE, bias_field, rician, scan
from popgan.phantom.tissue import ORDER


def test_noise_on_air_is_rayleigh():
    noise = rician(np.zeros(200_000, np.float32), sigma=3.0, rng=np.random.default_rng(0))
    assert noise.mean() == pytest.approx(3 * np.sqrt(np.pi / 2), rel=0.01)
    assert (noise**2).mean() == pytest.approx(2 * 9, rel=0.01)


def test_noise_on_strong_signal_is_gaussian():
    clean = np.full(200_000, 100, np.float32)
    noise = rician(clean, sigma=2.0, rng=np.random.default_rng(0)) - 100
    assert noise.std() == pytest.approx(2, rel=0.01)
    assert noise.mean() == pytest.approx(4 / 200, abs=0.02)


def test_without_noise_the_signal_stays():
    clean = np.linspace(0, 9, 50, dtype=np.float32)
    np.testing.assert_allclose(rician(clean, sigma=0, rng=np.random.default_rng(0)), clean)


def test_the_bias_field_is_smooth_and_has_its_strength():
    subject = dataclasses.replace(draw_subject(0, 0), bias=0.2)
    field = np.log(bias_field(subject, (40, 44, 40)))
    assert field.std() == pytest.approx(0.2, rel=0.35)
    assert np.abs(np.diff(field, axis=0)).max() < 0.1


def pure(name):
    fractions = torch.zeros(len(ORDER), 12, 12, 12)
    fractions[ORDER.index(name)] = 1
    return fractions


def test_white_matter_is_scaled_to_its_value():
    subject = dataclasses.replace(draw_subject(0, 0), bias=0.0, noise=1.0)
    assert scan(pure("wm"), subject, "T1w").mean() == pytest.approx(WHITE, rel=0.01)
    assert scan(pure("gm"), subject, "T1w").mean() < 0.85 * WHITE
    assert scan(pure("csf"), subject, "T2w").mean() > 2 * WHITE


def test_a_sequence_that_suppresses_white_matter_does_not_saturate():
    subject = dataclasses.replace(draw_subject(0, 0), bias=0.0)
    late = parse_protocol({"sequences": {"T2w": {"te": 600}}})
    fluid = scan(pure("csf"), subject, "T2w", protocol=late)
    assert fluid.mean() == pytest.approx(10 * WHITE, rel=0.02)
    assert scan(pure("wm"), subject, "T2w", protocol=late).mean() < 0.2 * WHITE


def test_contrasts_have_noise_of_their_own():
    subject = dataclasses.replace(draw_subject(0, 0), bias=0.0)
    one, two = (scan(pure("wm"), subject, c).astype(float) for c in ("T1w", "PDw"))
    assert abs(np.corrcoef(one.ravel() - one.mean(), two.ravel() - two.mean())[0, 1]) < 0.15
