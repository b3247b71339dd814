"""Trivial translators: each against an oracle, and none of them ever sees the test target."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from skimage.exposure import match_histograms

from popgan.evidence.paired.baselines import Baseline, fit_baselines
from popgan.evidence.paired.regions import brain_mask

SIDE = 32
Y, X = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
NAMES = ["T1w", "T2w"]


def sources(n: int, seed: int) -> np.ndarray:
    """n slices of two contrasts of different heads, on a background of exactly zero."""
    rng = np.random.default_rng(seed)
    head = np.hypot(Y, X) < rng.uniform(9, 14, n)[:, None, None]
    inside = gaussian_filter(rng.normal(size=(n, 2, SIDE, SIDE)), (0, 0, 2, 2))
    return np.clip(head[:, None] * (0.5 + inside), 0, 1).astype(np.float32)


def target(given: np.ndarray, noise: float = 0.0) -> np.ndarray:
    """0.6 of one contrast less 0.2 of the other, and a constant, inside the head."""
    rng = np.random.default_rng(9)
    line = 0.6 * given[:, 0] - 0.2 * given[:, 1] + 0.3 + rng.normal(0, noise, given[:, 0].shape)
    return np.where(brain_mask(given), line, 0).astype(np.float32)


def fitted(noise: float = 0.0, **options) -> dict[str, Baseline]:
    given = sources(40, 0)
    return {b.name: b for b in fit_baselines(given, target(given, noise), names=NAMES, **options)}


def test_every_trivial_way_is_there_once() -> None:
    assert list(fitted()) == [
        "copy of T1w",
        "copy of T2w",
        "linear regression",
        "histogram of T1w matched",
        "histogram of T2w matched",
        "nearest patient",
    ]


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 1000))
def test_all_give_intensities_of_the_right_shape(seed: int) -> None:
    given = sources(5, seed)
    for baseline in fitted().values():
        found = baseline(given)
        assert found.shape == (5, SIDE, SIDE) and found.dtype == np.float32
        assert found.min() >= 0 and found.max() <= 1


def test_a_copy_is_the_source() -> None:
    given = sources(3, 1)
    np.testing.assert_array_equal(fitted()["copy of T2w"](given), given[:, 1])


def test_linear_regression_is_least_squares_over_all_voxels_of_the_brain() -> None:
    given = sources(40, 0)
    aim, inside = target(given, 0.05), brain_mask(given)
    columns = np.stack([*np.moveaxis(given, 1, 0)[:, inside], np.ones(inside.sum())], 1)
    weights = np.linalg.lstsq(columns.astype(float), aim[inside].astype(float))[0]
    found = fitted(0.05)["linear regression"].translate
    assert found.weights == pytest.approx(weights, rel=1e-6)


def test_linear_regression_finds_a_line_and_leaves_background_alone() -> None:
    given = sources(4, 5)
    found = fitted()["linear regression"](given)
    np.testing.assert_allclose(found, np.clip(target(given), 0, 1), atol=1e-5)
    assert not found[~brain_mask(given)].any()


def test_sources_that_are_copies_of_each_other_do_not_break_the_line() -> None:
    given = np.repeat(sources(20, 0)[:, :1], 2, 1)
    line = fit_baselines(given, 0.5 * given[:, 0], names=NAMES)[2]
    new = np.repeat(sources(3, 4)[:, :1], 2, 1)
    np.testing.assert_allclose(line(new), 0.5 * new[:, 0], atol=1e-5)


def test_histogram_matching_agrees_with_scikit_image() -> None:
    """On images without background, where the whole picture is matched."""
    rng = np.random.default_rng(0)
    given = rng.integers(90, 200, (6, 2, SIDE, SIDE)) / 255
    aim = rng.gamma(9, 12, (6, SIDE, SIDE)).clip(0, 255).round() / 255
    new = rng.integers(80, 220, (3, 2, SIDE, SIDE)) / 255
    assert brain_mask(given).all() and brain_mask(new).all()
    for k, baseline in enumerate(fit_baselines(given, aim, names=NAMES)[3:5]):
        oracle = match_histograms(new[:, k], aim)
        np.testing.assert_allclose(baseline(new), oracle, atol=1e-3)


def test_histogram_matching_undoes_any_rising_curve() -> None:
    """Its values become the target's whatever scanner drew the source."""
    given = sources(40, 0)
    aim = np.sqrt(given[:, 0])
    new = sources(40, 0)
    new[:, 0] = np.where(new[:, 0] > 0, 0.2 + 0.5 * new[:, 0] ** 2, 0)
    found = fit_baselines(given, aim, names=NAMES)[3](new)
    inside = brain_mask(new)
    assert np.abs(found - aim)[inside].mean() < 0.02
    assert not found[~inside].any()


def test_the_nearest_patient_is_who_resembles_the_sources_most() -> None:
    given = sources(40, 0)
    nearest = fitted()["nearest patient"]
    order = np.random.default_rng(0).permutation(40)[:7]
    noisy = np.clip(
        given[order] + np.random.default_rng(1).normal(0, 0.05, (7, 2, SIDE, SIDE)), 0, 1
    )
    np.testing.assert_array_equal(nearest(noisy), np.clip(target(given)[order], 0, 1))
    # Brightness of a scan does not decide.
    np.testing.assert_array_equal(nearest(0.5 * noisy), np.clip(target(given)[order], 0, 1))


def test_the_nearest_patient_agrees_with_correlation_of_all_pairs() -> None:
    known, new = sources(40, 0), sources(6, 7)
    likeness = np.mean(
        [
            [[np.corrcoef(a[k].ravel(), b[k].ravel())[0, 1] for b in known] for a in new]
            for k in (0, 1)
        ],
        axis=0,
    )
    found = fitted()["nearest patient"](new)
    np.testing.assert_array_equal(found, np.clip(target(known)[likeness.argmax(1)], 0, 1))


def test_the_nearest_patient_is_looked_for_at_about_the_same_height() -> None:
    given, heights = sources(40, 0), np.linspace(0, 1, 40)
    nearest = fitted(heights=heights)["nearest patient"]
    aim = np.clip(target(given), 0, 1)
    found = nearest(given[:1], [0.5])  # whose own slice is at height 0
    near = np.flatnonzero(np.abs(heights - 0.5) <= 0.1)
    assert any(np.array_equal(found[0], aim[i]) for i in near)
    np.testing.assert_array_equal(nearest(given[:1])[0], aim[0])  # heights not known


def test_where_no_slice_is_at_that_height_the_next_one_stands_in() -> None:
    given = sources(40, 0)
    nearest = fitted(heights=np.linspace(0.3, 0.5, 40))["nearest patient"]
    np.testing.assert_array_equal(nearest(given[:1], [0.9])[0], np.clip(target(given)[-1], 0, 1))


def test_sizes_that_do_not_fit_are_refused() -> None:
    given = sources(4, 0)
    for bad in ({"names": ["T1w"]}, {"target": target(given)[:3]}):
        call = {"sources": given, "target": target(given), "names": NAMES} | bad
        with pytest.raises(ValueError, match="names"):
            fit_baselines(**call)
