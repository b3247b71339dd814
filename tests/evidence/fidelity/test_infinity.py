"""The extrapolated Frechet distance must find the truth where the plain one finds the sample size.

The Gaussians are those of the table of the bias of Frechet distances: variances that fall with a
power of their number, 100 in total.
"""

import numpy as np
import pytest
from scipy.stats import linregress

from popgan.errors import UserError
from popgan.evidence.fidelity.frechet import frechet_distance
from popgan.evidence.fidelity.infinity import frechet_infinity


def power_law(count: int, dimension: int, power: float, seed: int) -> np.ndarray:
    variance = np.arange(1, dimension + 1.0) ** -power
    width = np.sqrt(100 * variance / variance.sum())
    return np.random.default_rng(seed).standard_normal((count, dimension)) * width


@pytest.mark.parametrize(
    ("power", "count", "table"), [(1.5, 250, 13.2), (1.0, 250, 63.7), (1.5, 1000, 4.9)]
)
def test_the_plain_distance_of_one_gaussian_from_itself_is_that_of_the_table(
    power: float, count: int, table: float
) -> None:
    x, y = power_law(count, 2048, power, 0), power_law(count, 2048, power, 1)
    assert frechet_distance(x, y) == pytest.approx(table, rel=0.1)


@pytest.mark.parametrize("power", [1.0, 1.5])
def test_one_gaussian_is_at_distance_zero_from_itself(power: float) -> None:
    found = [
        frechet_infinity(
            power_law(800, 48, power, 2 * s), power_law(800, 48, power, 2 * s + 1), seed=s
        )
        for s in range(6)
    ]
    values, plain = np.array([f.value for f in found]), np.array([f.plain for f in found])
    assert abs(values.mean()) < 0.15 * plain.mean()
    assert np.abs(values).max() < plain.min()


def test_a_known_distance_is_found_where_the_plain_one_is_too_large() -> None:
    x, y = power_law(600, 48, 1.0, 0), 1.3 * power_law(600, 48, 1.0, 1)
    y[:, 0] += 1
    truth = 1 + 0.3**2 * 100  # shift^2 + sum of (1.3 s - s)^2
    found = frechet_infinity(x, y)
    assert abs(found.value - truth) < 0.5 * abs(found.plain - truth) + 0.3
    assert found.plain > truth + 1


def test_samples_of_different_size_lose_the_bias_of_both() -> None:
    found = [
        frechet_infinity(power_law(1500, 48, 1.0, 2 * s), power_law(300, 48, 1.0, 2 * s + 1))
        for s in range(6)
    ]
    plain = np.mean([f.plain for f in found])
    assert abs(np.mean([f.value for f in found])) < 0.25 * plain
    assert found[0].sizes[0] == pytest.approx(2 / (1 / 1500 + 1 / 300))


def test_fewer_images_than_features_leave_a_rest_and_the_curvature_says_so() -> None:
    found = frechet_infinity(power_law(240, 400, 1.0, 0), power_law(240, 400, 1.0, 1), sizes=8)
    assert 0 < found.value < 0.8 * found.plain
    assert found.curvature < -0.2 * found.value


def test_scipy_draws_the_same_line() -> None:
    found = frechet_infinity(power_law(200, 10, 1.0, 0), power_law(160, 10, 1.0, 1), sizes=9)
    line = linregress(1 / np.array(found.sizes), found.distances)
    assert found.value == pytest.approx(line.intercept)
    assert found.slope == pytest.approx(line.slope)
    assert found.standard_error == pytest.approx(line.intercept_stderr)
    assert len(found.sizes) == 9 and found.sizes[0] == pytest.approx(2 / (1 / 200 + 1 / 160))


def test_the_seed_decides_and_order_within_the_whole_sample_does_not() -> None:
    x, y = power_law(120, 6, 1.0, 0), power_law(120, 6, 1.0, 1)
    one, same, other = (frechet_infinity(x, y, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one.distances[0] == other.distances[0] and one.distances[5] != other.distances[5]


def test_groups_are_drawn_whole() -> None:
    # A subject is one point: n images of it are one. By images the bias stays, by subjects it goes.
    def of_subjects(seed: int) -> tuple[np.ndarray, np.ndarray]:
        groups = np.repeat(np.arange(150), 8)
        near = 0.1 * np.random.default_rng(seed + 50).standard_normal((1200, 8))
        return power_law(150, 8, 0.5, seed)[groups] + near, groups

    by_image, by_group = [], []
    for seed in range(5):
        (x, gx), (y, gy) = of_subjects(2 * seed), of_subjects(2 * seed + 1)
        by_image.append(frechet_infinity(x, y, seed=seed).value)
        by_group.append(frechet_infinity(x, y, x_groups=gx, y_groups=gy, seed=seed).value)
    assert abs(np.mean(by_group)) < 0.5 * np.mean(by_image)


def test_too_few_images_are_refused() -> None:
    with pytest.raises(UserError, match="79 images where 80"):
        frechet_infinity(np.zeros((79, 2)), np.zeros((90, 2)))
    with pytest.raises(UserError, match="3 sizes"):
        frechet_infinity(np.zeros((90, 2)), np.zeros((90, 2)), sizes=3)
