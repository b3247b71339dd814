"""The anatomy every phantom subject starts from: maps of white matter, grey matter and CSF.

The maps are those of the MNI ICBM152 2009a atlas that nilearn ships; they are read from the
installed package, which is found without importing it (nilearn imports slowly). Without them, a
brain of ellipsoids can be asked for.
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

from popgan.errors import UserError

_FILE = "mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz"
_BRIDGE = 12.0  # mm; the skull spans fissures narrower than twice this
_HULL = 44.0  # mm; the scalp spans what is narrower than twice this
FAR = 60.0
"""mm; the distance counted for points outside the grid of distances."""
_GRID = 2.0  # mm, grid of the distance to the brain
_PAD = 32.0  # mm around the maps, for skull, scalp and face


@dataclass(frozen=True)
class Field:
    """Arrays on a regular grid in template space.

    Attributes:
        values: float32, C x X x Y x Z.
        origin: mm, RAS+ position of voxel (0, 0, 0).
        spacing: mm, the same along all axes.
    """

    values: NDArray[np.float32]
    origin: tuple[float, float, float]
    spacing: float


@dataclass(frozen=True)
class Template:
    """The template anatomy.

    Attributes:
        name: where it comes from.
        tissues: fractions of white matter, grey matter, CSF, in [0, 1]; sum <= 1.
        distance: mm from the surface that the skull lies on, negative inside, and mm from the
            smooth hull that the scalp lies on; less `FAR`, so that the zero found outside the
            grid means far away.
        ventricles: smooth push away from the ventricles, vectors of length <= 1.
        depth: mm from the ventricles' walls, outside them.
    """

    name: str
    tissues: Field
    distance: Field
    ventricles: Field
    depth: Field


@lru_cache(maxsize=2)
def load_template(*, procedural: bool = False) -> Template:
    """The template, built once a process (about a second).

    Args:
        procedural: use the brain of ellipsoids instead of the atlas.

    Raises:
        UserError: nilearn, in which the atlas lies, is not installed.
    """
    name = "ellipsoids" if procedural else "MNI ICBM152 2009a (nilearn)"
    tissues = _ellipsoids() if procedural else _atlas()
    distance = _distance(tissues)
    fluid = _ventricle_mask(tissues)
    return Template(name, tissues, distance, _ventricles(fluid, tissues), _depth(fluid, tissues))


def _atlas_folder() -> Path | None:
    spec = importlib.util.find_spec("nilearn")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations))) / "datasets" / "data"
    kinds = ("t1", "gm", "wm")
    return folder if all((folder / _FILE.format(kind=kind)).is_file() for kind in kinds) else None


def _atlas() -> Field:
    """Fractions from the atlas: CSF is what the brain's mask holds beside grey and white."""
    folder = _atlas_folder()
    if folder is None:
        raise UserError(
            "nilearn, whose MNI maps are the phantom's anatomy, is not installed",
            do="`pip install nilearn`, or ask for a brain of ellipsoids (--anatomy ellipsoids)",
        )
    images: dict[str, Any] = {
        k: nib.load(folder / _FILE.format(kind=k)) for k in ("t1", "gm", "wm")
    }
    grey, white = (np.asanyarray(images[k].dataobj).astype(np.float32) / 255 for k in ("gm", "wm"))
    mask = (np.asanyarray(images["t1"].dataobj) > 0) | (grey + white > 0.5)
    csf = np.clip(mask - grey - white, 0, 1)
    values = np.stack([white, grey, csf])
    values /= np.maximum(values.sum(axis=0, keepdims=True), 1)
    affine = images["t1"].affine
    x, y, z = (float(value) for value in affine[:3, 3])
    return Field(values, (x, y, z), float(affine[0, 0]))


def _ellipsoids() -> Field:
    """A plain brain: folded cortex, white matter, two lateral ventricles, cerebellum, stem."""
    spacing, origin = 2.0, (-98.0, -134.0, -72.0)
    x, y, z = np.meshgrid(
        *(
            np.float32(o) + np.float32(spacing) * np.arange(n, dtype=np.float32)
            for o, n in zip(origin, (99, 117, 95), strict=True)
        ),
        indexing="ij",
    )

    def radius(
        centre: tuple[float, float, float], axes: tuple[float, float, float]
    ) -> NDArray[np.float32]:
        offsets = [(v - c) / a for v, c, a in zip((x, y, z), centre, axes, strict=True)]
        return np.sqrt(sum(o * o for o in offsets)).astype(np.float32)

    def inside(r: NDArray[np.float32], axis: float) -> NDArray[np.float32]:
        return np.clip(0.5 - (r - 1) * axis / spacing, 0, 1).astype(np.float32)

    folds = 0.045 * (np.sin(x / 4.2 + np.sin(z / 9)) * np.sin(y / 4.6) + np.sin(z / 4.4 + y / 11))
    cerebrum = radius((0, -18, 8), (68, 86, 70))
    cerebellum = radius((0, -62, -44), (46, 30, 24))
    stem = radius((0, -30, -46), (13, 12, 40))
    fissure = np.clip(1.6 - np.abs(x) / 1.5, 0, 1) * (cerebrum > 0.55) * (z > 0)
    whole = np.maximum.reduce([inside(cerebrum, 68), inside(cerebellum, 28), inside(stem, 12)])
    core = np.maximum.reduce(
        [inside(cerebrum / (0.84 + folds), 60), inside(cerebellum / 0.6, 18), inside(stem, 12)]
    )
    vents = np.zeros_like(x)
    for side in (-1, 1):
        body = radius((side * 12, -8, 18), (7, 34, 11))
        horn = radius((side * 24, -46, 6), (8, 18, 12))
        vents = np.maximum.reduce([vents, inside(body, 7), inside(horn, 8)])
    nuclei = [inside(radius((s * 19, 2, 6), (11, 20, 13)), 11) for s in (-1, 1)]
    deep = np.maximum.reduce(nuclei) * 0.8
    sulci = np.clip((folds - 0.045) * 14, 0, 0.8) * (cerebrum > 0.86)
    csf = np.maximum.reduce([vents, fissure, sulci]) * whole
    white = core * (1 - deep) * (1 - csf)
    grey = np.clip(whole - white - csf, 0, 1)
    return Field(np.stack([white, grey, csf]).astype(np.float32), origin, spacing)


def _distance(tissues: Field) -> Field:
    """Signed distances to the brain, with its fissures bridged as the skull does, and to its hull.

    The hull bridges everything that the scalp passes over: temples, the base of the skull.
    """
    step = round(_GRID / tissues.spacing)
    brain = tissues.values[:, ::step, ::step, ::step].sum(axis=0) > 0.5
    pad = round(_PAD / _GRID)
    brain = np.pad(brain, pad)
    bridged = brain | _bridged(brain, _BRIDGE)
    hull = bridged | _bridged(brain, _HULL)
    # Each is smoothed as far as what lies on it is smooth.
    values = np.stack([_signed(bridged, 1.0), _signed(hull, 3.0)]) - np.float32(FAR)
    origin = tuple(start - pad * _GRID for start in tissues.origin)
    return Field(values, (origin[0], origin[1], origin[2]), _GRID)


def _bridged(brain: NDArray[np.bool_], reach: float) -> NDArray[np.bool_]:
    """The closing of a mask by a ball, on half the grid: gaps are wider than that."""
    more = int(np.ceil(reach / _GRID / 2)) + 1
    coarse = np.pad(brain[::2, ::2, ::2], more)
    near = ndimage.distance_transform_edt(~coarse, sampling=2 * _GRID) <= reach
    closed = ndimage.distance_transform_edt(near, sampling=2 * _GRID) > reach
    closed = closed[more:-more, more:-more, more:-more]
    fine = closed.repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2)
    return np.asarray(fine[: brain.shape[0], : brain.shape[1], : brain.shape[2]])


def _signed(mask: NDArray[np.bool_], smoothness: float) -> NDArray[np.float32]:
    """Distance (mm) from a mask's surface, negative inside, smoothed over grid steps."""
    out = ndimage.distance_transform_edt(~mask, sampling=_GRID)
    into = ndimage.distance_transform_edt(mask, sampling=_GRID)
    # Each transform counts to voxel centres; half a voxel brings zero to the surface.
    signed = np.where(mask, -into + _GRID / 2, out - _GRID / 2)
    smooth: NDArray[np.float32] = ndimage.gaussian_filter(signed.astype(np.float32), smoothness)
    return smooth


def _ventricle_mask(tissues: Field) -> NDArray[np.bool_]:
    """The ventricles on the grid of distances."""
    step = round(_GRID / tissues.spacing)
    csf = tissues.values[2, ::step, ::step, ::step]
    x, y, z = np.meshgrid(
        *(
            start + _GRID * np.arange(count)
            for start, count in zip(tissues.origin, csf.shape, strict=True)
        ),
        indexing="ij",
        sparse=True,
    )
    deep = (np.abs(x) < 42) & (y > -68) & (y < 38) & (z > -18) & (z < 36)
    # The box still holds sulci of the insula and of the midline; ventricles are its largest part.
    parts, _ = ndimage.label((csf > 0.5) & deep)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.isin(parts, np.flatnonzero(sizes > 0.25 * sizes.max()))


def _ventricles(fluid: NDArray[np.bool_], tissues: Field, *, reach: float = 7.0) -> Field:
    """Unit-bounded vectors that point into the ventricles, fading over `reach` mm."""
    density = ndimage.gaussian_filter(fluid.astype(np.float32), reach / _GRID)
    slope = np.stack(np.gradient(density)).astype(np.float32)
    slope /= max(float(np.sqrt((slope**2).sum(axis=0)).max()), 1e-12)
    return Field(slope, tissues.origin, _GRID)


def _depth(fluid: NDArray[np.bool_], tissues: Field) -> Field:
    """Distance (mm) to the ventricles; everywhere the same if there are none."""
    if not fluid.any():
        return Field(np.full((1, *fluid.shape), FAR, np.float32), tissues.origin, _GRID)
    far = ndimage.distance_transform_edt(~fluid, sampling=_GRID).astype(np.float32)
    return Field(far[None], tissues.origin, _GRID)
