"""Proportional odds by generalised estimating equations, clustered on patient or image.

Heagerty & Zeger 1996 with working independence, which is a logistic regression of "score above k"
for all k at once; its variance is the sandwich over clusters, with the correction of Mancl &
DeRouen 2001 for few clusters. The OrdinalGEE of statsmodels gives the same numbers (tested), and
takes fifty times as long.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
FARTHEST = 12.0  # log odds beyond which scores are taken to be separated


class SeparatedError(ValueError):
    """The odds ratio is infinite or cannot be told; the text says why."""


@dataclass(frozen=True)
class Fit:
    """Effects on the log odds of a higher score.

    Attributes:
        effects: P.
        covariance: P x P, corrected for few clusters.
        robust: P x P, the plain sandwich.
    """

    effects: Floats
    covariance: Floats
    robust: Floats

    def error(self, index: int) -> float:
        """Standard error of one effect."""
        return math.sqrt(max(0.0, float(self.covariance[index, index])))


def fit(scores: Integers, design: Floats, clusters: Integers) -> Fit:
    """Fit logit P(score > k) = a(k) + design @ effects.

    Args:
        scores: N.
        design: N x P, without an intercept: dummies with the reference left out.
        clusters: N numbers; answers of one cluster are not independent.

    Raises:
        SeparatedError: all scores are alike, or the effects cannot be told.
    """
    levels = np.unique(scores)
    if len(levels) < 2:
        raise SeparatedError("all scores are the same")
    cuts = len(levels) - 1
    above = (scores[:, None] > levels[None, :-1]).astype(float).ravel()
    matrix = np.hstack([np.tile(np.eye(cuts), (len(scores), 1)), np.repeat(design, cuts, axis=0)])
    if np.linalg.matrix_rank(matrix) < matrix.shape[1]:
        raise SeparatedError("sources and readers cannot be told apart")
    solution = _newton(matrix, above)
    chance = _expit(matrix @ solution)
    weight = chance * (1 - chance)
    bread = np.asarray(np.linalg.inv((matrix * weight[:, None]).T @ matrix), dtype=np.float64)
    robust, corrected = _sandwich(matrix, above - chance, weight, bread, np.repeat(clusters, cuts))
    return Fit(solution[cuts:], corrected[cuts:, cuts:], robust[cuts:, cuts:])


def _newton(matrix: Floats, above: Floats) -> Floats:
    """Maximum of the stacked likelihood."""
    solution = np.zeros(matrix.shape[1])
    for _ in range(50):
        chance = _expit(matrix @ solution)
        weight = chance * (1 - chance)
        try:
            step = np.linalg.solve(
                (matrix * weight[:, None]).T @ matrix, matrix.T @ (above - chance)
            )
        except np.linalg.LinAlgError as error:
            raise SeparatedError("the scores of some source or reader are separated") from error
        solution = solution + step
        if not np.isfinite(solution).all() or np.abs(solution).max() > FARTHEST:
            raise SeparatedError("the scores of some source or reader are separated")
        if np.abs(step).max() < 1e-10:
            return solution
    raise SeparatedError("the fit did not converge")


def _sandwich(
    matrix: Floats, residual: Floats, weight: Floats, bread: Floats, clusters: Integers
) -> tuple[Floats, Floats]:
    """Plain and corrected covariance of all coefficients."""
    size = matrix.shape[1]
    plain, corrected = np.zeros((size, size)), np.zeros((size, size))
    order = np.argsort(clusters, kind="stable")
    starts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        x, r = matrix[rows], residual[rows]
        score = x.T @ r
        plain += np.outer(score, score)
        leverage = x @ bread @ (x * weight[rows, None]).T
        try:
            score = x.T @ np.linalg.solve(np.eye(len(rows)) - leverage, r)
        except np.linalg.LinAlgError as error:
            raise SeparatedError("one patient alone decides an effect") from error
        corrected += np.outer(score, score)
    return bread @ plain @ bread, bread @ corrected @ bread


def _expit(values: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(values, -500, 500)))
