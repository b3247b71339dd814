"""Phantom heads as preparation sees them, made once for several test files."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from pathlib import Path

import numpy as np

from popgan.phantom.subject import Study, Subject, draw, simulate
from popgan.preparation.intensity import measure_intensity
from popgan.preparation.orientation import spacing_of, to_ras
from popgan.preparation.slices import find_brain
from popgan.preparation.volume import Volume
from popgan.scans import Scan

SPACING = 4.0


@lru_cache(maxsize=16)
def person(index: int = 0, *, bias: float = 0.0, skull: bool = True) -> Subject:
    """A phantom of 4 mm with three contrasts and a bias field of known strength."""
    study = Study(contrasts=("T1w", "T2w", "FLAIR"), spacing=SPACING, skull=skull)
    return simulate(dataclasses.replace(draw(0, index, study), bias=bias), study)


def brain_of(subject: Subject) -> np.ndarray:
    """Where the phantom's brain is."""
    from scipy import ndimage

    parts, _ = ndimage.label(subject.fraction("wm") + subject.fraction("gm") > 0.5)
    return ndimage.binary_fill_holes(parts == int(np.bincount(parts.ravel())[1:].argmax()) + 1)


def volume(data: np.ndarray, affine: np.ndarray, contrast: str = "T1w") -> Volume:
    turned, own = to_ras(data.astype(np.float32), affine)
    intensity = measure_intensity(turned)
    return Volume(contrast, turned, own, intensity, find_brain(turned, spacing_of(own), intensity))


def scan(data: np.ndarray, affine: np.ndarray, contrast: str = "T1w") -> Scan:
    own = data.astype(np.float32)
    return Scan("s", None, contrast, own, affine, Path("x"), None, contrast, True)
