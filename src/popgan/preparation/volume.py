"""A scan on its way through preparation: turned to RAS, with what its kind was told from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from popgan.preparation.intensity import Intensity
from popgan.preparation.orientation import spacing_of
from popgan.preparation.resample import onto_grid
from popgan.preparation.slices import BrainBox


@dataclass(frozen=True)
class Volume:
    """One scan of a visit.

    Attributes:
        contrast: its name.
        data: float32 X x Y x Z, RAS, original values.
        affine: voxel indices to the world of the visit's first scan, mm, 4 x 4.
        intensity: what its foreground was told by.
        box: where its brain seems to be, and what kind of volume it is.
    """

    contrast: str
    data: NDArray[np.float32]
    affine: NDArray[np.float64]
    intensity: Intensity
    box: BrainBox

    @property
    def spacing(self) -> NDArray[np.float64]:
        """Voxel size, mm."""
        return spacing_of(self.affine)

    def foreground(self) -> NDArray[np.bool_]:
        """What is brighter than air, at full resolution, with its dark places filled."""
        level = self.intensity.offset + self.intensity.threshold * self.intensity.scale
        bright = self.data > np.float32(level)
        if self.intensity.blank is not None:
            bright &= self.data != np.float32(self.intensity.blank)
        for k in range(bright.shape[2]):
            bright[:, :, k] = ndimage.binary_fill_holes(bright[:, :, k])
        return bright


def mask_onto(
    mask: NDArray[np.bool_],
    affine: NDArray[np.float64],
    shape: tuple[int, ...],
    target: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """A mask on another grid: where at least half of it would be."""
    return onto_grid(mask.astype(np.float32), affine, shape, target) > 0.5
