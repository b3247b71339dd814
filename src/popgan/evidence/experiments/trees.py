"""Functional analysis of variance of a regression tree, exact (Hutter, Hoos & Leyton-Brown 2014).

A tree cuts the space into boxes and gives each a value. Over a space in which all values are
equally likely and independent, the mean over any dimensions is then a sum over boxes, no sampling:
a box weighs the product of the shares of the dimensions that it covers. A range is a column of the
tree, 0 .. 1; choices are a column each, one of which is 1, and each choice is equally likely.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Axis:
    """A dimension as columns of the forest.

    Attributes:
        columns: places.
        choices: how many there are; 0 for a range.
    """

    columns: slice
    choices: int = 0

    def cells(self, thresholds: Floats) -> tuple[Floats, Floats]:
        """Points, P x columns, one a stretch that no threshold cuts, and their shares, P."""
        if self.choices:
            return np.eye(self.choices), np.full(self.choices, 1 / self.choices)
        inner = thresholds[(thresholds > 0) & (thresholds < 1)]
        edges = np.unique(np.concatenate([[0.0], inner, [1.0]]))
        return ((edges[1:] + edges[:-1]) / 2)[:, None], np.diff(edges)


class Boxes:
    """A tree as boxes, and its means over dimensions.

    Args:
        tree: `tree_` of a regression tree of scikit-learn.
        axes: of the space; together all columns of the tree.

    Attributes:
        values: of each box, L.
        variance: of the tree over the space.
        main: variance that each dimension explains alone.
    """

    def __init__(self, tree: Any, axes: Sequence[Axis]) -> None:
        lows, highs = _bounds(tree)
        leaves = np.flatnonzero(tree.children_left < 0)
        self.values: Floats = tree.value[leaves, 0, 0]
        self._lows, self._highs, self._axes = lows[leaves], highs[leaves], axes
        self._cells: list[tuple[Floats, Floats]] = []
        for axis in axes:
            own = (tree.feature >= axis.columns.start) & (tree.feature < axis.columns.stop)
            self._cells.append(axis.cells(tree.threshold[own]))
        self._covers = [self._covered(i, points) for i, (points, _) in enumerate(self._cells)]
        # L x dimensions: the share of each dimension that a box covers.
        self._shares = np.stack(
            [cover @ w for cover, (_, w) in zip(self._covers, self._cells, strict=True)], axis=1
        )
        weights = self._shares.prod(axis=1)
        self.mean = float(weights @ self.values)
        self.variance = float(weights @ (self.values - self.mean) ** 2)
        self.main = np.array([self._explained(i) for i in range(len(axes))])

    def together(self, first: int, second: int) -> float:
        """Variance that two dimensions explain only together."""
        weights = self.values * self._others(first, second)
        surface = self._covers[first].T @ (weights[:, None] * self._covers[second])
        own, other = self._cells[first][1], self._cells[second][1]
        squares = float(own @ (surface - self.mean) ** 2 @ other)
        return max(0.0, squares - float(self.main[first]) - float(self.main[second]))

    def mean_over(
        self, points: Sequence[tuple[int, Floats]], given: Mapping[int, Floats]
    ) -> Floats:
        """Mean prediction at points of one or two dimensions, over all others.

        Args:
            points: dimension and its points, P x columns.
            given: other dimensions whose mean is over some points alone, likewise.

        Returns:
            P, or P x Q for two dimensions.
        """
        weights = self.values * self._others(*given, *(i for i, _ in points))
        for i, some in given.items():
            weights = weights * self._covered(i, some).mean(axis=1)
        covers = [self._covered(i, places) for i, places in points]
        return covers[0].T @ (weights[:, None] * covers[1] if len(covers) > 1 else weights)

    def _explained(self, axis: int) -> float:
        curve = self._covers[axis].T @ (self.values * self._others(axis))
        return float(self._cells[axis][1] @ (curve - self.mean) ** 2)

    def _others(self, *axes: int) -> Floats:
        """Share of the space of all other dimensions that each box covers."""
        rest = [i for i in range(len(self._axes)) if i not in axes]
        return self._shares[:, rest].prod(axis=1)

    def _covered(self, axis: int, points: Floats) -> Floats:
        """L x P: 1 where a point lies within the box in this dimension."""
        columns = self._axes[axis].columns
        parts = [
            (self._lows[:, [c]] < points[:, i]) & (points[:, i] <= self._highs[:, [c]])
            for i, c in enumerate(range(columns.start, columns.stop))
        ]
        return reduce(np.logical_and, parts).astype(np.float64)


def _bounds(tree: Any) -> tuple[Floats, Floats]:
    """Lowest and highest value of each node and column; a parent stands before its children."""
    shape = (tree.node_count, tree.n_features)
    lows, highs = np.full(shape, -np.inf), np.full(shape, np.inf)
    left, right = tree.children_left.tolist(), tree.children_right.tolist()
    features, thresholds = tree.feature.tolist(), tree.threshold.tolist()
    for node, (one, other) in enumerate(zip(left, right, strict=True)):
        if one >= 0:
            lows[[one, other]], highs[[one, other]] = lows[node], highs[node]
            highs[one, features[node]] = lows[other, features[node]] = thresholds[node]
    return lows, highs
