"""One visit's scans to normalised slices at native resolution, with all that was measured.

The first contrast rules: its grid, its brain and its slices are taken for the others as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.preparation.intensity import Intensity, measure_intensity
from popgan.preparation.noise import noise_level
from popgan.preparation.orientation import spacing_of, to_ras
from popgan.preparation.resample import onto_grid, same_grid
from popgan.preparation.slices import BrainBox, choose_slices, find_brain, plane_extent
from popgan.scans import Scan, ScanError

_SMALLEST_HEAD = 140.0  # mm, length of a head
_EMPTY_SHARE = 0.02  # a slice with less foreground than this share of the fullest one is empty
_MIN_SHARE = 0.01  # nor may the foreground be less than this share of the picture


@dataclass(frozen=True)
class SliceChoice:
    """Which slices to take of a volume."""

    count: int = 24
    percent: tuple[float, float] = (30.0, 90.0)
    percentile: float = 99.5


@dataclass(frozen=True)
class ScanFacts:
    """What was measured on one scan; mm and original units."""

    contrast: str
    sha256: str
    kind: str
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    intensity: Intensity
    noise: float
    regridded: bool


@dataclass(frozen=True)
class Prepared:
    """The slices of one visit.

    Attributes:
        planes: float32 n x C x X x Y in [0, 1], RAS order, native in-plane resolution.
        spacing: mm between samples along x, y and z.
        heights: n, 0 bottom to 1 top of the brain.
        positions: n, position of each slice along RAS z, mm.
        centre: mm from sample (0, 0) to the middle of the head in the plane (x, y).
        extent: mm, size of the head in the plane (x, y).
        world: RAS+ position (mm) of the head's middle on the middle slice.
        dropped: near-empty slices left out.
        facts: one entry a contrast.
        spacing_known: False where 1 mm was assumed, by popgan or by the file's writer.
    """

    planes: NDArray[np.float32]
    spacing: tuple[float, float, float]
    heights: NDArray[np.float64]
    positions: NDArray[np.float64]
    centre: tuple[float, float]
    extent: tuple[float, float]
    world: tuple[float, float, float]
    dropped: int
    facts: tuple[ScanFacts, ...]
    spacing_known: bool


def prepare_visit(scans: Sequence[Scan], choice: SliceChoice) -> Prepared:
    """Prepare the scans of one visit, one a contrast, in the order of the channels.

    Raises:
        ScanError: no foreground in a scan, or no slice worth keeping.
    """
    first, affine = to_ras(scans[0].data, scans[0].affine)
    spacing = spacing_of(affine)
    volumes, facts = [], []
    box: BrainBox | None = None
    for rank, scan in enumerate(scans):
        data, own = (first, affine) if rank == 0 else to_ras(scan.data, scan.affine)
        shape, native = data.shape, spacing_of(own)
        regridded = not same_grid(first.shape, affine, shape, own)
        if regridded:
            data = onto_grid(data, own, first.shape, affine)
        intensity = measure_intensity(data, percentile=choice.percentile)
        if intensity is None:
            raise ScanError("shows nothing but background", contrast=scan.contrast)
        normal = intensity.apply(data)
        if rank == 0:
            blank = intensity.blank is not None
            box = find_brain(normal, spacing, intensity.threshold, blank=blank)
            if box is None:
                raise ScanError("shows nothing but background")
            indices, heights = choose_slices(
                box,
                depth=normal.shape[2],
                spacing=float(spacing[2]),
                count=choice.count,
                percent=choice.percent,
            )
            kept = _worthwhile(normal, indices, intensity.threshold)
            dropped = len(indices) - int(kept.sum())
            indices, heights = indices[kept], heights[kept]
            if len(indices) == 0:
                raise ScanError("has no slice with enough foreground")
        planes = np.moveaxis(normal[:, :, indices], 2, 0)
        volumes.append(planes)
        kind = box.kind if box is not None else "head"
        facts.append(
            ScanFacts(
                contrast=scan.contrast,
                sha256=scan.sha256,
                kind=kind,
                shape=(int(shape[0]), int(shape[1]), int(shape[2])),
                spacing=_triple(native),
                intensity=intensity,
                noise=noise_level(planes, intensity.threshold),
                regridded=regridded,
            )
        )
    assert box is not None  # rank 0 sets it or raises
    centre, extent = plane_extent(box, indices, heights)
    middle = (centre[0] / spacing[0], centre[1] / spacing[1], float(indices.mean()), 1.0)
    # Slices are level in the array; a tilted scan is placed by its z axis at the head's middle.
    ends = np.stack([np.full(len(indices), middle[0]), np.full(len(indices), middle[1])])
    points = np.vstack([ends, indices, np.ones(len(indices))])
    return Prepared(
        planes=np.stack(volumes, axis=1),
        spacing=_triple(spacing),
        heights=heights,
        positions=(affine @ points)[2],
        centre=centre,
        extent=extent,
        world=_triple((affine @ np.array(middle))[:3]),
        dropped=dropped,
        facts=tuple(facts),
        spacing_known=all(scan.spacing_known for scan in scans)
        and not _placeholder(box, spacing, extent),
    )


def _placeholder(box: BrainBox, spacing: NDArray[np.float64], extent: tuple[float, float]) -> bool:
    """Whether a header's voxel size of exactly 1 mm makes a head no adult or child has."""
    return box.kind == "stack" and bool((spacing == 1).all()) and max(extent) < _SMALLEST_HEAD


def _worthwhile(
    normal: NDArray[np.float32], indices: NDArray[np.intp], threshold: float
) -> NDArray[np.bool_]:
    """Which slices show more than a sliver of foreground."""
    share = (normal[:, :, indices] > threshold).mean(axis=(0, 1))
    return share > max(_MIN_SHARE, _EMPTY_SHARE * float(share.max()))


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
