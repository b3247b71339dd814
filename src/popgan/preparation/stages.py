"""The steps between reading a visit's scans and taking its slices, in their order.

Turned to RAS; aligned with the first contrast; faces removed; bias fields corrected; brought onto
one grid, which is the first scan's or the MNI template's. Every step decides for each scan whether
it applies, and says why. Positions are matrices until the end: voxels are resampled once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from popgan.preparation import pictures
from popgan.preparation.bias import BiasChoice, correct
from popgan.preparation.brain import BrainMask, Extract, extract_brain
from popgan.preparation.intensity import Intensity, measure_intensity
from popgan.preparation.orientation import axes_of, spacing_of, to_ras
from popgan.preparation.resample import onto_grid, same_grid
from popgan.preparation.slices import BrainBox, box_of_mask, find_brain, height_seen
from popgan.preparation.space import Space, in_template, native
from popgan.preparation.steps import Step, StepPicture
from popgan.preparation.volume import Volume, mask_onto
from popgan.scans import Scan, ScanError

SpaceChoice = Literal["native", "mni"]
_FEWEST_SLICES = 16  # of a scan that is aligned with another
_T1 = ("T1w", "T1wCE")


@dataclass(frozen=True)
class StageChoice:
    """Which steps to take.

    Attributes:
        bias_field: auto, n4 or off.
        keep_skull: keep heads whole, faces included.
        space: native or mni.
        simulated: the scans are phantoms, of nobody.
        percentile: of the foreground's values; see `measure_intensity`.
    """

    bias_field: BiasChoice
    keep_skull: bool
    space: SpaceChoice
    simulated: bool
    percentile: float


@dataclass(frozen=True)
class Ready:
    """A visit whose slices can be taken.

    Attributes:
        data: one volume a contrast, all on one grid; 0 outside the mask, if there is one.
        affine: of that grid, to the world of the first scan or of MNI.
        kept: what is left after brain extraction, on that grid; None if nothing was removed.
        box: where the brain is.
        intensity: of the first volume, if it was measured on just these voxels.
        space: where slices lie in MNI; None in native space.
        heights: for each contrast, how much of a head or brain was read; see `height_seen`.
        regridded: for each contrast, whether it was resampled.
        steps: for each contrast, what was done.
        pictures: of all of that.
    """

    data: list[NDArray[np.float32]]
    affine: NDArray[np.float64]
    kept: NDArray[np.bool_] | None
    box: BrainBox
    intensity: Intensity | None
    space: Space | None
    heights: list[float | None]
    regridded: list[bool]
    steps: list[tuple[Step, ...]]
    pictures: tuple[StepPicture, ...]


def make_ready(scans: Sequence[Scan], choice: StageChoice, extract: Extract | None) -> Ready:
    """Take all steps.

    Raises:
        ScanError: a scan shows nothing, its face cannot be removed, or it cannot be brought to
            MNI space.
    """
    volumes = [_volume(scan, choice.percentile) for scan in scans]
    shown = [pictures.as_scanned(volume) for volume in volumes]
    steps = [[_orientation(scan)] for scan in scans]
    volumes, placed = _aligned(volumes, steps)
    brain = _without_face(volumes, placed, choice, extract, steps)
    if brain is not None:
        shown += [p for v in volumes for p in pictures.outlined(v, brain.on(v).kept)]
    data = []
    for volume, own in zip(volumes, steps, strict=True):
        mask = None if brain is None else brain.on(volume).brain
        voxels, field, step = correct(volume, mask, choice.bias_field, simulated=choice.simulated)
        own.append(step)
        data.append(voxels)
        shown += pictures.corrected(volume, voxels, field) if field is not None else []
    return _on_one_grid(volumes, data, brain, choice, steps, shown)


@dataclass(frozen=True)
class _Brain:
    """A mask and the grid it was found on."""

    mask: BrainMask
    affine: NDArray[np.float64]

    def on(self, volume: Volume) -> BrainMask:
        """The mask on another scan's grid."""
        return self.on_grid(volume.data.shape, volume.affine)

    def on_grid(self, shape: tuple[int, ...], affine: NDArray[np.float64]) -> BrainMask:
        """The mask on another grid."""
        if same_grid(self.mask.kept.shape, self.affine, shape, affine):
            return self.mask
        kept = mask_onto(self.mask.kept, self.affine, shape, affine)
        # An outlined brain and what is kept of it are one mask: it is not resampled twice.
        once = self.mask.brain is self.mask.kept
        brain = kept if once else mask_onto(self.mask.brain, self.affine, shape, affine)
        return replace(self.mask, kept=kept, brain=brain)


def _volume(scan: Scan, percentile: float) -> Volume:
    data, affine = to_ras(scan.data, scan.affine)
    intensity = measure_intensity(data, percentile=percentile)
    box = find_brain(data, spacing_of(affine), intensity) if intensity is not None else None
    if intensity is None or box is None:
        raise ScanError("shows nothing but background", contrast=scan.contrast)
    return Volume(scan.contrast, data, affine, intensity, box)


def _orientation(scan: Scan) -> Step:
    axes = axes_of(scan.affine)
    if axes == "RAS":
        return Step("orientation", "none", "rule", "stored as RAS already")
    return Step("orientation", "RAS", "rule", f"stored as {axes}; axes turned and flipped")


def _aligned(volumes: list[Volume], steps: list[list[Step]]) -> tuple[list[Volume], list[bool]]:
    """The scans with their affines in the first one's world, and whether each was seen to fit."""
    first, result, placed = volumes[0], [volumes[0]], [True]
    if len(volumes) > 1:
        reason = "the first contrast: the others are aligned with it"
        steps[0].append(Step("registration", "none", "rule", reason))
    for volume, own in zip(volumes[1:], steps[1:], strict=True):
        few = min(volume.data.shape[2], first.data.shape[2]) < _FEWEST_SLICES
        if few or {volume.box.kind, first.box.kind} & {"stack", "picture"}:
            reason = "too few slices to find a position in; the file's own is trusted"
            own.append(Step("registration", "none", "rule", reason))
            result.append(volume)
            placed.append(True)
            continue
        from popgan.preparation.registration import Placed, align

        found = align(Placed(first.data, first.affine), Placed(volume.data, volume.affine))
        chosen = "rigid" if found.applied else "none"
        own.append(Step("registration", chosen, "rule", found.reason, found.figures))
        moved = replace(volume, affine=found.world @ volume.affine) if found.applied else volume
        result.append(moved)
        placed.append(found.sound)
    return result, placed


def _without_face(
    volumes: list[Volume],
    placed: list[bool],
    choice: StageChoice,
    extract: Extract | None,
    steps: list[list[Step]],
) -> _Brain | None:
    """The visit's mask, if it is to have one; each scan's step is recorded."""
    heads = [volume for volume in volumes if volume.box.kind == "head"]
    if choice.keep_skull or choice.simulated or not heads:
        for volume, own in zip(volumes, steps, strict=True):
            own.append(_kept_step(volume, choice))
        return None
    weighted = [v for name in _T1 for v in heads if v.contrast == name]
    stripped = [v for v in volumes if v.box.kind == "brain"]
    if not weighted and stripped:
        source = stripped[0]
        reason = "of a contrast of this visit whose skull had been removed before"
        own_mask = source.foreground()
        mask = BrainMask(own_mask, own_mask, "conservative", reason)
    else:
        source = (weighted or heads)[0]
        mask = extract_brain(source, extract)
    source_sound = placed[next(i for i, volume in enumerate(volumes) if volume is source)]
    for volume, sound, own in zip(volumes, placed, steps, strict=True):
        if volume is source and volume.box.kind == "head":
            own.append(Step("brain", mask.choice, "rule", mask.reason, mask.figures))
            continue
        if volume.box.kind == "head" and not (sound and source_sound):
            raise ScanError(
                f"cannot be aligned with the {source.contrast} scan whose brain mask it needs",
                contrast=volume.contrast,
            )
        reason = f"mask of the {source.contrast} scan, carried over by their positions"
        own.append(Step("brain", "carried over", "rule", reason))
    return _Brain(mask, source.affine)


def _kept_step(volume: Volume, choice: StageChoice) -> Step:
    """Why nothing is removed from a scan."""
    if volume.box.kind == "brain":
        return Step("brain", "none", "rule", "its skull had been removed before")
    if choice.keep_skull:
        return Step("brain", "none", "fixed", "kept whole, faces included (--keep-skull)")
    if choice.simulated:
        return Step("brain", "none", "rule", "a phantom is no person: its head is kept")
    if volume.box.kind == "picture":
        return Step("brain", "none", "rule", "a single slice: no method applies, kept as it is")
    reason = (
        "a stack of few slices, or without its true voxel size: no method applies, kept as it is"
    )
    return Step("brain", "none", "rule", reason)


def _on_one_grid(
    volumes: list[Volume],
    data: list[NDArray[np.float32]],
    brain: _Brain | None,
    choice: StageChoice,
    steps: list[list[Step]],
    shown: list[StepPicture],
) -> Ready:
    first = volumes[0]
    mask = None if brain is None else brain.on(first)
    space = in_template(first, mask) if choice.space == "mni" else None
    step = native() if space is None else space.step
    shape, affine = first.data.shape, first.affine
    if space is not None:
        shape, affine = space.shape, space.affine
    result, regridded = [], []
    for volume, voxels, own in zip(volumes, data, steps, strict=True):
        place = volume.affine if space is None else space.world @ volume.affine
        moved = not same_grid(shape, affine, voxels.shape, place)
        result.append(onto_grid(voxels, place, shape, affine) if moved else voxels)
        regridded.append(moved)
        own.append(step)
    on_grid = None
    if brain is not None:
        place = brain.affine if space is None else space.world @ brain.affine
        on_grid = replace(brain, affine=place).on_grid(shape, affine)
        result = [np.where(on_grid.kept, voxels, np.float32(0)) for voxels in result]
    untouched = result[0] is first.data
    box = (
        first.box
        if on_grid is None
        else box_of_mask(on_grid.kept, on_grid.brain, spacing_of(affine))
    )
    if space is not None:
        seen = space.foreground(volumes[0], on_grid.kept if on_grid is not None else None)
        box = space.box(first.box.kind if brain is None else "brain", seen)
    if box is None:
        raise ScanError("has no brain on the common grid", contrast=first.contrast)
    shown += _compared(volumes, result, spacing_of(affine), box, space)
    return Ready(
        data=result,
        affine=affine,
        kept=on_grid.kept if on_grid is not None else None,
        box=box,
        intensity=first.intensity if untouched else None,
        space=space,
        heights=[height_seen(v.box, float(v.spacing[2])) for v in volumes],
        regridded=regridded,
        steps=[tuple(own) for own in steps],
        pictures=tuple(shown),
    )


def _compared(
    volumes: list[Volume],
    data: list[NDArray[np.float32]],
    spacing: NDArray[np.float64],
    box: BrainBox,
    space: Space | None,
) -> list[StepPicture]:
    """Pictures on the common grid: contrasts on one board, and the template beside the first."""
    middle = box.bottom + 0.55 * (box.top - box.bottom)
    k = int(np.clip(round(middle / float(spacing[2])), 0, data[0].shape[2] - 1))
    planes = [v.intensity.apply(own[:, :, k]) for v, own in zip(volumes, data, strict=True)]
    shown = [
        pictures.chequered(volume.contrast, planes[0], plane, spacing[:2])
        for volume, plane in zip(volumes[1:], planes[1:], strict=True)
    ]
    if space is not None:
        shown.append(pictures.beside_template(volumes[0].contrast, planes[0], space.plane(k)))
    return shown
