"""The radial power spectrum: a cheap and sharp detector of blur and of upsampling artefacts.

Generators that enlarge by convolution leave too little or too much power at high frequencies
(Durall et al. 2020); the eye overlooks it at 64 x 64, the spectrum does not.
"""

from __future__ import annotations

import numpy as np

from popgan.evidence.statistics import Replicates

_BLOCK = 256


def frequencies(height: int, width: int) -> np.ndarray:
    """Centres of the rings, cycles per pixel, from 0 to the corner of the spectrum (about 0.71)."""
    return np.arange(_rings(height, width).max() + 1) / min(height, width)


def _rings(height: int, width: int) -> np.ndarray:
    """H x W number of the ring of each Fourier coefficient.

    The corners beyond 0.5 cycles per pixel are kept: checkerboards live there.
    """
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    return np.rint(radius * min(height, width)).astype(np.int64)


def radial_spectra(images: np.ndarray) -> np.ndarray:
    """Log power spectrum of each image, averaged over rings, mean over contrasts.

    Power is |FFT / (H W)|^2 of intensities in [0, 1]; its mean over a ring is given in decibels
    (10 log10), never below the rounding noise of an 8-bit image of that size (-95 dB at 64 x 64):
    a difference that such an image cannot hold is none. No window is applied: heads end in
    background at the edges.

    Args:
        images: N x C x H x W in [-1, 1].

    Returns:
        N x R, dB, float64; ring r is at `frequencies(H, W)[r]`.
    """
    count, (height, width) = len(images), images.shape[2:]
    ring = _rings(height, width).ravel()
    size = np.bincount(ring)
    order = np.argsort(ring, kind="stable")
    starts = np.concatenate([[0], np.cumsum(size)[:-1]])
    rounding = 1 / (12 * 255**2 * height * width)
    result = np.empty((count, len(size)))
    for start in range(0, count, _BLOCK):
        block = (np.asarray(images[start : start + _BLOCK], np.float64) + 1) / 2
        power = np.abs(np.fft.fft2(block) / (height * width)) ** 2
        sums = np.add.reduceat(power.reshape(*block.shape[:2], -1)[..., order], starts, axis=-1)
        decibel = 10 * np.log10(np.maximum(sums / size, rounding))
        result[start : start + _BLOCK] = decibel.mean(1)
    return result


def spectrum_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Root mean square difference of two mean spectra over all rings but the first, in dB.

    Ring 0, the mean brightness, is left out. Positive by construction even for two samples of one
    distribution, hence to be read beside a real-against-real value of the same sizes.

    Args:
        first, second: N x R and M x R spectra of images, dB.
    """
    return _rms(first.mean(0) - second.mean(0))


def distance_with_replicates(
    first: np.ndarray, first_groups: np.ndarray, second: np.ndarray, second_groups: np.ndarray
) -> tuple[float, Replicates, Replicates]:
    """The distance, and the distance without each group of either sample."""
    mean_first, without_first = _means(first, first_groups)
    mean_second, without_second = _means(second, second_groups)
    left = np.array([_rms(row - mean_second) for row in without_first])
    right = np.array([_rms(mean_first - row) for row in without_second])
    return (
        _rms(mean_first - mean_second),
        Replicates(left, np.bincount(first_groups)),
        Replicates(right, np.bincount(second_groups)),
    )


def _means(spectra: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sizes = np.bincount(groups)
    sums = np.zeros((len(sizes), spectra.shape[1]))
    np.add.at(sums, groups, spectra)
    rest = (len(spectra) - sizes)[:, None]
    return spectra.mean(0), (sums.sum(0) - sums) / rest


def _rms(difference: np.ndarray) -> float:
    return float(np.sqrt(np.mean(difference[1:] ** 2)))
