from __future__ import annotations

import numpy as np
import pytest
from statsmodels.genmod.cov_struct import Independence
from statsmodels.genmod.generalized_estimating_equations import OrdinalGEE

from popgan.evidence.readers.ordinal import SeparatedError, fit


def data(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores of 60 answers by 3 readers in 25 clusters, with a source and readers as dummies."""
    rng = np.random.default_rng(seed)
    clusters = np.sort(rng.integers(0, 25, size=60))
    design = np.column_stack(
        [rng.integers(0, 2, size=60), *(np.arange(60) % 3 == i for i in (1, 2))]
    ).astype(float)
    latent = 0.8 * design[:, 0] - 0.5 * design[:, 1] + rng.logistic(size=60)
    latent += rng.normal(size=25)[clusters]
    return 1 + np.digitize(latent, [-1.5, 0.5, 2.0]), design, clusters


def test_effects_and_errors_are_those_of_statsmodels() -> None:
    scores, design, clusters = data(1)
    found = fit(scores, design, clusters)
    model = OrdinalGEE(scores, design, groups=clusters, cov_struct=Independence())
    robust = model.fit(cov_type="robust")
    np.testing.assert_allclose(found.effects, robust.params[-3:], rtol=1e-5)
    np.testing.assert_allclose(np.sqrt(np.diag(found.robust)), robust.bse[-3:], rtol=1e-4)
    # statsmodels divides the leverage by an estimated scale, which is 1 for shares.
    reduced = model.fit(cov_type="bias_reduced")
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), reduced.bse[-3:], rtol=0.03)
    assert found.error(0) > np.sqrt(found.robust[0, 0])


def test_a_score_of_the_other_way_round_turns_the_effect_round() -> None:
    scores, design, clusters = data(2)
    one, other = fit(scores, design, clusters), fit(5 - scores, design, clusters)
    np.testing.assert_allclose(one.effects, -other.effects, atol=1e-8)
    np.testing.assert_allclose(one.covariance, other.covariance, atol=1e-8)
    mixed = np.random.default_rng(0).permutation(60)
    again = fit(scores[mixed], design[mixed], clusters[mixed])
    np.testing.assert_allclose(one.covariance, again.covariance, atol=1e-8)


def test_what_cannot_be_fitted_says_why() -> None:
    scores, design, clusters = data(3)
    with pytest.raises(SeparatedError, match="the same"):
        fit(np.full(60, 4), design, clusters)
    with pytest.raises(SeparatedError, match="separated"):
        fit(np.where(design[:, 0] > 0, 5, scores), np.ones((60, 1)) * design[:, :1], clusters)
    with pytest.raises(SeparatedError, match="told apart"):
        fit(scores, np.column_stack([design, design[:, 0]]), clusters)
