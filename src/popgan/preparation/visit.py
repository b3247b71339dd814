"""One visit's scans to normalised slices at native resolution, with all that was measured.

The first contrast rules: its grid, its brain and its slices are taken for the others as well.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.preparation.bias import BiasChoice
from popgan.preparation.brain import Extract
from popgan.preparation.intensity import Intensity, measure_intensity
from popgan.preparation.label_map import Place
from popgan.preparation.landmarks import Landmarks, measure_landmarks
from popgan.preparation.noise import noise_level
from popgan.preparation.orientation import spacing_of, to_ras
from popgan.preparation.quality import Quality, measure_quality
from popgan.preparation.registration import inverse
from popgan.preparation.slices import (
    BrainBox,
    choose_slices,
    placeholder,
    plane_extent,
    worthwhile,
)
from popgan.preparation.stages import Ready, SpaceChoice, StageChoice, make_ready
from popgan.preparation.steps import Step, StepPicture
from popgan.scans import Scan, ScanError


@dataclass(frozen=True)
class SliceChoice:
    """Which slices to take of a volume, and how it is prepared; see `StageChoice`."""

    count: int = 24
    percent: tuple[float, float] = (30.0, 90.0)
    percentile: float = 99.5
    bias_field: BiasChoice = "auto"
    keep_skull: bool = False
    space: SpaceChoice = "native"
    simulated: bool = False

    def stages(self) -> StageChoice:
        """What concerns the steps before slices are taken."""
        return StageChoice(
            bias_field=self.bias_field,
            keep_skull=self.keep_skull,
            space=self.space,
            simulated=self.simulated,
            percentile=self.percentile,
        )


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
    quality: Quality
    landmarks: Landmarks | None = None
    steps: tuple[Step, ...] = ()


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
        place: where the planes lie, for what is to follow them.
        pictures: what the steps did to the scans, for quality control.
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
    place: Place
    pictures: tuple[StepPicture, ...] = ()


@dataclass(frozen=True)
class Measured:
    """A prepared visit together with the whole volumes that its slices are from.

    Attributes:
        prepared: the slices that are taken, and what was measured on them.
        ready: the volumes on one grid.
        intensities: how each volume maps to [0, 1].
    """

    prepared: Prepared
    ready: Ready
    intensities: tuple[Intensity, ...]


@dataclass(frozen=True)
class _Chosen:
    """The slices that the first contrast decides on, for all contrasts of the visit."""

    box: BrainBox
    indices: NDArray[np.intp]
    heights: NDArray[np.float64]
    dropped: int


def prepare_visit(
    scans: Sequence[Scan], choice: SliceChoice, extract: Extract | None = None
) -> Prepared:
    """Prepare the scans of one visit, one a contrast, in the order of the channels.

    Args:
        scans: the scans.
        choice: what to do.
        extract: outlines brains, see `popgan.preparation.brain`; None where nothing can.

    Raises:
        ScanError: no foreground in a scan, no slice worth keeping, a face that cannot be removed.
    """
    return measure_visit(scans, choice, extract).prepared


def measure_visit(
    scans: Sequence[Scan], choice: SliceChoice, extract: Extract | None = None
) -> Measured:
    """The same, and the volumes stay; see `prepare_visit`."""
    ready = make_ready(scans, choice.stages(), extract)
    spacing, affine = spacing_of(ready.affine), ready.affine
    intensity = ready.intensity or _intensity(ready.data[0], scans[0], choice)
    chosen = _choose(ready, intensity, choice)
    centre, extent = plane_extent(chosen.box, chosen.indices, chosen.heights)
    if ready.space is not None:
        centre, extent = ready.space.centred(centre, extent)
    stated = all(scan.spacing_known for scan in scans)
    known = stated and not placeholder(chosen.box, spacing, extent)
    channels, facts, intensities = [], [], []
    for number, scan in enumerate(scans):
        if number:
            intensity = _intensity(ready.data[number], scan, choice)
        planes = planes_of(ready, number, intensity, chosen.indices)
        channels.append(planes)
        intensities.append(intensity)
        height = ready.heights[number] if known else None
        place = {"centre": centre, "extent": extent}
        facts.append(_facts(scan, ready, number, planes, intensity, chosen, height=height, **place))
    middle = (centre[0] / spacing[0], centre[1] / spacing[1])
    prepared = Prepared(
        planes=np.stack(channels, axis=1),
        spacing=_triple(spacing),
        heights=chosen.heights,
        positions=_positions(affine, middle, chosen.indices.astype(np.float64))[2],
        centre=centre,
        extent=extent,
        world=_triple(_positions(affine, middle, chosen.indices.mean(keepdims=True))[:3, 0]),
        dropped=chosen.dropped,
        facts=tuple(facts),
        spacing_known=known,
        place=_place(ready, chosen.indices),
        pictures=ready.pictures,
    )
    return Measured(prepared, ready, tuple(intensities))


def planes_of(
    ready: Ready, number: int, intensity: Intensity, indices: NDArray[np.intp] | slice
) -> NDArray[np.float32]:
    """Some slices of a contrast, n x X x Y in [0, 1]; 0 outside the brain's mask."""
    # Only what is wanted is normalised: most of a volume lies outside the slices that are taken.
    planes = np.moveaxis(intensity.apply(ready.data[number][:, :, indices]), 2, 0)
    if ready.kept is not None:
        planes[~np.moveaxis(ready.kept[:, :, indices], 2, 0)] = 0
    return planes


def _facts(
    scan: Scan,
    ready: Ready,
    number: int,
    planes: NDArray[np.float32],
    intensity: Intensity,
    chosen: _Chosen,
    *,
    centre: tuple[float, float],
    extent: tuple[float, float],
    height: float | None,
) -> ScanFacts:
    """What was measured on a contrast of the visit."""
    turned, own = to_ras(scan.data, scan.affine)
    spacing = spacing_of(ready.affine)
    plane = (float(spacing[0]), float(spacing[1]))
    threshold = intensity.threshold
    noise = noise_level(planes, threshold)
    return ScanFacts(
        contrast=scan.contrast,
        sha256=scan.sha256,
        kind=chosen.box.kind,
        shape=(int(turned.shape[0]), int(turned.shape[1]), int(turned.shape[2])),
        spacing=_triple(spacing_of(own)),
        intensity=intensity,
        noise=noise,
        regridded=ready.regridded[number],
        quality=measure_quality(
            planes,
            threshold=threshold,
            noise=noise,
            spacing=plane,
            centre=centre,
            extent=extent,
            height=height,
        ),
        landmarks=measure_landmarks(
            planes,
            contrast=scan.contrast,
            threshold=threshold,
            stripped=chosen.box.kind == "brain",
            spacing=plane,
        ),
        steps=ready.steps[number],
    )


def _place(ready: Ready, indices: NDArray[np.intp]) -> Place:
    """Where the planes lie, and the way back to the first scan's own space."""
    shape = ready.data[0].shape
    place = Place((shape[0], shape[1]), ready.affine, indices)
    if ready.space is None:
        return place
    return dataclasses.replace(place, to_scan=inverse(ready.space.world))


def _intensity(data: NDArray[np.float32], scan: Scan, choice: SliceChoice) -> Intensity:
    intensity = measure_intensity(data, percentile=choice.percentile)
    if intensity is None:
        raise ScanError("shows nothing but background", contrast=scan.contrast)
    return intensity


def _choose(ready: Ready, intensity: Intensity, choice: SliceChoice) -> _Chosen:
    """Choose slices of the brain; near-empty ones are dropped."""
    box, data, spacing = ready.box, ready.data[0], spacing_of(ready.affine)
    indices, heights = choose_slices(
        box,
        depth=data.shape[2],
        spacing=float(spacing[2]),
        count=choice.count,
        percent=choice.percent,
    )
    kept = worthwhile((intensity.apply(data[:, :, indices]) > intensity.threshold).mean((0, 1)))
    if not kept.any():
        raise ScanError("has no slice with enough foreground")
    return _Chosen(box, indices[kept], heights[kept], len(indices) - int(kept.sum()))


def _positions(
    affine: NDArray[np.float64], middle: tuple[float, float], indices: NDArray[np.float64]
) -> NDArray[np.float64]:
    """RAS+ positions (4 x n, homogeneous, mm) of a place in the plane on some slices.

    Slices are level in the array; in a tilted scan they are placed where the head's middle is.
    """
    ones = np.ones(len(indices))
    return affine @ np.stack([middle[0] * ones, middle[1] * ones, indices, ones])


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
