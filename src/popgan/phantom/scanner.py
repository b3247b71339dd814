"""What a scanner makes of a head: signal, coil, artefacts, noise, whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from popgan.phantom.artefacts import Artefacts, acquire
from popgan.phantom.lesions import Tumour
from popgan.phantom.parameters import SubjectParameters
from popgan.phantom.protocol import Protocol
from popgan.phantom.site import Site
from popgan.phantom.tissue import ALL, UPTAKE, Tissue
from popgan.phantom.warp import random_field
from popgan.seeds import numpy_rng

WHITE = 600.0
"""Stored value of noise-free white matter before the bias field."""
ENHANCED = "T1wCE"
"""The contrast that is scanned after contrast agent."""
_LEAST_WHITE = 0.1
"""White matter counts for the gain with at least this share of the brightest brain tissue."""
_BIAS_GRID, _BIAS_SMOOTH = (8, 9, 8), 1.4
_FWHM = 2.3548  # full width at half maximum of a Gaussian, standard deviations
_STANDARD, _PLAIN = Protocol(), Site()


def scan(
    fractions: torch.Tensor,
    parameters: SubjectParameters,
    contrast: str,
    *,
    protocol: Protocol = _STANDARD,
    site: Site = _PLAIN,
    artefacts: Artefacts | None = None,
    spacing: float = 2.0,
) -> NDArray[np.int16]:
    """Scan a head.

    Args:
        fractions: tissues x X x Y x Z, from `anatomy.head`.
        parameters: the subject's relaxation factors, bias field, noise and lesions.
        contrast: a key of the protocol's sequences.
        protocol: field, sequences and tissues.
        site: the scanner.
        artefacts: what spoils this scan; None for those of the protocol.
        spacing: voxel size, mm.

    Returns:
        int16, X x Y x Z; white matter is near `WHITE` at a site of gain 1,
        unless the sequence suppresses it.

    Raises:
        UserError: the protocol has no such contrast.
    """
    signals = tissue_signals(parameters, contrast, protocol=protocol, site=site)
    ideal = torch.tensordot(torch.tensor(signals[: len(fractions)]), fractions, dims=1).abs_()
    # Gain is set on this subject's own white matter, as a scanner's prescan does, and on the
    # brain's brightest tissue where a sequence suppresses white matter.
    white, brightest = abs(signals[0]), max(abs(signal) for signal in signals[:3])
    clean = ideal.numpy() * np.float32(WHITE / max(white, _LEAST_WHITE * brightest, 1e-9))
    clean *= bias_field(parameters, (clean.shape[0], clean.shape[1], clean.shape[2]), site=site)
    if site.blur > 0:
        clean = ndimage.gaussian_filter(clean, site.blur / _FWHM / spacing)
    rng = numpy_rng(parameters.seed, f"phantom k-space {contrast}", parameters.index)
    spoilt = protocol.artefacts if artefacts is None else artefacts
    image = acquire(clean, spoilt, spacing=spacing, rng=rng)
    rng = numpy_rng(parameters.seed, f"phantom noise {contrast}", parameters.index)
    noisy = rician(image, sigma=parameters.noise * site.noise / 100 * WHITE, rng=rng)
    noisy *= np.float32(site.gain)
    return np.clip(np.rint(noisy, out=noisy), 0, 32767).astype(np.int16)


def tissue_signals(
    parameters: SubjectParameters,
    contrast: str,
    *,
    protocol: Protocol = _STANDARD,
    site: Site = _PLAIN,
) -> list[float]:
    """Signed signal of each tissue of `tissue.ALL` in this subject, relative to CSF at rest."""
    sequence = site.adapted(protocol.sequence(contrast))
    found = []
    for name, t1, t2 in zip(ALL, parameters.t1, parameters.t2, strict=True):
        material = protocol.tissue(name).scaled(t1, t2)
        if contrast == ENHANCED:
            material = _enhanced(material, name, parameters, protocol.field)
        found.append(sequence.signal(material))
    return found


def _enhanced(material: Tissue, name: str, parameters: SubjectParameters, field: float) -> Tissue:
    uptake = {str(key): value for key, value in UPTAKE.items()}.get(name, 0.0)
    if name == "tumour" and isinstance(parameters.lesions, Tumour):
        uptake = parameters.lesions.uptake
    return material.with_agent(uptake, field=field)


def bias_field(
    parameters: SubjectParameters, shape: tuple[int, int, int], *, site: Site = _PLAIN
) -> NDArray[np.float32]:
    """Smooth gain of the receive coil: exp of a Gaussian field, median about 1.

    Part of it comes with the subject (who loads the coil), part with the site.
    """
    rng = numpy_rng(parameters.seed, "phantom bias", parameters.index)
    coarse = parameters.bias * random_field(rng, _BIAS_GRID, smoothness=_BIAS_SMOOTH, channels=1)
    if site.coil > 0:
        rng = numpy_rng(site.seed, "phantom coil", site.index)
        coarse = coarse + site.coil * random_field(
            rng, _BIAS_GRID, smoothness=_BIAS_SMOOTH, channels=1
        )
    fine = torch.nn.functional.interpolate(
        torch.from_numpy(coarse.astype(np.float32))[None],
        size=shape,
        mode="trilinear",
        align_corners=True,
    )
    return torch.exp(fine)[0, 0].numpy()


def rician(clean: NDArray[Any], *, sigma: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Magnitude of a signal with Gaussian noise in both quadratures (Gudbjartsson, MRM 34, 1995).

    Args:
        clean: noise-free signal, real or complex.
        sigma: standard deviation of each quadrature, >= 0.
        rng: source of the noise.
    """
    real = np.float32(sigma) * rng.standard_normal(clean.shape, dtype=np.float32)
    imaginary = np.float32(sigma) * rng.standard_normal(clean.shape, dtype=np.float32)
    real += clean.real
    if np.iscomplexobj(clean):
        imaginary += clean.imag
    return np.hypot(real, imaginary, out=real)
