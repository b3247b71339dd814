"""From a subject's parameters to a head: fractions of every tissue in every voxel.

The brain is the warped template with an individual folding of the cortex; skull and scalp are
shells at distances from the brain's surface; eyes, orbits, nose and neck are simple bodies in
template space. Fractions make partial volume as a scanner sees it.
"""

from __future__ import annotations

import numpy as np
import torch

from popgan.phantom.parameters import SubjectParameters
from popgan.phantom.template import FAR, Field, Template
from popgan.phantom.tissue import ORDER
from popgan.phantom.warp import (
    GRID,
    GRID_ORIGIN,
    GRID_SHAPE,
    displacement,
    grid_points,
    random_field,
    sample,
    to_template,
)
from popgan.seeds import numpy_rng

_SHARPNESS = 1.6  # the atlas is a mean of many; this exponent gives tissue borders of one person
_FLOOR = 0.02  # tissue that the atlas rules out stays out, whatever the folding
_SCALP_FAT = 0.4  # the rest of the fatty layer is connective tissue and vessels
_EDGE = 2.0  # mm over which a surface fades: one voxel
_FOLD_SMOOTH, _SWELL_SMOOTH = 1.2, 6.0  # grid steps of 4 mm


def head(
    parameters: SubjectParameters,
    template: Template,
    *,
    origin: tuple[float, float, float],
    spacing: float,
    shape: tuple[int, int, int],
) -> torch.Tensor:
    """Tissue fractions of a subject on a grid of the scanner's space.

    Returns:
        float32, len(ORDER) x X x Y x Z, in [0, 1]; the sum is at most 1, the rest is air.
    """
    points = to_template(parameters, grid_points(origin, spacing, shape))
    near = _near_head(points)
    points = points[near]
    points = points + sample(displacement(parameters, template), points).T
    distance, swell, folds = _fields(parameters, template, points)
    brain = _brain(parameters, template, points, folds)
    result = torch.zeros(len(ORDER), *shape)
    result[:, near] = _wrap(parameters, brain, distance, swell, points)
    return result


def _near_head(points: torch.Tensor) -> torch.Tensor:
    """Which points of template space can belong to a head at all; air needs no computing."""
    upper = (points - torch.tensor((0.0, -18.0, 0.0))) / torch.tensor((98.0, 116.0, 112.0))
    lower = points[..., :2] / torch.tensor((90.0, 124.0))
    below = (points[..., 2] < 0) & (lower.norm(dim=-1) < 1)
    return (upper.norm(dim=-1) < 1) | below


def _fields(
    parameters: SubjectParameters, template: Template, points: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Distance to the skull's bed (mm), relative thickness of the skull, folding noise (3)."""
    rng = numpy_rng(parameters.seed, "phantom folding", parameters.index)
    folds = random_field(rng, GRID_SHAPE, smoothness=_FOLD_SMOOTH, channels=3)
    rng = numpy_rng(parameters.seed, "phantom skull", parameters.index)
    swell = random_field(rng, GRID_SHAPE, smoothness=_SWELL_SMOOTH, channels=1)
    found = sample(Field(np.concatenate([swell, folds]), GRID_ORIGIN, GRID), points)
    distance = sample(template.distance, points)[0] + FAR
    return distance, (1 + 0.2 * found[0]).clamp(0.5, 1.5), found[1:]


def _brain(
    parameters: SubjectParameters, template: Template, points: torch.Tensor, folds: torch.Tensor
) -> torch.Tensor:
    """White matter, grey matter and CSF: the template with its own folding; 3 x N."""
    maps = sample(template.tissues, points)
    total = maps.sum(dim=0, keepdim=True)
    score = _SHARPNESS * torch.log(maps + _FLOOR) + 0.55 * parameters.folding * folds
    score[2] += parameters.atrophy
    return torch.softmax(score, dim=0) * total


def _wrap(
    parameters: SubjectParameters,
    brain: torch.Tensor,
    distance: torch.Tensor,
    swell: torch.Tensor,
    points: torch.Tensor,
) -> torch.Tensor:
    """Put CSF, skull, scalp and face around a brain; 7 x N."""
    inner = parameters.gap
    outer = inner + parameters.skull * swell
    under = outer + parameters.fat * swell
    surface = under + parameters.skin
    cranium, bony = _within(distance - inner), _within(distance - outer)
    fatty, skinny = _within(distance - under), _within(distance - surface)
    middle = (inner + outer) / 2
    diploe = _within((distance - middle).abs() - 0.18 * parameters.skull)
    wm, gm, csf = brain
    csf = csf + (cranium - brain.sum(dim=0)).clamp(min=0)
    skull = (bony - torch.maximum(cranium, brain.sum(dim=0))).clamp(min=0)
    marrow = skull * diploe
    # Below the eyebrows the shells of the scalp give way to the face and the neck.
    face_fat, face_muscle, face_fluid, face_air = _face(points)
    face = (face_fat + face_muscle + face_fluid + face_air).clamp(0, 1)
    scalp = (fatty - bony).clamp(min=0) * (1 - face)
    fat = _SCALP_FAT * scalp
    skin = (skinny - fatty).clamp(min=0) * (1 - face) + (1 - _SCALP_FAT) * scalp
    free = (1 - bony).clamp(min=0)
    return torch.stack(
        [
            wm,
            gm,
            csf + free * face_fluid,
            skull - marrow,
            marrow,
            fat + free * face_fat,
            skin + free * face_muscle,
        ]
    ).clamp(0, 1)


def _within(distance: torch.Tensor) -> torch.Tensor:
    """1 inside a surface, 0 outside, linear over one voxel across it."""
    return (0.5 - distance / _EDGE).clamp(0, 1)


def _body(
    points: torch.Tensor, centre: tuple[float, float, float], axes: tuple[float, float, float]
) -> torch.Tensor:
    """About the distance (mm) to an ellipsoid in template space; negative inside."""
    offset = (points - torch.tensor(centre)) / torch.tensor(axes)
    return (offset.norm(dim=-1) - 1) * min(axes)


def _face(
    points: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Fat, muscle, fluid and air of face and neck, to be placed outside the skull."""
    mirrored = torch.cat([points[..., :1].abs(), points[..., 1:]], dim=-1)
    face = _body(mirrored, (0, 22, -72), (66, 66, 76))
    nose = _body(mirrored, (0, 88, -58), (11, 20, 22))
    neck = _body(mirrored, (0, -38, -110), (58, 58, 95))
    hull = torch.minimum(torch.minimum(face, nose), neck)
    orbit = _body(mirrored, (31, 50, -36), (18, 28, 16))
    globe = _body(mirrored, (33, 63, -37), (12.5, 12.5, 12))
    air = torch.minimum(
        _body(mirrored, (6, 62, -52), (9, 26, 20)), _body(mirrored, (31, 52, -66), (15, 16, 15))
    )
    inside = _within(torch.minimum(hull, orbit))
    fluid = _within(globe)
    void = _within(air)
    rim = (_within(hull + 1.5) - _within(hull + 5)).clamp(min=0)
    lard = _SCALP_FAT * torch.maximum(rim, _within(orbit)) * (1 - fluid) * (1 - void)
    muscle = (inside * (1 - fluid) * (1 - void) - lard).clamp(min=0)
    return lard, muscle, fluid * (1 - void), void * inside
