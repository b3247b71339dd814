"""Do two contrasts of a visit lie on one another? By normalised mutual information, in the plane.

A translator that is trained on pairs which are shifted against each other learns to blur, and the
metrics of a perfect translation are those of a poor one. The normalised mutual information of
Studholme et al. 1999, (H(A) + H(B)) / H(A, B), is high where one contrast foretells the other,
whatever their shades. It is compared as the pair stands with every shift of up to 12 % of the side
and turns of up to 12 degrees.

The margin of what counts as a gain was chosen on 49 patients whose T1w, T1wCE and FLAIR are
registered, at 64 and 128 pixels: no pair of theirs gained more than 0.008 by being moved, and every
one of those that were shifted by 5 % of the side gained 0.06 or more by moving back; turned by 10
degrees, 0.026 or more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from popgan.evidence.paired.regions import ABOVE_AIR

Images = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

MARGIN = 0.015
"""Gain of normalised mutual information from which on a pair counts as moved."""
PIXELS = 2.0
"""Move from which on it counts, in pixels of a side of 128."""
OTHERS = 4
"""Other visits from which on a pair is compared with mismatched ones."""
_REACH = 0.12  # of the side
_ANGLES = (-10.0, -5.0, 0.0, 5.0, 10.0)
_FINER = 2.5  # degrees, in the second look
_COARSE, _FINE = 32, 64  # pixels of the first and the second look, about
_SLICES = 8
_BINS = 8
_ARM = 0.3  # of the side: how far from the centre a turn is measured in pixels


@dataclass(frozen=True)
class Registration:
    """How one contrast lies on another.

    Attributes:
        shift: rows and columns, in pixels, by which the second is moved against the first.
        angle: degrees by which it is turned, counter-clockwise as shown with row 0 above.
        gain: how much more they foretell each other when that is undone.
        alike: normalised mutual information as they stand, 1 (nothing) to 2 (everything).
        verdict: "moved"; "unrelated": another visit's is at least as like; else "registered".
    """

    shift: tuple[float, float]
    angle: float
    gain: float
    alike: float
    verdict: Literal["registered", "moved", "unrelated"]

    def words(self, first: str, second: str) -> str:
        """The finding in one clause, such as "T1w and FLAIR are shifted by 6 pixels"."""
        pair = f"{first} and {second}"
        if self.verdict == "registered":
            return f"{pair} lie on one another"
        if self.verdict == "unrelated":
            return f"{pair} do not show the same head"
        moves = []
        if math.hypot(*self.shift) >= 0.5:
            moves.append(f"shifted by {math.hypot(*self.shift):.0f} pixels")
        if self.angle:
            moves.append(f"turned by {abs(self.angle):.0f} degrees")
        return f"{pair} are {' and '.join(moves)} against each other"


def check_pair(first: Images, second: Images, *, others: Sequence[Images] = ()) -> Registration:
    """Compare two contrasts of a visit. A pair without tissue to compare is called registered.

    Args:
        first, second: n x H x W, unit intensities, the same slices of both.
        others: the second contrast of other visits, each m x H x W, from the bottom up. Four or
            more of them are needed to find a pair of two different heads; with seven nine in ten
            such pairs are refused (as unrelated, or as moved, since moving makes them more alike).
    """
    first, second = _with_tissue(first, second)
    if not len(first):
        return Registration((0.0, 0.0), 0.0, 0.0, 1.0, "registered")
    best, as_it_is = _search(first, second, _COARSE, _ANGLES)
    if best.moved:
        near = sorted({0.0, best.angle - _FINER, best.angle, best.angle + _FINER})
        best, as_it_is = _search(first, second, _FINE, near)
    gain = best.alike - as_it_is
    verdict: Literal["registered", "moved", "unrelated"] = "registered"
    if len(others) >= OTHERS and _mismatched(first, second, gain, others):
        verdict = "unrelated"
    elif gain > MARGIN and best.pixels >= PIXELS:
        verdict = "moved"
    shift = (best.rows * best.factor, best.columns * best.factor)
    return Registration(shift, best.angle, gain, as_it_is, verdict)


@dataclass(frozen=True)
class _Place:
    """Where two stacks foretell each other most, in pixels of reduced pictures."""

    alike: float
    angle: float
    rows: float
    columns: float
    side: int
    factor: int

    @property
    def moved(self) -> bool:
        return bool(self.angle or self.rows or self.columns)

    @property
    def pixels(self) -> float:
        """The move in pixels of a side of 128; of a turn, at some way from the centre."""
        turn = math.radians(abs(self.angle)) * _ARM * 128
        return math.hypot(self.rows, self.columns) * 128 / self.side + turn


def _mismatched(first: Images, second: Images, gain: float, others: Sequence[Images]) -> bool:
    """Whether another visit foretells the first as well as the second does where it fits best."""
    own = _as_it_is(first, second) + gain
    return own <= max(_as_it_is(first, other) for other in others)


def _search(
    first: Images, second: Images, side: int, angles: Sequence[float]
) -> tuple[_Place, float]:
    """The best of all shifts and some turns of the first, and the pair as it is."""
    a, b = _reduced(first, side), _reduced(second, side)
    reach = math.ceil(_REACH * max(a.shape[1:]))
    size = [fft.next_fast_len(extent + reach, real=True) for extent in a.shape[1:]]
    target = _spectra(_binned(b), size)
    best, as_it_is = None, 0.0
    for angle in angles:
        turned = ndimage.rotate(a, angle, axes=(1, 2), reshape=False, order=1) if angle else a
        surface = _surface(_spectra(_binned(turned), size), target, size, reach)
        row, column = np.unravel_index(surface.argmax(), surface.shape)
        if angle == 0:
            as_it_is = float(surface[reach, reach])
        if best is None or surface[row, column] > best.alike:
            best = _Place(
                float(surface[row, column]),
                angle,
                float(row - reach),
                float(column - reach),
                max(a.shape[1:]),
                _factor(first, side),
            )
    assert best is not None
    return best, as_it_is


def _spectra(codes: Codes, size: Sequence[int]) -> NDArray[np.complex64]:
    """Fourier transforms of where each grey is: frequencies x bins x slices."""
    where = (codes == np.arange(_BINS)[:, None, None, None]).astype(np.float32)
    found = fft.rfft2(where, size)
    return np.ascontiguousarray(found.reshape(_BINS, len(codes), -1).transpose(2, 0, 1))


def _surface(
    a: NDArray[np.complex64], b: NDArray[np.complex64], size: Sequence[int], reach: int
) -> Floats:
    """Normalised mutual information for every shift up to `reach`.

    Counting the pairs of greys for a shift is a correlation of two maps of where they are, so all
    shifts at once are a product of their spectra.
    """
    product = (a.conj() @ b.transpose(0, 2, 1)).reshape(size[0], -1, _BINS, _BINS)
    counts = fft.irfft2(product, size, axes=(0, 1))
    places = np.arange(-reach, reach + 1)
    counts = np.maximum(counts[places % size[0]][:, places % size[1]], 0).astype(np.float64)
    shares = counts / counts.sum(axis=(2, 3), keepdims=True)
    apart = _entropy(shares.sum(axis=3), 2) + _entropy(shares.sum(axis=2), 2)
    return np.asarray(apart / np.maximum(_entropy(shares, (2, 3)), 1e-12))


def _entropy(shares: Floats, axes: int | tuple[int, int]) -> Floats:
    return np.asarray(-(shares * np.log(np.maximum(shares, 1e-12))).sum(axis=axes))


def _as_it_is(first: Images, other: Images) -> float:
    """Normalised mutual information of two visits, slice by slice at the same part of the way."""
    rows = np.linspace(0, len(other) - 1, len(first)).round().astype(int)
    a, b = (_binned(_reduced(stack, _FINE)) for stack in (first, other[rows]))
    counts = np.bincount((a * _BINS + b).ravel(), minlength=_BINS**2).reshape(_BINS, _BINS)
    shares = counts / counts.sum()
    both = float(_entropy(shares, (0, 1)))
    apart = float(_entropy(shares.sum(axis=1), 0) + _entropy(shares.sum(axis=0), 0))
    return apart / both if both > 0 else 1.0


def _with_tissue(first: Images, second: Images) -> tuple[Images, Images]:
    """Some slices from bottom to top that show tissue in both."""
    shares = [(stack > ABOVE_AIR).mean(axis=(1, 2)) for stack in (first, second)]
    there = np.flatnonzero((shares[0] > 0.02) & (shares[1] > 0.02))
    rows = there[np.linspace(0, len(there) - 1, min(_SLICES, len(there))).round().astype(int)]
    return first[rows], second[rows]


def _factor(stack: Images, side: int) -> int:
    return max(1, round(int(max(stack.shape[1:])) / side))


def _reduced(stack: Images, side: int) -> Floats:
    """Slices of about so many pixels, by means of blocks."""
    factor = _factor(stack, side)
    n, height, width = (len(stack), *(size // factor for size in stack.shape[1:]))
    even = stack[:, : height * factor, : width * factor].astype(np.float64)
    return np.asarray(even.reshape(n, height, factor, width, factor).mean(axis=(2, 4)))


def _binned(stack: Floats) -> Codes:
    """Air is 0; tissue goes into bins that hold the same share of it."""
    tissue = stack > ABOVE_AIR
    codes = np.zeros(stack.shape, np.int64)
    if tissue.any():
        ends = np.quantile(stack[tissue], np.linspace(0, 1, _BINS)[1:-1])
        codes[tissue] = 1 + np.searchsorted(ends, stack[tissue])
    return codes
