"""A visit with every slice of its volumes: what a model works on that fills whole volumes.

Everything that slices depend on (normalisation, the middle of the head, heights) is measured on
those slices that ingest would take, so that a model sees what it was trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from popgan.preparation.brain import Extract
from popgan.preparation.slices import BrainBox, worthwhile
from popgan.preparation.visit import Measured, Prepared, SliceChoice, measure_visit, planes_of
from popgan.scans import Scan

_BLOCK = 16  # slices that are looked at together, so that memory does not grow with the volume


@dataclass(frozen=True)
class Whole:
    """Every slice of a prepared visit.

    Attributes:
        measured: the visit as ingest prepares it, and its volumes.
        heights: n, of every slice: 0 bottom to 1 top of the brain, beyond that outside of it.
        shown: n, whether a slice of the first contrast shows more than a sliver of foreground.
        kept: X x Y x n, what can be other than background; None where that can be anything.
    """

    measured: Measured
    heights: NDArray[np.float64]
    shown: NDArray[np.bool_]
    kept: NDArray[np.bool_] | None

    @property
    def prepared(self) -> Prepared:
        """What was measured on the slices that ingest would take."""
        return self.measured.prepared

    @property
    def shape(self) -> tuple[int, int, int]:
        """Samples of the common grid along x, y and z."""
        x, y, z = self.measured.ready.data[0].shape
        return int(x), int(y), int(z)

    def planes(self, number: int, rows: slice) -> NDArray[np.float32]:
        """Slices of a contrast, n x X x Y in [0, 1], as `Prepared.planes` has them."""
        return planes_of(self.measured.ready, number, self.measured.intensities[number], rows)


def prepare_whole(
    scans: Sequence[Scan], choice: SliceChoice, extract: Extract | None = None
) -> Whole:
    """Prepare the scans of one visit; see `popgan.preparation.visit.prepare_visit`.

    Raises:
        ScanError: see there.
    """
    measured = measure_visit(scans, choice, extract)
    data = measured.ready.data[0]
    return Whole(
        measured=measured,
        heights=_heights(measured.ready.box, data.shape[2], measured.prepared.spacing[2]),
        shown=_shown(measured),
        kept=_kept(measured),
    )


def blocks(count: int) -> list[slice]:
    """The rows 0 .. count - 1 in blocks that are worked on one after the other."""
    return [slice(start, min(start + _BLOCK, count)) for start in range(0, count, _BLOCK)]


def _heights(box: BrainBox, depth: int, spacing: float) -> NDArray[np.float64]:
    if box.kind == "picture":
        return np.full(depth, 0.5)
    below = np.arange(depth, dtype=np.float64) * spacing - box.bottom
    return np.asarray(below / (box.top - box.bottom))


def _shown(measured: Measured) -> NDArray[np.bool_]:
    """Near-empty slices are told as ingest tells them, but among all slices."""
    intensity = measured.intensities[0]
    shares = [
        (planes_of(measured.ready, 0, intensity, rows) > intensity.threshold).mean(axis=(1, 2))
        for rows in blocks(measured.ready.data[0].shape[2])
    ]
    return worthwhile(np.concatenate(shares))


def _kept(measured: Measured) -> NDArray[np.bool_] | None:
    """The mask of a brain: ours, or what others left of a skull-stripped scan."""
    ready = measured.ready
    if ready.kept is not None or ready.box.kind != "brain":
        return ready.kept
    blanks = [intensity.blank for intensity in measured.intensities]
    x, y, z = ready.data[0].shape
    seen = np.zeros((x, y, z), np.bool_)
    for data, blank in zip(ready.data, blanks, strict=True):
        if blank is None:
            return None
        seen |= data != np.float32(blank)
    for k in range(z):
        seen[:, :, k] = ndimage.binary_fill_holes(seen[:, :, k])
    return seen
