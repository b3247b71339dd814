"""Functional analysis of variance of trees: by enumeration, in closed form, and by Optuna."""

from __future__ import annotations

from itertools import product

import numpy as np
import optuna
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor
from sklearn.tree import DecisionTreeRegressor

from popgan.evidence.experiments.forest import Forest
from popgan.evidence.experiments.trees import Axis, Boxes

Floats = NDArray[np.float64]


def ranges(count: int) -> list[Axis]:
    return [Axis(slice(i, i + 1)) for i in range(count)]


def boxes(rows: Floats, values: Floats, axes: list[Axis]) -> Boxes:
    return Boxes(DecisionTreeRegressor(random_state=0).fit(rows, values).tree_, axes)


def test_shares_are_those_that_optuna_finds_in_the_same_forest() -> None:
    rng = np.random.default_rng(0)
    rows = rng.random((60, 4))
    values = rows[:, 0] + 2 * rows[:, 1] * rows[:, 2] + 0.1 * rng.normal(size=60)
    study = optuna.create_study()
    spread = {f"x{i}": optuna.distributions.FloatDistribution(0, 1) for i in range(4)}
    for row, value in zip(rows.tolist(), values.tolist(), strict=True):
        params = {f"x{i}": x for i, x in enumerate(row)}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=spread, value=value))
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=1)
    oracle = evaluator.evaluate(study)
    forest = RandomForestRegressor(64, max_depth=64, random_state=1).fit(rows, values)
    trees = [Boxes(tree.tree_, ranges(4)) for tree in forest.estimators_]
    shares = np.mean([tree.main / tree.variance for tree in trees], axis=0)
    assert shares == pytest.approx([oracle[f"x{i}"] for i in range(4)], rel=1e-6)


def test_choices_and_pairs_are_those_of_a_table_of_all_settings() -> None:
    sizes, rng = (2, 3, 4), np.random.default_rng(1)
    axes, start = [], 0
    for size in sizes:
        axes.append(Axis(slice(start, start + size), size))
        start += size
    cells = list(product(*(range(size) for size in sizes)))
    rows = np.array(
        [np.concatenate([np.eye(k)[i] for i, k in zip(cell, sizes, strict=True)]) for cell in cells]
    )
    values = rng.normal(size=len(cells))
    # Some settings were never tried, so the tree has to fill in.
    tree = DecisionTreeRegressor(random_state=0).fit(rows[:-5], values[:-5])
    table = tree.predict(rows).reshape(sizes)
    found = Boxes(tree.tree_, axes)
    assert found.mean == pytest.approx(table.mean())
    assert found.variance == pytest.approx(table.var())
    for i in range(3):
        others = tuple(k for k in range(3) if k != i)
        assert found.main[i] == pytest.approx(table.mean(axis=others).var())
        assert found.mean_over([(i, np.eye(sizes[i]))], {}) == pytest.approx(
            table.mean(axis=others)
        )
        left = others[0], others[1]
        both = table.mean(axis=i).var() - found.main[left[0]] - found.main[left[1]]
        assert found.together(*left) == pytest.approx(both)
    grid = found.mean_over([(0, np.eye(2)), (2, np.eye(4))], {1: np.array([[0.0, 1.0, 0.0]])})
    assert grid == pytest.approx(table[:, 1])
    some = found.mean_over([(0, np.eye(2))], {2: np.eye(4)[:3]})
    assert some == pytest.approx(table[:, :, :3].mean(axis=(1, 2)))


def test_a_sum_is_split_as_the_variances_of_its_parts() -> None:
    rows = np.random.default_rng(2).random((1500, 3))
    found = boxes(rows, 3 * rows[:, 0] + rows[:, 1], ranges(3))
    assert found.main / found.variance == pytest.approx([0.9, 0.1, 0], abs=0.01)
    assert found.variance == pytest.approx(10 / 12, rel=0.02)
    assert found.together(0, 1) / found.variance < 0.01


def test_a_centred_product_is_nothing_but_interaction() -> None:
    rows = np.random.default_rng(3).random((1500, 2))
    found = boxes(rows, (rows[:, 0] - 0.5) * (rows[:, 1] - 0.5), ranges(2))
    assert found.together(0, 1) / found.variance == pytest.approx(1, abs=0.03)
    assert found.variance == pytest.approx(1 / 144, rel=0.05)


def test_a_product_is_split_as_in_closed_form() -> None:
    # Of x y: variance 7 / 144, of which 1 / 48 each and 1 / 144 together.
    rows = np.random.default_rng(4).random((1500, 2))
    found = boxes(rows, rows[:, 0] * rows[:, 1], ranges(2))
    shares = [*(found.main / found.variance), found.together(0, 1) / found.variance]
    assert shares == pytest.approx([3 / 7, 3 / 7, 1 / 7], abs=0.02)


def test_a_mean_over_a_dimension_is_that_of_many_predictions() -> None:
    rng = np.random.default_rng(5)
    rows = rng.random((80, 3))
    tree = DecisionTreeRegressor(random_state=0).fit(rows, rng.normal(size=80))
    found = Boxes(tree.tree_, ranges(3))
    drawn = rng.random((40_000, 3))
    for x in (0.1, 0.6):
        drawn[:, 1] = x
        mean = found.mean_over([(1, np.array([[x]]))], {})
        assert mean[0] == pytest.approx(tree.predict(drawn).mean(), abs=0.03)


def test_a_forest_that_has_seen_a_trial_is_not_asked_about_it() -> None:
    rng = np.random.default_rng(6)
    rows, values = rng.random((40, 2)), rng.normal(size=40)
    forest = Forest(rows, values, ranges(2), 64, np.random.default_rng(0))
    # Noise cannot be foreseen; a forest that had seen it would know most of it.
    assert np.corrcoef(forest.unseen(), values)[0, 1] < 0.4
    clean = Forest(rows, rows[:, 0], ranges(2), 64, np.random.default_rng(0))
    assert np.corrcoef(clean.unseen(), rows[:, 0])[0, 1] > 0.98


def test_what_a_forest_knows_of_unseen_trials_is_what_scikit_learn_finds() -> None:
    rng = np.random.default_rng(8)
    rows = rng.random((60, 4))
    values = rows[:, 0] + rows[:, 1] ** 2 + 0.1 * rng.normal(size=60)
    unseen = Forest(rows, values, ranges(4), 200, np.random.default_rng(0)).unseen()
    r2 = 1 - ((values - unseen) ** 2).sum() / ((values - values.mean()) ** 2).sum()
    oracle = RandomForestRegressor(200, oob_score=True, random_state=0).fit(rows, values)
    assert r2 == pytest.approx(oracle.oob_score_, abs=0.04)


def test_a_forest_of_equal_trials_has_no_shares() -> None:
    rows = np.random.default_rng(7).random((10, 2))
    forest = Forest(rows, np.ones(10), ranges(2), 8, np.random.default_rng(0))
    assert forest.shares.tolist() == [0, 0] and set(forest.pairs().values()) == {0}
