"""Clipped density and coverage against plain loops, and against what outliers do to the others."""

import numpy as np
import pytest
from scipy.stats import betabinom
from sklearn.neighbors import NearestNeighbors

from popgan.evidence.fidelity import clipped as module
from popgan.evidence.fidelity.clipped import NAMES, clipped, expected_coverage
from popgan.evidence.fidelity.prdc import prdc


def sample(count: int, seed: int, shift: float = 0.0, dimension: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (count, dimension))


def oracle(real: np.ndarray, fake: np.ndarray, k: int) -> dict[str, float]:
    """The definition, image by image."""
    radii = NearestNeighbors(n_neighbors=k).fit(real).kneighbors()[0][:, -1]
    short = np.minimum(radii, np.median(radii))

    def density(points: np.ndarray, own: bool) -> float:
        total = 0.0
        for i, point in enumerate(points):
            away = np.linalg.norm(real - point, axis=1)
            inside = away <= short
            if own:
                inside[i] = False
            total += min(inside.sum() / k, 1)
        return total / len(points)

    covered = np.mean(
        [
            min((np.linalg.norm(fake - r, axis=1) <= radius).sum() / k, 1)
            for r, radius in zip(real, radii, strict=True)
        ]
    )
    expected = [
        sum(min(j, k) * betabinom(m, k, len(real) - k).pmf(j) for j in range(m + 1)) / k
        for m in range(len(fake) + 1)
    ]
    return {
        "clipped_density": min(density(fake, False) / density(real, True), 1),
        "clipped_coverage": np.interp(covered, expected, np.linspace(0, 1, len(fake) + 1)),
    }


@pytest.mark.parametrize(("n", "m", "k", "shift"), [(40, 30, 5, 0.5), (25, 33, 3, 1.0)])
def test_agrees_with_the_definition_image_by_image(n: int, m: int, k: int, shift: float) -> None:
    real, fake = sample(n, 0), sample(m, 1, shift)
    assert clipped(real, fake, k=k).value == pytest.approx(oracle(real, fake, k), abs=1e-6)


def test_replicates_equal_recomputing_without_the_group() -> None:
    real, fake = sample(36, 0), sample(30, 1, 0.6)
    gr, gs = np.arange(36) % 4, np.arange(30) % 5
    found = clipped(real, fake, k=3, real_groups=gr, synthetic_groups=gs)
    for name in NAMES:
        left = [clipped(real[gr != g], fake, k=3).value[name] for g in range(4)]
        right = [clipped(real, fake[gs != g], k=3).value[name] for g in range(5)]
        np.testing.assert_allclose(found.without_real[name].values, left)
        np.testing.assert_allclose(found.without_synthetic[name].values, right)
        assert found.without_real[name].sizes.tolist() == [9] * 4


def test_blocks_do_not_change_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake = sample(50, 0), sample(41, 1, 0.4)
    whole = clipped(real, fake, real_groups=np.arange(50) % 6).value
    monkeypatch.setattr(module, "_BLOCK", 7)
    assert clipped(real, fake, real_groups=np.arange(50) % 6).value == pytest.approx(whole)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
def test_both_read_as_the_share_of_good_images(share: float) -> None:
    values = []
    for seed in range(4):
        real, fake = sample(300, seed), sample(300, seed + 10)
        fake[round(share * 300) :] += 1000
        values.append(list(clipped(real, fake).value.values()))
    assert np.mean(values, axis=0) == pytest.approx([share, share], abs=0.07)


def test_one_far_real_image_makes_junk_neither_dense_nor_the_good_worse() -> None:
    real, junk = sample(200, 0), sample(200, 1, 30)
    outlier = np.concatenate([real, np.full((1, 4), 60.0)])
    assert prdc(outlier, junk).value["density"] > 0.15  # its ball reaches back to the others
    assert prdc(outlier, junk).value["precision"] == 1
    assert clipped(outlier, junk).value == {
        "clipped_density": 0,
        "clipped_coverage": pytest.approx(0, abs=0.02),
    }
    good = sample(200, 2)
    for name, value in clipped(outlier, good).value.items():
        assert value == pytest.approx(clipped(real, good).value[name], abs=0.03)


def test_one_image_in_a_dense_place_cannot_make_up_for_bad_ones() -> None:
    real, fake = sample(200, 0, dimension=30), sample(100, 1, 50, dimension=30)
    fake[:10] = 0  # in many dimensions the centre lies in nearly every ball
    assert prdc(real, fake).value["density"] > 2
    assert clipped(real, fake).value["clipped_density"] < 0.25


def test_copies_of_one_real_image_are_dense_and_cover_little() -> None:
    real = sample(200, 0)
    centre = real[np.argmin((real**2).sum(1))]
    value = clipped(real, np.repeat(centre[None], 200, 0)).value
    assert value["clipped_density"] == 1
    assert value["clipped_coverage"] < 0.1


def test_in_many_dimensions_coverage_mistakes_a_collapse_to_the_centre_for_all() -> None:
    # A limit of the measure, stated in its description; recall and diversity do see it.
    real, centre = sample(200, 0, dimension=30), np.zeros((100, 30))
    assert clipped(real, centre).value["clipped_coverage"] == 1
    assert prdc(real, centre).value["recall"] == 0


def test_far_apart_sets_have_nothing() -> None:
    assert set(clipped(sample(30, 0), sample(30, 1, 50)).value.values()) == {0.0}


def test_expected_coverage_is_that_of_drawn_samples_and_rises() -> None:
    expected = expected_coverage(60, 80, 4)
    assert expected[0] == pytest.approx(0) and np.all(np.diff(expected) > 0)
    drawn = []
    for seed in range(40):
        real, fake = sample(60, seed), sample(80, seed + 100)
        radii = NearestNeighbors(n_neighbors=4).fit(real).kneighbors()[0][:, -1]
        inside = np.linalg.norm(real[:, None] - fake[None], axis=2) <= radii[:, None]
        drawn.append(np.minimum(inside.sum(1) / 4, 1).mean())
    assert np.mean(drawn) == pytest.approx(expected[-1], abs=0.015)
    assert np.isfinite(expected_coverage(5000, 10000, 5)).all()
