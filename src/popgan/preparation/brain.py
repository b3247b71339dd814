"""Brain extraction: what stays of a head when its face must not.

Three ways, the first that applies. A network outlines the brain of T1-weighted heads of adults
(`popgan.extraction`); its answer is not believed if no brain looks like it. Otherwise the head is
aligned with the MNI template, and the template's brain is kept with a margin that ends in front of
eyes and nose. If that fails as well, nobody can say where the face is: the visit is set aside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from popgan.preparation.atlas import load_atlas
from popgan.preparation.registration import Placed, to_template
from popgan.preparation.slices import plane_extent
from popgan.preparation.volume import Volume, mask_onto
from popgan.scans import ScanError

Extract = Callable[[NDArray[np.float32], str], NDArray[np.bool_]]
"""A T1-weighted head (sides up to 256) and its contrast, to the mask of its brain.

Raises `ScanError` where the process that does it died of the scan."""

MOST_SIDE = 256
"""Voxels along a side of what the network is given."""
_WEIGHTED = ("T1w", "T1wCE")  # contrasts that the network knows, or nearly
_THICKEST = 3.0  # mm; slices further apart than that it has not seen
_LITRES = (0.7, 2.2)
_OFF_TOP = 15.0  # mm between the mask's top and where the head says that the brain ends
_BORDER = 400.0  # mm^2 of mask on a face of the volume; a brain stem has less
_ONE_PIECE = 0.98
_INSIDE = 0.93  # share of the aligned template's brain that must lie within the head
_SCALES = (0.7, 1.35)  # of a head against the template
_TEMPLATE_HEAD = (167.0, 206.0)  # mm, width and length of a head whose brain is the template's
_TAKE = "; --keep-skull takes it as it is"

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class BrainMask:
    """What is kept of a head.

    Attributes:
        kept: X x Y x Z on the scan's grid; everything else becomes 0.
        brain: where the brain itself is taken to be; the same for an outlined brain.
        choice: how it was found.
        reason: in words.
        figures: what was measured.
        world: the scan's world to the template's, where that is known already.
    """

    kept: NDArray[np.bool_]
    brain: NDArray[np.bool_]
    choice: Literal["deepbet", "conservative"]
    reason: str
    figures: dict[str, float] = field(default_factory=dict)
    world: Matrix | None = None


def extract_brain(head: Volume, extract: Extract | None) -> BrainMask:
    """The mask of a head.

    Args:
        head: a volume of kind "head".
        extract: the network; None where there is none.

    Raises:
        ScanError: the face cannot be told from the brain; or the network's process died.
    """
    why_not = _not_for_network(head) if extract is not None else "no network is at hand"
    if extract is not None and why_not is None:
        mask = _outlined(head, extract)
        why_not, figures = _doubt(mask, head)
        if why_not is None:
            reason = f"T1-weighted head: brain of {figures['litres']:.2f} l outlined by the network"
            return BrainMask(mask, mask, "deepbet", reason, figures)
    assert why_not is not None
    return _conservative(head, why_not)


def _not_for_network(head: Volume) -> str | None:
    """Why the network does not know such heads; None if it does."""
    if head.contrast not in _WEIGHTED:
        return f"the network knows T1-weighted heads only, not {head.contrast}"
    if float(head.spacing.max()) > _THICKEST:
        return f"voxels of {head.spacing.max():.1f} mm are too long for the network"
    return None


def _outlined(head: Volume, extract: Extract) -> NDArray[np.bool_]:
    """The network's mask; what is finer than it can take is thinned for it."""
    picks = [
        np.linspace(0, side - 1, min(side, MOST_SIDE)).round().astype(int)
        for side in head.data.shape
    ]
    thin = np.ascontiguousarray(head.data[np.ix_(*picks)])
    mask = extract(thin, head.contrast)
    if mask.shape == head.data.shape:
        return mask
    back = [
        np.clip(np.searchsorted(pick, np.arange(side), side="right") - 1, 0, len(pick) - 1)
        for pick, side in zip(picks, head.data.shape, strict=True)
    ]
    return mask[np.ix_(*back)]


def _doubt(mask: NDArray[np.bool_], head: Volume) -> tuple[str | None, dict[str, float]]:
    """Why a mask is no brain's, if it is none; and its figures."""
    sides = head.spacing
    litres = float(mask.sum()) * float(np.prod(sides)) / 1e6
    figures = {"litres": round(litres, 3)}
    if not _LITRES[0] <= litres <= _LITRES[1]:
        return f"the network's mask has {litres:.2f} l, which no adult brain has", figures
    parts, count = ndimage.label(mask)
    largest = float(np.bincount(parts.ravel())[1:].max() / mask.sum()) if count else 0.0
    if largest < _ONE_PIECE:
        return f"the network's mask is in pieces (the largest has {largest:.0%})", figures
    for axis in range(3):
        area = float(np.prod(np.delete(sides, axis)))
        touching = max(np.take(mask, end, axis).sum() for end in (0, -1)) * area
        if touching > _BORDER:
            return f"the network's mask touches the volume's border ({touching:.0f} mm^2)", figures
    top = float(np.flatnonzero(mask.any(axis=(0, 1)))[-1] + 0.5) * float(sides[2])
    figures["top_above_head_estimate_mm"] = round(top - head.box.top, 1)
    if abs(top - head.box.top) > _OFF_TOP:
        off = top - head.box.top
        return f"the network's mask ends {off:+.0f} mm from where the head's brain should", figures
    return None, figures


def _conservative(head: Volume, why: str) -> BrainMask:
    """The template's brain with its margin, aligned with the head."""
    atlas = load_atlas()
    world = to_template(
        Placed(head.data, head.affine),
        Placed(atlas.head, atlas.affine),
        first_guess(head),
        fixed_mask=atlas.skull,
    )
    failed = f"has a face that cannot be removed safely ({why}; "
    if world is None:
        raise ScanError(f"{failed}and it cannot be aligned){_TAKE}", contrast=head.contrast)
    place = np.linalg.inv(world) @ atlas.affine
    shape = head.data.shape
    brain = mask_onto(atlas.brain, place, shape, head.affine)
    doubt, figures = misplaced(brain, head, world)
    if doubt is not None:
        raise ScanError(f"{failed}{doubt}){_TAKE}", contrast=head.contrast)
    kept = mask_onto(atlas.keep, place, shape, head.affine)
    reason = f"{why}: the template's brain with a margin is kept"
    return BrainMask(kept, brain, "conservative", reason, figures, world)


def first_guess(head: Volume, mask: NDArray[np.bool_] | None = None) -> Matrix:
    """World of the template to the scan's, from where the brain begins and ends.

    Args:
        head: the scan.
        mask: its brain, if known.
    """
    low, high = load_atlas().box()
    if mask is not None and mask.any():
        lines = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {a}))) for a in range(3)]
        ends = np.array([[line[0] - 0.5, line[-1] + 0.5] for line in lines]) * head.spacing[:, None]
        scale = np.clip((ends[:, 1] - ends[:, 0]) / (high - low), *_SCALES)
        middle = ends.mean(axis=1)
    else:
        indices = np.arange(head.data.shape[2])
        along = indices * head.spacing[2]
        heights = np.clip((along - head.box.bottom) / (head.box.top - head.box.bottom), 0, 1)
        seen = (along > head.box.bottom) & (along < head.box.top)
        centre, extent = plane_extent(head.box, indices[seen], heights[seen])
        tall = (head.box.top - head.box.bottom) / (high[2] - low[2])
        sizes = [extent[0] / _TEMPLATE_HEAD[0], extent[1] / _TEMPLATE_HEAD[1], tall]
        scale = np.clip(sizes, 0.8, 1.15)
        middle = np.array([*centre, head.box.top - 0.5 * scale[2] * (high[2] - low[2])])
    turn = head.affine @ np.diag([*(1 / head.spacing), 1.0])
    inner = np.diag([*scale, 1.0])
    inner[:3, 3] = middle - scale * (low + high) / 2
    return turn @ inner


def misplaced(
    brain: NDArray[np.bool_], head: Volume, world: Matrix
) -> tuple[str | None, dict[str, float]]:
    """Why the aligned template is not where the head's brain must be, if so; and its figures.

    Args:
        brain: the template's brain on the head's grid.
        head: the scan.
        world: its world to the template's, 4 x 4.
    """
    scales = np.linalg.svd(np.linalg.inv(world)[:3, :3], compute_uv=False)
    if not brain.any() or scales.min() < _SCALES[0] or scales.max() > _SCALES[1]:
        return "and the aligned template has no brain's size", {}
    inside = float((brain & head.foreground()).sum() / brain.sum())
    top = float(np.flatnonzero(brain.any(axis=(0, 1)))[-1] + 0.5) * float(head.spacing[2])
    figures = {
        "share_inside_head": round(inside, 3),
        "top_above_head_estimate_mm": round(top - head.box.top, 1),
        "litres": round(float(brain.sum()) * float(np.prod(head.spacing)) / 1e6, 3),
    }
    if inside < _INSIDE:
        return f"and {1 - inside:.0%} of the aligned brain lies outside the head", figures
    if abs(top - head.box.top) > _OFF_TOP:
        return f"and the aligned brain ends {top - head.box.top:+.0f} mm from its place", figures
    return None, figures
