"""The paper's unpaired numbers: the flaw in closed form, the table of the literature, intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from popgan.evidence.readers.results import Measure
from popgan.evidence.statistics import image_groups, subject_groups
from popgan.evidence.unpaired import Bank, nearest_errors, random_errors

SIDE = 16
SPREAD = 0.0602  # of a pixel in unit intensities: two independent images are 21.4 dB apart


def images(flat: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Rows in unit intensities about 0.5 as images in [-1, 1]."""
    return (2 * flat).reshape(len(flat), 1, SIDE, SIDE).astype(np.float32)


def patients(flat: NDArray[np.floating[Any]], slices: int = 1) -> Bank:
    owners = np.arange(len(flat)) // slices
    return Bank(images(flat), subject_groups([str(o) for o in owners]), owners)


def drawn(flat: NDArray[np.floating[Any]]) -> Bank:
    groups = np.zeros(1, int) if len(flat) == 1 else image_groups(len(flat))
    return Bank(images(flat), groups)


def faces(rng: np.random.Generator, count: int, basis: NDArray[np.float64]) -> Any:
    return rng.standard_normal((count, len(basis))) @ basis


def basis_of(rng: np.random.Generator, dimension: int) -> NDArray[np.float64]:
    basis = rng.standard_normal((dimension, SIDE * SIDE))
    return np.asarray(basis * SPREAD / np.sqrt((basis**2).sum(0).mean()))


def psnr(found: Measure) -> float:
    assert found.value is not None
    return found.value


def test_the_simulated_table_of_the_specification_is_reproduced() -> None:
    """Perfect generator, mean image, copies: random pair, nearest training, nearest held-out."""
    rng = np.random.default_rng(0)
    basis = basis_of(rng, 70)
    train, held_out, perfect = (faces(rng, 500, basis) for _ in range(3))
    rows = {
        "perfect": drawn(perfect),
        "mean image": drawn(train.mean(0, keepdims=True)),
        "copies": patients(train),
    }
    expected = {
        "perfect": (21.4, 23.8, 23.7),
        "mean image": (24.4, 26.6, 27.2),
        "copies": (21.4, None, 23.6),
    }
    for name, source in rows.items():
        random = random_errors(source, patients(held_out), seed=0)
        to_train = nearest_errors(source, patients(train), "training subjects")
        to_held_out = nearest_errors(source, patients(held_out), "held-out subjects")
        assert psnr(random.psnr) == pytest.approx(expected[name][0], abs=0.15)
        # What is nearest to one single image is the extreme of a sample, which wavers more.
        wavers = 1.2 if name == "mean image" else 0.3
        assert psnr(to_held_out.psnr) == pytest.approx(expected[name][2], abs=wavers)
        if expected[name][1] is None:
            assert to_train.psnr.value is None and to_train.mse.value == 0
            assert "no error at all" in (to_train.psnr.reason or "")
        else:
            assert psnr(to_train.psnr) == pytest.approx(expected[name][1], abs=wavers)


def test_the_mean_image_is_three_decibels_above_a_perfect_generator() -> None:
    rng = np.random.default_rng(1)
    basis = basis_of(rng, 200)
    held_out = patients(faces(rng, 400, basis))
    perfect = random_errors(drawn(faces(rng, 4000, basis)), held_out, seed=0)
    mean = random_errors(drawn(np.zeros((1, SIDE * SIDE))), held_out, seed=0)
    assert psnr(mean.psnr) - psnr(perfect.psnr) == pytest.approx(10 * np.log10(2), abs=0.05)


def test_the_error_is_the_two_variances_and_the_squared_bias() -> None:
    rng = np.random.default_rng(2)
    real = rng.normal(0, 0.05, (600, SIDE * SIDE))
    other = rng.normal(0.03, 0.08, (600, SIDE * SIDE))
    found = random_errors(drawn(other), patients(real), seed=0)
    assert found.mse.value == pytest.approx(0.08**2 + 0.05**2 + 0.03**2, rel=0.01)
    gap = np.hypot(0.08, 0.05)
    # Mean of a folded normal of mean 0.03 and that deviation.
    from scipy.stats import foldnorm

    assert found.mae.value == pytest.approx(foldnorm.mean(0.03 / gap, scale=gap), rel=0.01)


def test_the_nearest_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    source, bank = rng.random((40, SIDE * SIDE)) - 0.5, rng.random((90, SIDE * SIDE)) - 0.5
    found = nearest_errors(drawn(source), patients(bank, 3), "training subjects")
    distance, index = NearestNeighbors(n_neighbors=1).fit(bank).kneighbors(source)
    assert found.mse.value == pytest.approx((distance**2).mean() / SIDE**2, rel=1e-5)
    gaps = np.abs(source - bank[index[:, 0]]).mean()
    assert found.mae.value == pytest.approx(gaps, rel=1e-5)
    assert psnr(found.psnr) == pytest.approx(-10 * np.log10(found.mse.value or 1))


def test_real_images_are_held_against_other_patients_only() -> None:
    rng = np.random.default_rng(4)
    # Six slices of a patient are almost the same image.
    flat = np.repeat(rng.normal(0, 0.1, (12, SIDE * SIDE)), 6, 0)
    bank = patients(flat + rng.normal(0, 1e-4, flat.shape), 6)
    near = nearest_errors(bank, bank, "held-out subjects", same=True)
    random = random_errors(bank, bank, seed=0, same=True)
    assert near.mse.value is not None and near.mse.value > 0.015
    assert random.mse.value == pytest.approx(2 * 0.1**2, rel=0.1)


def test_leaving_a_patient_out_is_leaving_it_out() -> None:
    rng = np.random.default_rng(5)
    source, bank = rng.random((30, SIDE * SIDE)) - 0.5, rng.random((24, SIDE * SIDE)) - 0.5
    whole = patients(bank, 4)
    found = nearest_errors(drawn(source[:1]), whole, "training subjects")
    left = []
    for group in range(6):
        kept = whole.groups != group
        part = Bank(whole.images[kept], np.zeros(20, int), whole.owners[kept])  # type: ignore[index]
        left.append(nearest_errors(drawn(source[:1]), part, "training subjects").mse.value or 0)
    error = np.sqrt(5 / 6 * ((np.array(left) - np.mean(left)) ** 2).sum())
    assert found.mse.high is not None and found.mse.value is not None
    from scipy.stats import t

    assert found.mse.high - found.mse.value == pytest.approx(t.ppf(0.975, 5) * error)


@pytest.mark.parametrize("which", ["random", "nearest"])
def test_intervals_over_patients_hold_the_expectation(which: str) -> None:
    basis = basis_of(np.random.default_rng(0), 20)
    found = []
    for seed in range(120):
        rng = np.random.default_rng(seed + 1)
        heads = np.repeat(faces(rng, 8, basis), 4, 0) * 0.8 + faces(rng, 32, basis) * 0.6
        source, bank = drawn(faces(rng, 100, basis)), patients(heads, 4)
        errors = (
            random_errors(source, bank, seed=seed)
            if which == "random"
            else nearest_errors(source, bank, "held-out subjects")
        )
        found.append((errors.mse.value, errors.mse.low, errors.mse.high))
    values, low, high = np.array(found, float).T
    held = (low <= values.mean()) & (values.mean() <= high)
    assert held.mean() >= 0.89


def test_two_patients_have_no_interval_against_each_other() -> None:
    bank = patients(np.random.default_rng(6).random((8, SIDE * SIDE)) - 0.5, 4)
    for found in (
        random_errors(bank, bank, seed=0, same=True),
        nearest_errors(bank, bank, "held-out subjects", same=True),
    ):
        assert found.mse.value is not None and found.mse.low is None and found.mse.reason


def test_the_pairing_seed_decides_the_pairs() -> None:
    rng = np.random.default_rng(7)
    source, bank = drawn(rng.random((20, 256)) - 0.5), patients(rng.random((20, 256)) - 0.5, 2)
    one, again, other = (random_errors(source, bank, seed=seed).mse.value for seed in (0, 0, 1))
    assert one == again != other
