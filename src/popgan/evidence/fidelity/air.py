"""The air around the head: how noisy and how bright it is, which tells made images from real ones.

Air has no signal, so what a scan shows there is the noise of its receiver: the magnitude of complex
Gaussian noise, Rayleigh distributed, of the same strength everywhere (Henkelman 1985, doi
10.1118/1.595711). Preparation may set it to exactly nothing. A generator has no receiver: it
leaves haze, checkerboards or a calm too perfect, which an eye sees with the window opened and no
network trained on photographs cares for.

Two numbers are taken from the air of an image. *Noise* is the root mean square of
(a - b - c + d) / 2 over all squares of 2 x 2 pixels: equal to the standard deviation of noise that
is independent from pixel to pixel (of a Rayleigh distribution 0.655 of the receiver's deviation),
and blind to haze, to any plane of brightness and to whatever varies along one axis only. Noise that
an interpolation has smoothed counts for less, alike in real and in synthetic images of one grid.
*Brightness* is the mean intensity; it sees haze.

Which pixels are air is learnt from real images and is the same for all sets: where hardly any real
head reaches. An image's own head is left out of it as well; something that fills most of the air is
not taken for a head, but measured.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from popgan.evidence.paired.regions import brain_mask

MARGIN = 2
"""Pixels around a head that are not air: what interpolation has smeared of it."""
RARELY = 0.01
"""Share of real images in which a pixel may be head and is still called air."""
FEWEST = 64
"""Squares of 2 x 2 pixels of air below which nothing is measured."""
_OWN = 0.5  # of the common air that an image's own head may take away
_BLOCK = 256
Mask = NDArray[np.bool_]


def common_air(real: NDArray[np.floating]) -> Mask:
    """Pixels that are air in nearly all real images.

    Args:
        real: N x C x H x W in [-1, 1].

    Returns:
        H x W.
    """
    heads = np.zeros(real.shape[2:])
    for start in range(0, len(real), _BLOCK):
        heads += _near_heads(real[start : start + _BLOCK]).sum(0)
    return heads <= RARELY * len(real)


def squares(air: Mask) -> int:
    """Number of squares of 2 x 2 pixels that lie wholly in the air, H x W."""
    return int(_squares(air[None]).sum())


def measure_air(images: NDArray[np.floating], common: Mask) -> NDArray[np.float64]:
    """Noise and brightness of the air of each image, mean over contrasts.

    Args:
        images: N x C x H x W in [-1, 1], measured as intensities in [0, 1].
        common: H x W, from `common_air`; it must hold squares of 2 x 2 pixels.

    Returns:
        N x 2.
    """
    found = np.empty((len(images), 2))
    least = (1 - _OWN) * squares(common)
    for start in range(0, len(images), _BLOCK):
        block = (np.asarray(images[start : start + _BLOCK], np.float64) + 1) / 2
        air = common & ~_near_heads(images[start : start + _BLOCK])
        few = _squares(air).sum((1, 2)) < least
        air[few] = common
        found[start : start + _BLOCK] = np.stack([_noise(block, air), _mean(block, air)], 1)
    return found


def _noise(units: NDArray[np.float64], air: Mask) -> NDArray[np.float64]:
    """Root mean square of the diagonal difference, which leaves independent noise as it is."""
    right = units[..., 1:] - units[..., :-1]
    diagonal = (right[..., 1:, :] - right[..., :-1, :]) / 2
    return np.asarray(np.sqrt(_over(diagonal**2, _squares(air))).mean(1))


def _mean(units: NDArray[np.float64], air: Mask) -> NDArray[np.float64]:
    return np.asarray(_over(units, air).mean(1))


def _over(values: NDArray[np.float64], where: Mask) -> NDArray[np.float64]:
    """Mean over the pixels of a mask, N x C."""
    count = where.sum((1, 2))[:, None]
    return np.asarray(np.einsum("nchw,nhw->nc", values, where.astype(np.float64)) / count)


def _squares(air: Mask) -> Mask:
    """N x (H-1) x (W-1): squares of 2 x 2 pixels that lie wholly in the air."""
    rows = air[:, 1:] & air[:, :-1]
    return np.asarray(rows[:, :, 1:] & rows[:, :, :-1])


def _near_heads(images: NDArray[np.floating]) -> Mask:
    """Heads and `MARGIN` pixels around them, N x H x W."""
    heads = brain_mask((np.asarray(images, np.float32) + 1) / 2)
    side = 2 * MARGIN + 1
    return np.asarray(ndimage.maximum_filter(heads, size=(1, side, side)), np.bool_)
