"""How near a translation is to the truth: errors and similarity of one patient's slices.

Every image is compared as it is, in unit intensities (0..1 as prepared, once, the same for truth,
model and baselines) with the fixed data range 1.0, in float64. Nothing is scaled, clipped or
rounded to 8 bits here: a range taken from an image, or from a method's output, would change the
score of one and the same error (Dohmen et al. 2024, "Five pitfalls when assessing synthetic medical
images with reference metrics"; a test each in tests/evidence/paired/test_pitfalls.py).

Means are taken inside a mask, since an empty background is easy and dilutes every error; without a
mask they are taken over the whole field. A patient's voxels are pooled for the voxel errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popgan.evidence.paired.regions import brain_mask
from popgan.evidence.paired.results import MetricName, Region
from popgan.evidence.paired.structure import RANGE, structure

__all__ = [
    "brain_mask",
    "mae",
    "measure",
    "ms_ssim",
    "mse",
    "nrmse",
    "psnr",
    "roughness",
    "sharpness",
    "ssim",
]

Images = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

BEST_PSNR = 100.0
"""dB, given to a perfect copy, whose PSNR is infinite."""


def mse(truth: Images, image: Images, mask: Mask | None = None) -> float | None:
    """Mean squared error over all voxels of the mask, of all slices.

    Args:
        truth, image: n x H x W, unit intensities.
        mask: n x H x W; None is the whole field.

    Returns:
        None if the mask is empty, as with all metrics.
    """
    error = _errors(truth, image, mask)
    return float(np.mean(error**2)) if error.size else None


def mae(truth: Images, image: Images, mask: Mask | None = None) -> float | None:
    """Mean absolute error over all voxels of the mask; see `mse`."""
    error = _errors(truth, image, mask)
    return float(np.mean(np.abs(error))) if error.size else None


def nrmse(truth: Images, image: Images, mask: Mask | None = None) -> float | None:
    """Root mean squared error over the root mean square of the truth in the same mask.

    The divisor is the truth's alone, so it is the same for all methods. None for a truth of zeros.
    """
    error = mse(truth, image, mask)
    power = mse(truth, np.zeros_like(truth), mask)
    return math.sqrt(error / power) if error is not None and power else None


def psnr(truth: Images, image: Images, mask: Mask | None = None) -> float | None:
    """Peak signal-to-noise ratio in dB: of the patient's pooled squared error, not a mean of dB.

    A mean over slices of -10 log10(MSE) lets slices that are nearly empty, whose errors are tiny,
    outweigh those that show the brain, and without bound. At most `BEST_PSNR`.
    """
    error = mse(truth, image, mask)
    if error is None:
        return None
    return 10 * math.log10(RANGE**2 / max(error, RANGE**2 * 10 ** (-BEST_PSNR / 10)))


def ssim(truth: Images, image: Images, mask: Mask | None = None) -> float | None:
    """Structural similarity (Wang et al. 2004): mean over slices of its mean in the mask.

    The map is made of the whole slice and then averaged where the mask is, so that a mask's edge is
    no edge in the image. Slices with an empty mask do not count. See `structure`.
    """
    return _mean(structure(truth, image, [mask], scales=1)[0].ssim)


def ms_ssim(truth: Images, image: Images, mask: Mask | None = None) -> float | None:
    """Multi-scale structural similarity (Wang et al. 2003): mean over slices; see `structure`."""
    return _mean(structure(truth, image, [mask])[0].ms_ssim)


def roughness(truth: Images, image: Images, mask: Mask | None = None) -> float | None:
    """Change from slice to slice, as a multiple of the truth's.

    The mean absolute difference of neighbouring slices, over voxels that the mask holds in both,
    of the image over that of the truth: 1 is as smooth through the plane as the truth, above 1
    slices jump, below 1 they are smoothed.

    Args:
        truth, image: n x H x W, slices in their order.
        mask: n x H x W; None is the whole field.
    """
    return _ratio(truth, image, mask, (0,))


def sharpness(truth: Images, image: Images, mask: Mask | None = None) -> float | None:
    """Change from pixel to pixel within slices, as a multiple of the truth's; below 1 is blurred.

    PSNR and SSIM favour a blurred image over a sharp one that is a little off; they belong beside
    this number. Noise of the truth counts as its sharpness, so a denoised image is below 1 too.
    """
    return _ratio(truth, image, mask, (1, 2))


def measure(
    truth: Images,
    image: Images,
    masks: Mapping[Region, Mask | None],
    metrics: Mapping[Region, Sequence[MetricName]],
) -> dict[tuple[MetricName, Region], float | None]:
    """Some metrics of one patient in some regions.

    Args:
        truth, image: n x H x W, unit intensities, slices in their order.
        masks: mask of each region; None is the whole field.
        metrics: which to measure in each region.

    Raises:
        ValueError: shapes differ, a value is not finite, or they are whole numbers (grey levels).
    """
    if truth.shape != image.shape:
        raise ValueError(f"shapes differ: {truth.shape} and {image.shape}")
    if not (np.issubdtype(truth.dtype, np.floating) and np.issubdtype(image.dtype, np.floating)):
        raise ValueError(f"intensities must be floats, not {truth.dtype} and {image.dtype}")
    if not (np.isfinite(truth).all() and np.isfinite(image).all()):
        raise ValueError("a value is not finite")
    alike = dict(zip(masks, structure(truth, image, list(masks.values())), strict=True))
    found: dict[tuple[MetricName, Region], float | None] = {}
    for region, mask in masks.items():
        for name in metrics[region]:
            if name in ("ssim", "ms_ssim"):
                found[name, region] = _mean(getattr(alike[region], name))
            else:
                found[name, region] = _VOXELS[name](truth, image, mask)
    return found


_VOXELS: dict[MetricName, Callable[[Images, Images, Mask | None], float | None]] = {
    "mse": mse,
    "mae": mae,
    "nrmse": nrmse,
    "psnr": psnr,
    "roughness": roughness,
    "sharpness": sharpness,
}


def _errors(truth: Images, image: Images, mask: Mask | None) -> Floats:
    """Errors of all voxels of the mask, flat."""
    if mask is None:
        return (image.astype(np.float64) - truth).ravel()
    return np.asarray(image[mask].astype(np.float64) - truth[mask])


def _ratio(truth: Images, image: Images, mask: Mask | None, axes: Sequence[int]) -> float | None:
    """Mean absolute step along some axes, of the image over the truth; None if there is none."""
    steps = np.zeros(2)
    for axis in axes:
        here, there = (
            tuple(part if other == axis else slice(None) for other in range(3))
            for part in (slice(None, -1), slice(1, None))
        )
        both = slice(None) if mask is None else mask[here] & mask[there]
        for i, stack in enumerate((image, truth)):
            steps[i] += np.abs(stack[there].astype(np.float64) - stack[here])[both].sum()
    return float(steps[0] / steps[1]) if steps[1] > 0 else None


def _mean(values: Floats) -> float | None:
    """Mean of the slices that count."""
    there = values[np.isfinite(values)]
    return float(there.mean()) if there.size else None
