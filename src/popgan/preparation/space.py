"""The space that slices are taken in: the scanner's own, or that of the MNI template.

In MNI space a slice of one height shows the same part of the brain in everybody. The way there is
affine, 12 parameters; heights, the middle of the picture and world coordinates are the template's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from popgan.preparation.atlas import load_atlas
from popgan.preparation.brain import BrainMask, first_guess, misplaced
from popgan.preparation.slices import BrainBox, VolumeKind
from popgan.preparation.steps import Step
from popgan.preparation.volume import Volume, mask_onto
from popgan.scans import ScanError

_SCALES = (0.65, 1.45)  # of a brain against the template; beyond that it was not found
# Dice of an outlined brain and the template's. Eight brains of IXI reach 0.94 to 0.96 where they
# lie right, and 0.82 to 0.92 where a wrong pitch was forced; phantoms, whose outline is coarse,
# reach 0.92 where they lie right, so that the last of the wrong ones is not told by this.
_OVERLAP = 0.90
# Nats that a head without an outline must share with the template. IXI (T1) has 0.65 and more where
# it lies right and 0.10 to 0.12 six centimetres away; a wrong pitch has 0.50 to 0.65, too near to
# part them in other contrasts. So this refuses nonsense only.
_LIKENESS = 0.15
_FAILED = "cannot be aligned with MNI: "
_STRIDE = 3  # voxels of the template between samples of the coarse foreground


@dataclass(frozen=True)
class Space:
    """The template's grid and the way there.

    Attributes:
        world: world of the visit's first scan to MNI, 4 x 4.
        shape: of the template's grid.
        affine: of the template's grid, to MNI millimetres.
        step: the record.
    """

    world: NDArray[np.float64]
    shape: tuple[int, ...]
    affine: NDArray[np.float64]
    step: Step

    def foreground(self, first: Volume, kept: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
        """What of the grid shows the head, or what is kept of it."""
        if kept is not None:
            return kept
        return mask_onto(first.foreground(), self.world @ first.affine, self.shape, self.affine)

    def box(self, kind: VolumeKind, seen: NDArray[np.bool_]) -> BrainBox:
        """Where the brain is: its heights are the template's."""
        low, high = load_atlas().box()
        start, step = self.affine[2, 3], self.affine[0, 0]
        thin = seen[::_STRIDE, ::_STRIDE]
        sides = (float(_STRIDE * step), float(_STRIDE * step))
        return BrainBox(kind, float(low[2] - start), float(high[2] - start), thin, sides)

    def centred(
        self, centre: tuple[float, float], extent: tuple[float, float]
    ) -> tuple[tuple[float, float], tuple[float, float]]:
        """The template's middle in the plane, and a size about it that holds what was seen.

        Args:
            centre: mm from sample (0, 0) to the middle of what was seen.
            extent: mm, its size.
        """
        low, high = load_atlas().box()
        middle = [float((low[a] + high[a]) / 2 - self.affine[a, 3]) for a in (0, 1)]
        size = [2 * (abs(centre[a] - middle[a]) + extent[a] / 2) for a in (0, 1)]
        return (middle[0], middle[1]), (size[0], size[1])

    def plane(self, k: int) -> NDArray[np.float32]:
        """A slice of the template, X x Y in [0, 1]."""
        values = load_atlas().values
        return np.asarray(values[:, :, k] / values.max())


def native() -> Step:
    """The record of a scan that stays where it is."""
    return Step("space", "native", "fixed", "the scanner's own space")


def in_template(first: Volume, mask: BrainMask | None) -> Space:
    """The way of a visit to MNI.

    Args:
        first: the visit's first scan.
        mask: its brain, where it was extracted.

    Raises:
        ScanError: it cannot be aligned with the template, or was and does not fit it.
    """
    if first.box.kind in ("picture", "stack"):
        raise ScanError(
            f"is a {first.box.kind}, which cannot be aligned with MNI (--space mni)",
            contrast=first.contrast,
        )
    world = mask.world if mask is not None else None
    if world is None:
        world = _aligned(first, mask)
    if world is None:
        raise ScanError("cannot be aligned with MNI (--space mni)", contrast=first.contrast)
    scales = np.linalg.svd(world[:3, :3], compute_uv=False)
    if scales.min() < _SCALES[0] or scales.max() > _SCALES[1]:
        raise ScanError("cannot be aligned with MNI: no brain's size", contrast=first.contrast)
    atlas = load_atlas()
    fit = _fit(first, mask, world)
    figures = {f"scale_{n}": round(float(s), 3) for n, s in enumerate(scales, start=1)} | fit
    told = " x ".join(f"{scale:.2f}" for scale in scales)
    how = ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in fit.items())
    reason = f"affine, 12 parameters, scales {told}, {how}"
    step = Step("space", "mni", "fixed", reason, figures)
    return Space(world, atlas.values.shape, atlas.affine, step)


def _fit(first: Volume, mask: BrainMask | None, world: NDArray[np.float64]) -> dict[str, float]:
    """How well the aligned scan fits the template, by its outline if it has one of its own.

    Raises:
        ScanError: it does not fit.
    """
    bare = mask is None and first.box.kind == "head"
    # A mask that was made from the template fits it wherever it lies.
    if bare or (mask is not None and mask.world is not None):
        return _fit_of_head(first, world, bare=bare)
    atlas = load_atlas()
    own = first.foreground() if mask is None else mask.brain
    moved = mask_onto(own, world @ first.affine, atlas.brain.shape, atlas.affine)
    both = float((moved & atlas.brain).sum())
    dice = 2 * both / max(float(moved.sum() + atlas.brain.sum()), 1.0)
    if dice < _OVERLAP:
        told = f"its brain overlaps the template's with a Dice of {dice:.2f}, below {_OVERLAP}"
        raise ScanError(f"{_FAILED}{told}", contrast=first.contrast)
    return {"overlap_dice": round(dice, 3)}


def _fit_of_head(first: Volume, world: NDArray[np.float64], *, bare: bool) -> dict[str, float]:
    """The same by values, and, where nobody looked yet, by where the brain must lie in the head."""
    from popgan.preparation.registration import Placed, likeness

    atlas = load_atlas()
    if bare:
        place = np.linalg.inv(world) @ atlas.affine
        brain = mask_onto(atlas.brain, place, first.data.shape, first.affine)
        doubt, _ = misplaced(brain, first, world)
        if doubt is not None:
            raise ScanError(_FAILED + doubt.removeprefix("and "), contrast=first.contrast)
    head, template = Placed(first.data, first.affine), Placed(atlas.head, atlas.affine)
    shared = likeness(head, template, world, fixed_mask=atlas.skull) or 0.0
    if shared < _LIKENESS:
        told = f"it shares {shared:.2f} nats with the template, fewer than {_LIKENESS}"
        raise ScanError(f"{_FAILED}{told}", contrast=first.contrast)
    return {"information_nats": round(shared, 3)}


def _aligned(first: Volume, mask: BrainMask | None) -> NDArray[np.float64] | None:
    from popgan.preparation.registration import Placed, to_template

    atlas = load_atlas()
    if mask is None and first.box.kind == "head":
        template, compared, guess = atlas.head, atlas.skull, first_guess(first)
        data = first.data
    else:
        brain = first.foreground() if mask is None else mask.kept
        template, compared = atlas.values, atlas.near
        guess = first_guess(first, brain)
        data = np.where(brain, first.data, np.float32(first.intensity.offset))
    return to_template(
        Placed(data, first.affine), Placed(template, atlas.affine), guess, fixed_mask=compared
    )
