"""What a scanner makes of a head: signal, bias field, Rician noise, whole numbers."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from popgan.phantom.parameters import SubjectParameters
from popgan.phantom.signal import SEQUENCES
from popgan.phantom.tissue import ORDER, tissue
from popgan.phantom.warp import random_field
from popgan.seeds import numpy_rng

WHITE = 600.0
"""Stored value of noise-free white matter before the bias field."""
_BIAS_GRID, _BIAS_SMOOTH = (8, 9, 8), 1.4


def scan(
    fractions: torch.Tensor, parameters: SubjectParameters, contrast: str, *, field: float = 3.0
) -> NDArray[np.int16]:
    """Scan a head.

    Args:
        fractions: len(ORDER) x X x Y x Z, from `anatomy.head`.
        parameters: the subject's relaxation factors, bias field and noise.
        contrast: a key of `signal.SEQUENCES`.
        field: tesla.

    Returns:
        int16, X x Y x Z; white matter is near `WHITE`.
    """
    signals = [
        SEQUENCES[contrast](tissue(name, field=field).scaled(t1, t2))
        for name, t1, t2 in zip(ORDER, parameters.t1, parameters.t2, strict=True)
    ]
    ideal = torch.tensordot(torch.tensor(signals), fractions, dims=1).abs()
    # Gain is set on this subject's own white matter, as a scanner's prescan does.
    clean = ideal.numpy() * np.float32(WHITE / abs(signals[0]))
    clean *= bias_field(parameters, (clean.shape[0], clean.shape[1], clean.shape[2]))
    rng = numpy_rng(parameters.seed, f"phantom noise {contrast}", parameters.index)
    noisy = rician(clean, sigma=parameters.noise / 100 * WHITE, rng=rng)
    return np.clip(np.round(noisy), 0, 32767).astype(np.int16)


def bias_field(parameters: SubjectParameters, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Smooth gain of the receive coil: exp of a Gaussian field, median about 1."""
    rng = numpy_rng(parameters.seed, "phantom bias", parameters.index)
    coarse = random_field(rng, _BIAS_GRID, smoothness=_BIAS_SMOOTH, channels=1)
    fine = torch.nn.functional.interpolate(
        torch.from_numpy(coarse)[None], size=shape, mode="trilinear", align_corners=True
    )
    return torch.exp(parameters.bias * fine)[0, 0].numpy()


def rician(
    clean: NDArray[np.float32], *, sigma: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Magnitude of a signal with Gaussian noise in both quadratures (Gudbjartsson, MRM 34, 1995).

    Args:
        clean: noise-free magnitudes >= 0.
        sigma: standard deviation of each quadrature, >= 0.
        rng: source of the noise.
    """
    real = clean + np.float32(sigma) * rng.standard_normal(clean.shape, dtype=np.float32)
    imaginary = np.float32(sigma) * rng.standard_normal(clean.shape, dtype=np.float32)
    return np.hypot(real, imaginary)
