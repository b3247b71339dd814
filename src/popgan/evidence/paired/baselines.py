"""Trivial ways to come by a contrast, fitted on training slices: what a model must do better than.

A learned translator that is no better than a straight line through the intensities has learnt
nothing worth a network. None of them sees the true target of the slices that it translates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from popgan.evidence.paired.regions import brain_mask

Images = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
Stack = NDArray[np.float32]

NEAR = 0.1
"""Difference of height up to which a slice of another patient may stand in."""
_CHUNK = 32  # slices that are read at a time
_BINS = 4096  # of the target's pooled histogram over 0..1
_SIDE = 32  # pixels to which slices are reduced to find the most alike


@dataclass(frozen=True)
class Baseline:
    """A trivial way.

    Attributes:
        name: such as "copy of T1w".
        translate: sources (n x K x H x W) and heights (n or None) in, n x H x W out.
    """

    name: str
    translate: Callable[[Images, Floats | None], Images]

    def __call__(self, sources: Images, heights: Sequence[float] | None = None) -> Stack:
        """The target's slices as this way makes them.

        Args:
            sources: n x K x H x W, unit intensities, slices of ONE patient.
            heights: n heights of the slices, 0 bottom to 1 top; None if not known.

        Returns:
            n x H x W, unit intensities in [0, 1].
        """
        known = None if heights is None else np.asarray(heights, np.float64)
        return np.clip(self.translate(sources, known), 0, 1).astype(np.float32)


def fit_baselines(
    sources: Images,
    target: Images,
    *,
    names: Sequence[str],
    heights: Sequence[float] | None = None,
) -> list[Baseline]:
    """All trivial ways, fitted on training slices.

    Copy of each source; linear regression of the target's intensity on those of all sources;
    histogram matching of each source to the target; the slice of the nearest training patient.
    What is background in every source stays background, but in copies, which are copies, and in
    the nearest slice, which brings its own.

    Args:
        sources: N x K x H x W, unit intensities; read in chunks, so it may be a memory map.
        target: N x H x W. The last baseline keeps a reference to it.
        names: K contrasts.
        heights: N heights of the slices, 0 bottom to 1 top; None if not known.

    Raises:
        ValueError: sizes do not fit.
    """
    if sources.shape[:2] != (len(target), len(names)) or sources.shape[2:] != target.shape[1:]:
        raise ValueError(f"sources {sources.shape}, target {target.shape}, {len(names)} names")
    known = None if heights is None else np.asarray(heights, np.float64)
    line, histogram = _fit(sources, target)
    return [
        *(Baseline(f"copy of {name}", _Copy(k)) for k, name in enumerate(names)),
        Baseline("linear regression", line),
        *(
            Baseline(f"histogram of {name} matched", _Matched(k, histogram))
            for k, name in enumerate(names)
        ),
        Baseline("nearest patient", _Nearest(sources, target, known)),
    ]


def _chunks(count: int) -> Iterator[slice]:
    return (slice(start, start + _CHUNK) for start in range(0, count, _CHUNK))


def _fit(sources: Images, target: Images) -> tuple[_Line, Floats]:
    """One pass over the training slices: sums of squares, and the target's histogram."""
    size = sources.shape[1] + 1
    squares, products = np.zeros((size, size)), np.zeros(size)
    histogram = np.zeros(_BINS)
    for part in _chunks(len(target)):
        inside = brain_mask(np.asarray(sources[part]))
        values = _columns(np.asarray(sources[part]), inside)
        aims = np.asarray(target[part])[inside].astype(np.float64)
        squares += values.T @ values
        products += values.T @ aims
        histogram += np.histogram(np.clip(aims, 0, 1), bins=_BINS, range=(0, 1))[0]
    # Sources that are copies of one another leave the system singular: the least solution is taken.
    weights = np.linalg.lstsq(squares, products)[0]
    return _Line(np.asarray(weights)), histogram


def _columns(sources: Images, inside: NDArray[np.bool_]) -> Floats:
    """Intensities of all sources in the mask and a one: voxels x (K + 1)."""
    values = np.moveaxis(sources, 1, -1)[inside].astype(np.float64)
    return np.concatenate([values, np.ones((len(values), 1))], axis=1)


@dataclass(frozen=True)
class _Copy:
    """A source as it is."""

    source: int

    def __call__(self, sources: Images, heights: Floats | None) -> Images:
        return sources[:, self.source]


@dataclass(frozen=True)
class _Line:
    """Least squares: `weights` of the sources, then the constant."""

    weights: Floats

    def __call__(self, sources: Images, heights: Floats | None) -> Images:
        inside = brain_mask(sources)
        found = np.zeros(inside.shape)
        found[inside] = _columns(sources, inside) @ self.weights
        return found


@dataclass(frozen=True)
class _Matched:
    """A source whose distribution within the foreground becomes the target's of training.

    A voxel goes to the target's value of the same rank, ranks being taken over the patient.
    """

    source: int
    histogram: Floats

    def __call__(self, sources: Images, heights: Floats | None) -> Images:
        inside = brain_mask(sources)
        found = np.zeros(inside.shape)
        total = self.histogram.sum()
        if not inside.any() or total == 0:
            return found
        levels = np.flatnonzero(self.histogram)
        shares = np.cumsum(self.histogram[levels]) / total
        values = sources[:, self.source][inside]
        _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
        ranks = np.cumsum(counts) / values.size
        found[inside] = np.interp(ranks, shares, (levels + 0.5) / _BINS)[place]
        return found


class _Nearest:
    """The target of the training slice whose sources correlate best, at about the same height."""

    def __init__(self, sources: Images, target: Images, heights: Floats | None) -> None:
        self.target, self.heights = target, heights
        parts = [_reduced(np.asarray(sources[part])) for part in _chunks(len(target))]
        self.known = np.concatenate(parts)

    def __call__(self, sources: Images, heights: Floats | None) -> Images:
        likeness = _reduced(sources) @ self.known.T
        if heights is not None and self.heights is not None:
            away = np.abs(heights[:, None] - self.heights)
            nearest = np.maximum(away.min(axis=1, keepdims=True), NEAR)
            likeness = np.where(away <= nearest + 1e-9, likeness, -np.inf)
        return np.stack([np.asarray(self.target[i]) for i in likeness.argmax(axis=1)])


def _reduced(sources: Images) -> Stack:
    """Slices as vectors whose products are correlations: reduced, centred, of length one."""
    side = max(sources.shape[2:])
    factor = max(1, round(side / _SIDE))
    small = ndimage.uniform_filter(sources.astype(np.float32), (0, 0, factor, factor))
    small = small[:, :, factor // 2 :: factor, factor // 2 :: factor]
    small = small - small.mean(axis=(2, 3), keepdims=True)
    length = np.sqrt((small**2).sum(axis=(2, 3), keepdims=True))
    # Each source counts alike, however bright it is: the mean of their correlations is compared.
    vectors = (small / np.maximum(length, 1e-6)).reshape(len(sources), -1)
    return np.asarray(vectors / sources.shape[1] ** 0.5, np.float32)
