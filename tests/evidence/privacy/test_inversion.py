"""Errors of reconstruction by patient: against SciPy, honest under no leak, and found with one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from popgan.errors import UserError
from popgan.evidence.privacy.inversion import (
    Rebuilt,
    coverage_by_inversion,
    difference,
    inversion_attacks,
    inversion_result,
    mean_over,
    rms,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(12)


def rebuilt(rng, patients: int, name: str, *, size: float, each: int = 1, side: int = 8):
    """Images, and reconstructions that miss each patient by an error of about `size`."""
    images = rng.uniform(-0.8, 0.8, (patients * each, 1, side, side)).astype(np.float32)
    scale = np.repeat(size * np.exp(0.3 * rng.normal(size=patients)), each)
    noise = rng.normal(size=images.shape)
    noise /= np.sqrt((noise**2).mean((1, 2, 3), keepdims=True))
    drawn = images + 2 * scale[:, None, None, None] * noise
    return Rebuilt(
        images, drawn.astype(np.float32), [f"{name}{i // each:03d}" for i in range(len(images))]
    )


def judged(rng, members: int, others: int, gain: float = 1.0, own: float = 0.01, each: int = 1):
    return inversion_result(
        rebuilt(rng, members, "t", size=0.1, each=each),
        rebuilt(rng, others, "h", size=0.1 * gain, each=each),
        rebuilt(rng, 8, "o", size=own),
        np.zeros((1, 8, 8), np.float32),
        steps=10,
        restarts=2,
    )


def test_interval_of_a_mean_is_that_of_scipy(rng) -> None:
    values = rng.gamma(4, size=9)
    found = mean_over(values, "patients")
    expected = stats.t.interval(0.95, 8, values.mean(), stats.sem(values))
    assert (found.value, found.n) == (pytest.approx(values.mean()), 9)
    assert (found.low, found.high) == pytest.approx(expected)
    assert mean_over(np.array([0.9, 0.99, 0.8]), "patients", most=1.0).high == 1.0


def test_difference_of_two_sides_is_welchs(rng) -> None:
    more, less = rng.normal(1, 2, 12), rng.normal(0, 0.5, 30)
    found, p = difference(more, less)
    expected = stats.ttest_ind(more, less, equal_var=False, alternative="two-sided")
    bounds = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high))
    one_sided = stats.ttest_ind(more, less, equal_var=False, alternative="greater")
    assert p == pytest.approx(one_sided.pvalue)


@pytest.mark.parametrize("count", [1, 2])
def test_two_patients_have_no_interval(rng, count) -> None:
    assert mean_over(np.ones(count), "patients").low is None
    found, p = difference(rng.normal(size=count), rng.normal(size=20))
    assert found.low is None and p is None and "three patients" in found.reason


def test_patients_count_and_not_their_images(rng) -> None:
    one, many = judged(rng, 20, 15), judged(rng, 20, 15, each=4)
    assert (one.images, many.images) == (35, 140)
    for found in (one, many):
        assert (found.members, found.others) == (20, 15)
        assert found.train_error.n == 20 and found.heldout_error.n == 15 and found.gap.n == 35
    assert [attack.aggregate for attack in one.attacks] == ["mean"]
    assert [attack.aggregate for attack in many.attacks] == ["mean", "max"]


def test_an_honest_generator_is_hardly_ever_accused(rng) -> None:
    """300 honest audits: the gap's interval holds zero, and p-values are uniform."""
    outside, ps = 0, []
    for _ in range(300):
        train, heldout = (0.1 * np.exp(0.3 * rng.normal(size=n)) for n in (28, 6))
        gap, p = difference(heldout, train)
        outside += not gap.low <= 0 <= gap.high
        ps.append(p)
    assert outside / 300 < 0.09
    assert np.mean(np.array(ps) < 0.05) < 0.09
    assert 0.4 < np.mean(np.array(ps) < 0.5) < 0.6


def test_attacks_on_an_honest_generator_keep_their_level(rng) -> None:
    alarms = 0
    for _ in range(60):
        train, heldout = (rebuilt(rng, n, k, size=0.1, side=4) for n, k in ((28, "t"), (10, "h")))
        alarms += inversion_attacks(train, heldout)[0].p <= 0.05
    assert alarms <= 8  # 3 are expected, more than 8 in one of 200 such tests


def test_a_generator_that_draws_its_patients_better_is_found(rng) -> None:
    found = judged(rng, 40, 30, gain=2.5)
    (attack,) = found.attacks
    assert attack.auc.value > 0.9 and attack.p < 1e-6
    assert found.gap.low > 0 and found.p_gap < 1e-4
    assert "better whom it was trained with" in found.sentence


def test_a_search_that_finds_nothing_shows_nothing(rng) -> None:
    good = judged(rng, 20, 15)
    bad = judged(np.random.default_rng(0), 20, 15, own=0.4)
    assert good.searched and "no more than chance" in good.sentence
    assert not bad.searched and "too little to say" in bad.sentence


def test_few_patients_are_said_to_be_few(rng) -> None:
    found = judged(rng, 20, 2)
    assert found.gap.low is None and "too few patients" in found.sentence


def test_coverage_is_that_of_scikit_image(rng) -> None:
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    parts = {
        name: rebuilt(rng, 3, name, size=size, side=24)
        for name, size in (("train", 0.05), ("heldout", 0.1), ("own", 0.02))
    }
    mean = np.full((1, 24, 24), 0.1, np.float32)
    found = coverage_by_inversion(parts["train"], parts["heldout"], parts["own"], mean)

    def unit(stack):
        return (stack[:, 0].astype(np.float64) + 1) / 2

    for name, part in parts.items():
        pairs = list(zip(unit(part.images), unit(part.drawn), strict=True))
        signal = [peak_signal_noise_ratio(a, b, data_range=1) for a, b in pairs]
        alike = [
            structural_similarity(
                a, b, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
            )
            for a, b in pairs
        ]
        assert getattr(found, f"{name}_psnr").value == pytest.approx(np.mean(signal), abs=1e-6)
        assert getattr(found, f"{name}_ssim").value == pytest.approx(np.mean(alike), abs=1e-6)
    flat = [
        peak_signal_noise_ratio(a, np.full((24, 24), 0.55), data_range=1)
        for a in unit(parts["heldout"].images)
    ]
    assert found.mean_image_psnr.value == pytest.approx(np.mean(flat), abs=1e-5)
    assert found.own_psnr.of == "own images" and found.heldout_psnr.of == "patients"


def test_errors_are_of_unit_intensities() -> None:
    black, white = np.full((2, 1, 4, 4), -1.0), np.full((2, 1, 4, 4), 1.0)
    assert rms(black, white).tolist() == [1.0, 1.0]


def test_a_patient_on_both_sides_is_refused(rng) -> None:
    part = rebuilt(rng, 4, "t", size=0.1)
    with pytest.raises(UserError, match="both members and others"):
        inversion_result(part, part, part, part.images[0], steps=1, restarts=1)
