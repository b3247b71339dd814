"""The MNI template: what heads are aligned to, and what is kept of one that nobody can outline.

The T1-weighted template (ICBM152 2009a, brain only, 1 mm) is read from the installed package
nilearn, which is found without importing it.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_FILE = "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
_AROUND = 15.0  # mm kept around the brain, where no face is
# In front of such a y and below such a z (mm) so much (mm) is kept: towards the cheeks, the root of
# the nose, the eyes.
_FACE = ((0.0, -10.0, 8.0), (24.0, 2.0, 4.0), (40.0, 2.0, 2.0))
_NEAR = 5.0  # mm of margin below which what surrounds the brain is a face
_NECK = -30.0  # mm; below this z there is more than skull and scalp around a brain
# Layers around the brain: from so many mm on, and how bright. Mutual information asks only that
# they differ; in every common contrast bone and air are dark and the scalp is bright.
_LAYERS = ((0.0, 45.0), (3.0, 12.0), (9.0, 200.0), (15.5, 0.0))
_LAST = 30.0  # mm, end of the air that is looked at
_RIM = 8.0  # mm


class NoAtlasError(Exception):
    """The template is not installed."""


@dataclass(frozen=True)
class Atlas:
    """The template.

    Attributes:
        values: float32 X x Y x Z, brain only, 0 around it.
        affine: voxel indices to MNI millimetres, 4 x 4.
        brain: its mask.
        keep: the brain with a margin that holds no eye, nose or mouth.
        head: `values` within the brain, and around it what lies there in people: fluid, bone, scalp
            and air, as layers of one thickness.
        skull: where those layers are true: not at the face, the base of the skull and the neck.
        near: the brain and a rim, for comparing with brains that have been extracted.
    """

    values: NDArray[np.float32]
    affine: NDArray[np.float64]
    brain: NDArray[np.bool_]
    keep: NDArray[np.bool_]
    head: NDArray[np.float32]
    skull: NDArray[np.bool_]
    near: NDArray[np.bool_]

    def box(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lowest and highest corner of the brain, mm."""
        low, high = [], []
        for axis in range(3):
            other = tuple(a for a in range(3) if a != axis)
            line = np.flatnonzero(self.brain.any(axis=other))
            low.append(line[0] - 0.5)
            high.append(line[-1] + 0.5)
        ends = self.affine @ np.array([[*low, 1], [*high, 1]]).T
        return ends[:3, 0], ends[:3, 1]


@lru_cache(maxsize=1)
def load_atlas() -> Atlas:
    """The template, read once a process (about half a second).

    Raises:
        NoAtlasError: nilearn is not installed.
    """
    spec = importlib.util.find_spec("nilearn")
    if spec is None or not spec.submodule_search_locations:
        raise NoAtlasError("nilearn, in which the MNI template lies, is not installed")
    path = Path(next(iter(spec.submodule_search_locations))) / "datasets" / "data" / _FILE
    try:
        image: Any = nib.load(path)
        values = np.asanyarray(image.dataobj).astype(np.float32)
    except OSError as error:
        raise NoAtlasError("the MNI template of nilearn cannot be read") from error
    brain = ndimage.binary_fill_holes(values > 0)
    affine = np.asarray(image.affine, dtype=np.float64)
    return _surrounded(values, affine, brain)


def _surrounded(
    values: NDArray[np.float32], affine: NDArray[np.float64], brain: NDArray[np.bool_]
) -> Atlas:
    """The template with what lies around the brain, by the distance from it."""
    # Every other voxel settles distances, at an eighth of the memory.
    coarse = 2 * ndimage.distance_transform_edt(~brain[::2, ::2, ::2]).astype(np.float32)
    fine = ndimage.affine_transform(coarse, np.full(3, 0.5), output_shape=brain.shape, order=1)
    far = np.where(brain, 0, fine)
    y = affine[1, 3] + affine[1, 1] * np.arange(brain.shape[1])
    z = affine[2, 3] + affine[2, 2] * np.arange(brain.shape[2])
    margin = np.full((len(y), len(z)), _AROUND)
    for front, below, least in _FACE:
        margin[(y[:, None] > front) & (z[None, :] < below)] = least
    keep = brain | (far <= margin[None])
    head = values.copy()
    for start, bright in _LAYERS:
        head[(far > start) & ~brain] = bright
    layered = ((margin > _NEAR) & (z[None, :] > _NECK))[None] & (far < _LAST)
    return Atlas(values, affine, brain, keep, head, brain | layered, far < _RIM)
