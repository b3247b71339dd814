"""Lesions applied: where they lie in a head, how they push it aside, and what they replace.

A lesion is a level in millimetres, negative inside, looked up at every voxel of the brain. One
number per kind of tissue moves its surface in or out until the volume is the one asked for, so
that volumes hold whatever the warp, the size of the head and the voxels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from popgan.phantom.lesions import MultipleSclerosis, Tumour
from popgan.phantom.parameters import SubjectParameters
from popgan.phantom.template import Field
from popgan.phantom.tissue import ALL
from popgan.phantom.warp import GRID, GRID_ORIGIN, GRID_SHAPE, random_field, sample
from popgan.seeds import numpy_rng

FAR_AWAY = 1e3
_REACH = 12.0  # mm that a surface may move
_SPREAD = 18.0  # mm over which the mass effect fades
_HELD = 14.0  # mm from the skull over which the brain gives way more and more
_IN_GREY = 0.35  # share of a lesion of white matter that spreads into grey matter
_FADE = 6.0  # mm over which oedema ends
_ROWS: dict[str, int] = {name: row for row, name in enumerate(ALL)}


@dataclass(frozen=True)
class LesionLevels:
    """Levels (mm) of a head's lesions, K x X x Y x Z: ovoids; or tumour, necrosis and oedema."""

    values: torch.Tensor

    @classmethod
    def empty(cls, parameters: SubjectParameters, shape: tuple[int, int, int]) -> LesionLevels:
        """No lesion anywhere yet."""
        count = 3 if isinstance(parameters.lesions, Tumour) else 1
        return cls(torch.full((count, *shape), FAR_AWAY))

    def cut(self, where: slice) -> LesionLevels:
        """The part of a slab along x; filling it fills the whole."""
        return LesionLevels(self.values[:, where])

    def fill(self, chosen: tuple[torch.Tensor, ...], levels: torch.Tensor) -> None:
        """Set voxels."""
        self.values[:, chosen[0], chosen[1], chosen[2]] = levels


def lesion_levels(
    parameters: SubjectParameters, places: torch.Tensor, points: torch.Tensor
) -> torch.Tensor:
    """Levels of the subject's lesions; K x N.

    Args:
        parameters: the subject.
        places: where voxels are before anything is displaced, template mm, N x 3.
        points: where they are in the template's anatomy, N x 3.
    """
    ill = parameters.lesions
    if isinstance(ill, MultipleSclerosis):
        noise = _noise(parameters, points, "phantom ms outline", smoothness=0.9)
        return (_ovoids(ill, points) + 0.5 * noise[0])[None]
    assert ill is not None
    noise = _noise(parameters, places, "phantom tumour outline", smoothness=2.2)
    offset = (places - torch.tensor(ill.centre)) / torch.tensor(ill.stretch)
    radius = offset.norm(dim=-1)
    size = ill.radius
    core = radius / (1 + ill.roughness * noise[0]).clamp(0.5, 1.6) - size
    inner = radius / (1 + ill.roughness * (noise[0] + 0.6 * noise[1])).clamp(0.5, 1.6) - size
    around = radius / (1 + 2.2 * ill.roughness * noise[2]).clamp(0.4, 2.0) - size
    return torch.stack([core, inner, around])


def _ovoids(ill: MultipleSclerosis, points: torch.Tensor) -> torch.Tensor:
    """About the distance (mm) to the nearest ovoid; only near ones are computed."""
    level = torch.full((len(points),), FAR_AWAY)
    for one in ill.lesions:
        offset = points - torch.tensor(one.centre)
        near = torch.nonzero(offset.abs().amax(dim=-1) < one.length + _REACH)[:, 0]
        offset = offset[near]
        along = offset @ torch.tensor(one.axis)
        across = ((offset**2).sum(dim=-1) - along**2).clamp(min=0)
        relative = ((along / one.length) ** 2 + across / one.width**2).sqrt()
        level[near] = torch.minimum(level[near], (relative - 1) * one.width)
    return level


def _noise(
    parameters: SubjectParameters, points: torch.Tensor, purpose: str, *, smoothness: float
) -> torch.Tensor:
    rng = numpy_rng(parameters.seed, purpose, parameters.index)
    field = random_field(rng, GRID_SHAPE, smoothness=smoothness, channels=3)
    return sample(Field(field, GRID_ORIGIN, GRID), points)


def push_aside(
    places: torch.Tensor, depth: torch.Tensor, ill: MultipleSclerosis | Tumour | None
) -> torch.Tensor:
    """Where the tissue that a tumour has pushed to `places` comes from; N x 3, mm.

    A ball grows inside the brain: around it, r'^3 = r^3 - s R^3 exp(-(r - R)/L) takes a voxel at
    distance r back to r'. Brain next to the skull cannot give way.

    Args:
        places: template mm, N x 3.
        depth: distance to the skull's bed, mm, N.
        ill: the subject's lesions.
    """
    if not isinstance(ill, Tumour) or ill.mass == 0:
        return places
    offset = places - torch.tensor(ill.centre)
    r = offset.norm(dim=-1).clamp(min=1e-3)
    outside = ill.mass * ill.radius**3 * torch.exp(-(r - ill.radius) / _SPREAD)
    before = torch.where(
        r > ill.radius, (r**3 - outside).clamp(min=0) ** (1 / 3), r * (1 - ill.mass) ** (1 / 3)
    )
    gives = (depth / _HELD).clamp(0, 1)
    gives = gives * gives * (3 - 2 * gives)
    return places - offset * (gives * (r - before) / r)[:, None]


def mix_lesions(
    fractions: torch.Tensor, levels: LesionLevels, parameters: SubjectParameters, spacing: float
) -> None:
    """Replace healthy tissue by lesions, in place.

    Args:
        fractions: len(ALL) x X x Y x Z.
        levels: of the subject's lesions.
        parameters: the subject.
        spacing: mm.
    """
    near = torch.nonzero(levels.values.amin(dim=0) < 3 * _REACH, as_tuple=True)
    x, y, z = near
    mixture, level = fractions[:, x, y, z], levels.values[:, x, y, z]
    voxel, edge = spacing**3 / 1000, max(spacing, 1.0)
    if isinstance(parameters.lesions, MultipleSclerosis):
        room = mixture[_ROWS["wm"]] + _IN_GREY * mixture[_ROWS["gm"]]
        share = _sized(level[0], room, parameters.lesions.volume / voxel, edge)
        _replace(mixture, "ms", share, _IN_GREY)
    elif isinstance(parameters.lesions, Tumour):
        _mix_tumour(mixture, level, parameters.lesions, voxel, edge)
    fractions[:, x, y, z] = mixture


def _mix_tumour(
    mixture: torch.Tensor, level: torch.Tensor, ill: Tumour, voxel: float, edge: float
) -> None:
    """Oedema first, in white matter; then the tumour with its necrosis, in everything."""
    brain = mixture[:3].sum(dim=0)
    core = _sized(level[0], brain, ill.volume / voxel, edge)
    if ill.oedema > 0:
        white = (mixture[_ROWS["wm"]] + 0.25 * mixture[_ROWS["gm"]]) * (1 - core)
        _replace(mixture, "oedema", _sized(level[2], white, ill.oedema / voxel, _FADE), 0.25)
    dead = torch.zeros_like(core)
    if ill.necrosis > 0:
        dead = _sized(level[1], core * brain, ill.necrosis * ill.volume / voxel, edge)
    held = mixture[:3].sum(dim=0) + mixture[_ROWS["oedema"]]
    for name in ("wm", "gm", "csf", "oedema"):
        mixture[_ROWS[name]] *= 1 - core
    mixture[_ROWS["necrosis"]] = core * dead * held
    mixture[_ROWS["tumour"]] = core * (1 - dead) * held


def _replace(mixture: torch.Tensor, name: str, share: torch.Tensor, in_grey: float) -> None:
    """Put a lesion in the place of a share of white matter, and of less of the grey matter."""
    white, grey = mixture[_ROWS["wm"]] * share, mixture[_ROWS["gm"]] * share * in_grey
    mixture[_ROWS["wm"]] -= white
    mixture[_ROWS["gm"]] -= grey
    mixture[_ROWS[name]] += white + grey


def _sized(level: torch.Tensor, room: torch.Tensor, voxels: float, edge: float) -> torch.Tensor:
    """The share of each voxel inside the level whose content in `room` is `voxels`.

    The content grows with the level, so bisection finds it; a volume that does not fit becomes
    the largest that does. NumPy adds up, because torch's sums depend on the number of threads.
    """
    heights, amount = level.numpy(), room.numpy()
    low, high = -60.0, 3 * _REACH
    for _ in range(32):
        middle = (low + high) / 2
        share = np.clip(np.float32(0.5 + middle / edge) - heights / np.float32(edge), 0, 1)
        if float((share * amount).sum()) < voxels:
            low = middle
        else:
            high = middle
    return (0.5 + high / edge - level / edge).clamp(0, 1)
