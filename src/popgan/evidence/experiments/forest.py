"""A random forest over trials: how well it knows trials it has not seen, and what moves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.experiments.dimensions import active, inside, to_unit
from popgan.evidence.experiments.results import SearchSpace, Setting, Value
from popgan.evidence.experiments.trees import Axis, Boxes

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """A space as columns of a forest.

    A range is one column on its scale, choices one each. Where a dimension does not count it stands
    in the middle of its scale (choices: all alike), as in Hutter et al.; whether it counts the
    forest sees from the columns of what decides on it, so it needs none of its own.
    """

    space: Sequence[SearchSpace]

    @property
    def axes(self) -> list[Axis]:
        """Of the dimensions, in their order."""
        found, start = [], 0
        for one in self.space:
            width = len(one.choices) or 1
            found.append(Axis(slice(start, start + width), len(one.choices)))
            start += width
        return found

    def point(self, one: SearchSpace, value: Value) -> Floats:
        """A value as its columns."""
        if one.choices:
            return np.array([float(value == choice) for choice in one.choices])
        return np.array([to_unit(one, value)])

    def row(self, setting: Setting) -> Floats | None:
        """A completed setting; None where it lacks a value that counts or is outside the space."""
        parts = []
        for one in self.space:
            if one.name in setting:
                if not inside(one, setting[one.name]):
                    return None
                parts.append(self.point(one, setting[one.name]))
            elif active(self.space, one, setting):
                return None
            else:
                width = len(one.choices)
                parts.append(np.full(width, 1 / width) if width else np.array([0.5]))
        return np.concatenate(parts)


class Forest:
    """A forest of fully grown trees, as in Hutter et al., with their exact means.

    Args:
        rows: trials x columns.
        kids: of the trials.
        axes: which columns belong together.
        trees: how many, each of a bootstrap sample of the trials.
        rng: of the samples.

    Attributes:
        shares: of the variance that each dimension explains alone, mean over trees; zeros where
            no tree found anything.
    """

    def __init__(
        self,
        rows: Floats,
        kids: Floats,
        axes: Sequence[Axis],
        trees: int,
        rng: np.random.Generator,
    ) -> None:
        from sklearn.tree import DecisionTreeRegressor

        n = len(kids)
        self._axes, self._rows = axes, rows.astype(np.float32)
        self._trees: list[tuple[Any, NDArray[np.bool_]]] = []
        for _ in range(trees):
            times = np.bincount(rng.integers(0, n, n), minlength=n)
            seen = times > 0
            tree = DecisionTreeRegressor(random_state=int(rng.integers(2**31)))
            tree.fit(self._rows[seen], kids[seen], sample_weight=times[seen])
            self._trees.append((tree, ~seen))
        self._boxes = [Boxes(tree.tree_, axes) for tree, _ in self._trees]
        self._telling = [boxes for boxes in self._boxes if boxes.variance > 0]
        parts = [boxes.main / boxes.variance for boxes in self._telling]
        self.shares: Floats = np.mean(parts, axis=0) if parts else np.zeros(len(axes))

    def unseen(self) -> Floats:
        """A prediction for each trial by the trees that have not seen it; NaN where all have."""
        total, count = np.zeros(len(self._rows)), np.zeros(len(self._rows))
        for tree, unseen in self._trees:
            if unseen.any():
                total[unseen] += tree.predict(self._rows[unseen])
                count[unseen] += 1
        return np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)

    def pairs(self) -> dict[tuple[int, int], float]:
        """Share of the variance that each two dimensions explain only together."""
        return {
            (i, k): float(np.mean([b.together(i, k) / b.variance for b in self._telling] or [0.0]))
            for i, k in combinations(range(len(self._axes)), 2)
        }

    def mean_over(
        self, points: Sequence[tuple[int, Floats]], given: Mapping[int, Floats]
    ) -> Floats:
        """As of one tree, `Boxes.mean_over`, and the mean of all."""
        return np.mean([boxes.mean_over(points, given) for boxes in self._boxes], axis=0)
