"""From a subject's parameters to a head: fractions of every tissue in every voxel.

The brain is the warped template with an individual folding of the cortex; skull and scalp are
shells at distances from the brain's surface; what lies below them is in `face.py`. Fractions
make partial volume as a scanner sees it.

Surfaces are smooth, so they are found on a coarse grid of the scanner's space and interpolated;
the template itself is looked up only where there is brain. The head is filled slab by slab, so
that intermediate results stay small.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from popgan.phantom.face import flesh, melt, outline
from popgan.phantom.mixing import LesionLevels, lesion_levels, mix_lesions, push_aside
from popgan.phantom.parameters import SubjectParameters
from popgan.phantom.template import FAR, Field, Template
from popgan.phantom.tissue import ALL, ORDER, Name
from popgan.phantom.warp import (
    GRID,
    GRID_ORIGIN,
    GRID_SHAPE,
    displacement,
    grid_points,
    inverse_pose,
    random_field,
    sample,
    to_template,
)
from popgan.seeds import numpy_rng

_SHARPNESS = 1.6  # the atlas is a mean of many; this exponent gives tissue borders of one person
_FLOOR = 0.02  # tissue that the atlas rules out stays out, whatever the folding
_CORTEX = 1.0  # log-odds of grey matter; measured: a millimetre on 1800 cm2 of cortex
_SCALP_FAT = 0.4  # the rest of the fatty layer is connective tissue and vessels
_FOLD_SMOOTH, _SWELL_SMOOTH = 1.2, 6.0  # grid steps of 4 mm
_CREASE = 16.0  # mm within which scalp and face round off into one another
_COARSE = 4.0  # mm, grid of the surfaces
_SLAB = 24.0  # mm filled at once
_WM, _GM, _CSF, _BONE, _MARROW, _FAT, _MUSCLE = range(len(ORDER))


def tissue_names(parameters: SubjectParameters) -> tuple[Name, ...]:
    """The channels of a subject's fractions: lesions have theirs only where there are any."""
    return ORDER if parameters.lesions is None else ALL


def head(
    parameters: SubjectParameters,
    template: Template,
    *,
    origin: tuple[float, float, float],
    spacing: float,
    shape: tuple[int, int, int],
    skull: bool = True,
) -> torch.Tensor:
    """Tissue fractions of a subject on a grid of the scanner's space.

    Args:
        parameters: the subject.
        template: the anatomy.
        origin: of the grid, mm.
        spacing: of the grid, mm.
        shape: of the grid.
        skull: False leaves everything out that is not brain or fluid around it.

    Returns:
        float32, len(tissue_names) x X x Y x Z, in [0, 1]; the sum is at most 1 but for rounding,
        the rest is air.
    """
    space = _Space.of(parameters, template, origin, spacing, shape)
    result = torch.zeros(len(tissue_names(parameters)), *shape)
    levels = None
    if parameters.lesions is not None:
        levels = LesionLevels.empty(parameters, shape)
    step = max(1, round(_SLAB / spacing))
    for start in range(0, shape[0], step):
        slab = _Slab.cut(space, start, min(start + step, shape[0]))
        where = slice(start, slab.stop)
        brain = _brain(space, slab, None if levels is None else levels.cut(where))
        result[: len(ORDER), where] = _wrap(space, slab, brain) if skull else _bare(slab, brain)
    if levels is not None:
        mix_lesions(result, levels, parameters, spacing)
    return result


@dataclass(frozen=True)
class _Space:
    """What the slabs of a head share.

    Attributes:
        parameters, template: the subject.
        field: displacement (3) and folding noise (3) in template space.
        matrix, offset: from voxel indices to template space without displacement.
        surfaces: on the coarse grid in x, the fine one in y and z: distance to the skull's bed
            and to the hull (mm), relative thickness of the skull, distance to the face's outline.
        spacing: mm.
    """

    parameters: SubjectParameters
    template: Template
    field: Field
    matrix: torch.Tensor
    offset: torch.Tensor
    surfaces: torch.Tensor
    spacing: float

    @classmethod
    def of(
        cls,
        parameters: SubjectParameters,
        template: Template,
        origin: tuple[float, float, float],
        spacing: float,
        shape: tuple[int, int, int],
    ) -> _Space:
        rng = numpy_rng(parameters.seed, "phantom folding", parameters.index)
        folds = random_field(rng, GRID_SHAPE, smoothness=_FOLD_SMOOTH, channels=3)
        moved = displacement(parameters, template)
        field = Field(np.concatenate([moved.values, folds]), GRID_ORIGIN, GRID)
        matrix, offset = inverse_pose(parameters)
        offset = matrix @ torch.tensor(origin) + offset
        count = [int(np.ceil((side - 1) * spacing / _COARSE)) + 2 for side in shape]
        points = to_template(
            parameters, grid_points(origin, _COARSE, (count[0], count[1], count[2]))
        )
        coarse = _surfaces(parameters, template, moved, points)
        for axis in (2, 3):
            weights = _interpolation(count[axis - 1], shape[axis - 1], spacing)
            coarse = torch.tensordot(coarse, weights, dims=([2], [0]))
        return cls(parameters, template, field, spacing * matrix, offset, coarse, spacing)


def _surfaces(
    parameters: SubjectParameters, template: Template, moved: Field, points: torch.Tensor
) -> torch.Tensor:
    """The smooth fields that skull, scalp and face are made from, at any points; 4 x ..."""
    rng = numpy_rng(parameters.seed, "phantom skull", parameters.index)
    swell = Field(
        random_field(rng, GRID_SHAPE, smoothness=_SWELL_SMOOTH, channels=1), GRID_ORIGIN, GRID
    )
    points = points + torch.movedim(sample(moved, points), 0, -1)
    distance = sample(template.distance, points) + FAR
    thickness = (1 + 0.2 * sample(swell, points)).clamp(0.5, 1.5)
    return torch.cat([distance, thickness, outline(*points.unbind(-1))[None]])


def _interpolation(nodes: int, count: int, spacing: float) -> torch.Tensor:
    """Weights (nodes x count) of linear interpolation from the coarse grid to voxels."""
    places = torch.arange(count, dtype=torch.float32) * (spacing / _COARSE)
    return (1 - (places[None] - torch.arange(nodes)[:, None]).abs()).clamp(min=0)


@dataclass(frozen=True)
class _Slab:
    """A part of a head along x: its surfaces at every voxel."""

    start: int
    stop: int
    edge: float
    inner: torch.Tensor
    hull: torch.Tensor
    swell: torch.Tensor
    face: torch.Tensor
    bed: float

    @classmethod
    def cut(cls, space: _Space, start: int, stop: int) -> _Slab:
        weights = _interpolation(space.surfaces.shape[1], stop, space.spacing)[:, start:]
        used = slice(
            int(start * space.spacing / _COARSE), int((stop - 1) * space.spacing / _COARSE) + 2
        )
        fine = torch.einsum("cnyz,nx->cxyz", space.surfaces[:, used], weights[used])
        inner, hull, swell, face = fine
        edge = max(space.spacing, 1.0)
        return cls(start, stop, edge, inner, hull, swell, face, space.parameters.gap)

    def within(self, distance: torch.Tensor) -> torch.Tensor:
        """1 inside a surface, 0 outside, linear over one voxel across it."""
        return (0.5 - distance / self.edge).clamp(0, 1)

    def points(self, space: _Space, chosen: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """Places of chosen voxels in template space, before displacement; N x 3."""
        x, y, z = chosen
        index = torch.stack([x + self.start, y, z], dim=-1).to(torch.float32)
        return index @ space.matrix.T + space.offset


def _brain(space: _Space, slab: _Slab, levels: LesionLevels | None) -> torch.Tensor:
    """White matter, grey matter and CSF of a slab: the template with its own folding; 3 x ..."""
    result = torch.zeros(3, *slab.inner.shape)
    chosen = torch.nonzero(slab.inner < slab.bed + slab.edge, as_tuple=True)
    if not len(chosen[0]):
        return result
    places = slab.points(space, chosen)
    pushed = push_aside(places, -slab.inner[chosen], space.parameters.lesions)
    found = sample(space.field, pushed)
    points = pushed + found[:3].T
    if levels is not None:
        levels.fill(chosen, lesion_levels(space.parameters, places, points))
    maps = sample(space.template.tissues, points)
    total = maps.sum(dim=0, keepdim=True)
    score = torch.log(maps + _FLOOR).mul_(_SHARPNESS)
    score.add_(found[3:], alpha=0.55 * space.parameters.folding)
    score[1] += _CORTEX * space.parameters.cortex
    score[2] += space.parameters.atrophy
    result[:, chosen[0], chosen[1], chosen[2]] = torch.softmax(score, dim=0) * total
    return result


def _bare(slab: _Slab, brain: torch.Tensor) -> torch.Tensor:
    """A brain as brain extraction leaves it: with a millimetre of fluid around it; 7 x ..."""
    result = torch.zeros(len(ORDER), *slab.inner.shape)
    mask = slab.within(slab.inner - min(slab.bed, 1.0))
    result[:3] = brain * mask
    result[_CSF] += (mask - result[:3].sum(dim=0)).clamp(min=0)
    return result


def _wrap(space: _Space, slab: _Slab, brain: torch.Tensor) -> torch.Tensor:
    """Put CSF, skull, scalp and face around a brain; 7 x ..."""
    own = space.parameters
    outer = slab.bed + own.skull * slab.swell
    # The scalp lies on the skull, and on the muscles where the skull is hollow.
    under = torch.minimum(slab.inner, slab.hull) - outer
    surface = melt(under - own.fat * slab.swell - own.skin, slab.face, _CREASE)
    total = slab.within(surface)
    fatty = slab.within(surface + own.skin)
    deep = slab.within(surface + own.skin + own.fat * slab.swell)
    held = brain.sum(dim=0)
    cranium, bony = slab.within(slab.inner - slab.bed), slab.within(slab.inner - outer)
    middle = slab.bed + own.skull * slab.swell / 2
    diploe = slab.within((slab.inner - middle).abs() - 0.18 * own.skull)
    filled = torch.maximum(cranium, held)
    shell = (bony - filled).clamp(min=0)
    free = 1 - torch.maximum(bony, filled)
    scalp = (fatty - deep).clamp(min=0) * free
    result = torch.empty(len(ORDER), *slab.inner.shape)
    result[:3] = brain
    result[_CSF] += (cranium - held).clamp(min=0)
    result[_MARROW] = shell * diploe
    result[_BONE] = shell - result[_MARROW]
    result[_FAT] = _SCALP_FAT * scalp
    result[_MUSCLE] = (total - fatty).clamp(min=0) * free
    result[_MUSCLE] += (1 - _SCALP_FAT) * scalp
    _add_flesh(space, slab, result, deep * free, shell)
    return result.clamp_(0, 1)


def _add_flesh(
    space: _Space, slab: _Slab, result: torch.Tensor, room: torch.Tensor, shell: torch.Tensor
) -> None:
    """Fill what is left inside the skin; the spinal canal goes through the skull's floor."""
    chosen = torch.nonzero(room + shell > 0.02, as_tuple=True)
    places = slab.points(space, chosen)
    # Far above the skull base there is only bone, which is done.
    low = (room[chosen] > 0.02) | (places[:, 2] < -50)
    chosen = (chosen[0][low], chosen[1][low], chosen[2][low])
    if not len(chosen[0]):
        return
    found = sample(space.field, places[low])
    points = places[low] + found[:3].T
    stuff, canal = flesh(*points.unbind(-1), noise=found[3:], edge=slab.edge)
    index = (slice(None), *chosen)
    bone, share = shell[chosen], room[chosen]
    kept = result[index]
    kept[_BONE] -= kept[_BONE] * canal
    kept[_MARROW] -= kept[_MARROW] * canal
    result[index] = kept + stuff * (share + bone * canal)
