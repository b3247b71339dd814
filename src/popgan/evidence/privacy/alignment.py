"""The training image that a query resembles most, allowing for small shifts and mirroring.

All pairs are compared on a grid of 16 pixels with shifts of up to one of its pixels, as products of
matrices; the few best are compared again at full size by cross-correlation in the Fourier domain.
Pearson's correlation does not change with gain and offset. Shifts are circular: the border of a
prepared slice is background, so nothing enters on the other side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from popgan.evidence.fidelity.msssim import ms_ssim
from popgan.evidence.fidelity.nearest import standardised

Floats = NDArray[np.float32]

CANDIDATES = 8
_COARSE = 16
_ELEMENTS = 2**23  # of the matrix of similarities that is held at once
_BLOCK = 128
_SSIM = 2  # candidates whose SSIM is taken


@dataclass(frozen=True)
class Match:
    """The most similar bank image of each of N queries.

    Attributes:
        index: N, by correlation. correlation: N.
        ssim_index: N, by SSIM among the best by correlation. ssim: N, in [0, 1].
    """

    index: NDArray[np.intp]
    correlation: NDArray[np.float64]
    ssim_index: NDArray[np.intp]
    ssim: NDArray[np.float64]


def best_matches(query: Floats, bank: Floats, *, candidates: int = CANDIDATES) -> Match:
    """Search a bank for the image that each query resembles most, shifted or mirrored.

    Shifts of up to a sixteenth of the image are tried. Memory does not grow with the number of
    queries beyond the results.

    Args:
        query: N x C x H x W, bank: M x C x H x W, both in [-1, 1].
        candidates: of each query, compared at full size.
    """
    bank = np.ascontiguousarray(bank, np.float32)
    coarse_bank = _coarse(bank)
    keep = min(candidates, 2 * len(bank))
    step = max(1, min(_BLOCK, _ELEMENTS // (2 * len(bank))))
    parts = []
    for start in range(0, len(query), step):
        block = np.ascontiguousarray(query[start : start + step], np.float32)
        best = _coarse_candidates(block, coarse_bank, keep)
        parts.append(_refined(block, bank, best))
    joined = [np.concatenate([part[i] for part in parts]) for i in range(4)]
    return Match(joined[0], joined[1], joined[2], joined[3])


def peaks(query: Floats, other: Floats) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Highest correlation of each pair over small shifts, and the shift of `other` that gives it.

    Args:
        query, other: P x C x H x W.

    Returns:
        P correlations, and P x 2 shifts (rows, columns) in pixels.
    """
    from scipy.fft import irfft2, rfft2

    height, width = query.shape[-2:]
    a = standardised(query).reshape(query.shape)
    b = standardised(other).reshape(other.shape)
    product = (rfft2(a) * np.conj(rfft2(b))).sum(1)
    surface = irfft2(product, s=(height, width))
    rows, columns = (np.arange(-_reach(n), _reach(n) + 1) for n in (height, width))
    window = surface[:, rows[:, None], columns[None, :]].reshape(len(query), -1)
    at = window.argmax(1)
    value = window[np.arange(len(at)), at].astype(np.float64)
    shift = np.stack([rows[at // len(columns)], columns[at % len(columns)]], 1)
    # Rounding in the Fourier domain would hide how near a copy is.
    moved = rolled(b, shift).reshape(len(b), -1).astype(np.float64)
    fine = np.einsum("ij,ij->i", a.reshape(len(a), -1).astype(np.float64), moved)
    return np.clip(np.where(value > 0, fine, value), -1, 1), shift


def rolled(images: Floats, shift: NDArray[np.intp]) -> Floats:
    """Each image shifted circularly by its own (rows, columns)."""
    height, width = images.shape[-2:]
    rows = (np.arange(height)[None] - shift[:, :1]) % height
    columns = (np.arange(width)[None] - shift[:, 1:]) % width
    n, c = np.arange(len(images))[:, None, None, None], np.arange(images.shape[1])
    picked = images[n, c[None, :, None, None], rows[:, None, :, None], columns[:, None, None, :]]
    return np.asarray(picked)


def _reach(size: int) -> int:
    return max(1, size // _COARSE)


def _coarse(images: Floats) -> Floats:
    """Images on a grid of at most 16 x 16, N x C x h x w, standardised."""
    small = F.adaptive_avg_pool2d(
        torch.from_numpy(images), tuple(min(_COARSE, n) for n in images.shape[-2:])
    )
    pooled = small.numpy()
    return standardised(pooled).reshape(pooled.shape)


def _coarse_candidates(query: Floats, bank: Floats, keep: int) -> NDArray[np.intp]:
    """Of each query the best bank images: N x keep; mirrored ones are counted from M on.

    Queries are shifted at full size in steps of half a pixel of the grid. Whole ones are too far
    apart: other slices of the patient, which lie right, then crowd out the one that was copied.
    """
    flat = bank.reshape(len(bank), -1).T
    best = np.full((len(query), 2 * len(bank)), -np.inf, np.float32)
    downs, rights = (_offsets(n) for n in query.shape[-2:])
    for mirror in (0, 1):
        own = best[:, mirror * len(bank) : (mirror + 1) * len(bank)]
        turned = query[..., ::-1] if mirror else query
        for down in downs:
            for right in rights:
                moved = _coarse(np.roll(turned, (down, right), (-2, -1)))
                np.maximum(own, moved.reshape(len(query), -1) @ flat, out=own)
    if keep == best.shape[1]:
        return np.broadcast_to(np.arange(keep), best.shape)
    return np.argpartition(best, -keep, axis=1)[:, -keep:]


def _offsets(size: int) -> list[int]:
    """Shifts in pixels that are tried on the grid."""
    reach = _reach(size)
    return sorted({round(part * reach / 2) for part in range(-2, 3)})


def _refined(
    block: Floats, bank: Floats, best: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]:
    """Compare candidates at full size: indices and values by correlation, and by SSIM."""
    count, keep = best.shape
    index, mirror = best % len(bank), best >= len(bank)
    values = np.empty((count, keep))
    shifts = np.empty((count, keep, 2), np.intp)
    for c in range(keep):
        other = _turned(bank[index[:, c]], mirror[:, c])
        values[:, c], shifts[:, c] = peaks(block, other)
    order = np.argsort(-values, axis=1, kind="stable")[:, :_SSIM]
    rows = np.arange(count)
    likeness = np.empty(order.shape)
    for k in range(order.shape[1]):
        at = order[:, k]
        other = rolled(_turned(bank[index[rows, at]], mirror[rows, at]), shifts[rows, at])
        with torch.no_grad():
            found = ms_ssim(torch.from_numpy(block), torch.from_numpy(other), scales=1)
        likeness[:, k] = found.double().numpy()
    top, alike = order[:, 0], likeness.argmax(1)
    by_ssim = index[rows, order[rows, alike]]
    return index[rows, top], values[rows, top], by_ssim, np.clip(likeness[rows, alike], 0, 1)


def _turned(images: Floats, mirror: NDArray[np.bool_]) -> Floats:
    return np.where(mirror[:, None, None, None], images[..., ::-1], images)
