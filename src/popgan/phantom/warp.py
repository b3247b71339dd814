"""Smooth random fields and the warp from a subject's head back to the template.

A point of the scanner's space is taken by the inverse pose and scale to template space and moved
there by a smooth displacement. The displacement is shrunk until its Jacobian determinant is
positive everywhere, so that no tissue folds over itself.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from popgan.phantom.parameters import SubjectParameters
from popgan.phantom.template import Field, Template
from popgan.seeds import numpy_rng

GRID = 4.0
"""mm between nodes of the displacement."""
LEAST_JACOBIAN = 0.25
"""Local volumes shrink to a quarter at most."""
_ORIGIN = (-112.0, -148.0, -128.0)
_SHAPE = (57, 68, 62)
_SMOOTHNESS = 22.0  # mm, standard deviation of the kernel that makes the warp smooth


def random_field(
    rng: np.random.Generator, shape: tuple[int, ...], *, smoothness: float, channels: int
) -> NDArray[np.float32]:
    """Gaussian random fields of unit standard deviation, channels x shape.

    Args:
        rng: source of white noise.
        shape: of the grid.
        smoothness: standard deviation of the smoothing kernel, grid steps.
        channels: independent fields.
    """
    white = rng.standard_normal((channels, *shape), dtype=np.float32)
    smooth = np.stack([ndimage.gaussian_filter(one, smoothness, mode="wrap") for one in white])
    axes = tuple(range(1, smooth.ndim))
    smooth -= smooth.mean(axis=axes, keepdims=True)
    return smooth / smooth.std(axis=axes, keepdims=True)


def displacement(parameters: SubjectParameters, template: Template) -> Field:
    """The subject's displacement in template space, mm: smooth warp and ventricles."""
    rng = numpy_rng(parameters.seed, "phantom warp", parameters.index)
    smooth = random_field(rng, _SHAPE, smoothness=_SMOOTHNESS / GRID, channels=3)
    points = grid_points(_ORIGIN, GRID, _SHAPE)
    push = sample(template.ventricles, points).numpy()
    field = parameters.warp * smooth + parameters.ventricles * push
    while float(jacobian(field, GRID).min()) < LEAST_JACOBIAN:
        field = field * np.float32(0.9)
    return Field(field.astype(np.float32), _ORIGIN, GRID)


def jacobian(field: NDArray[np.float32], spacing: float) -> NDArray[np.float64]:
    """Determinant of the Jacobian of x -> x + field(x), for field 3 x X x Y x Z in mm."""
    slopes = np.stack([np.stack(np.gradient(part, spacing)) for part in field.astype(np.float64)])
    matrix = np.moveaxis(slopes, (0, 1), (-2, -1)) + np.eye(3)
    return np.linalg.det(matrix)


def grid_points(
    origin: tuple[float, float, float], spacing: float, shape: tuple[int, int, int]
) -> torch.Tensor:
    """Positions of a grid's voxels, X x Y x Z x 3, mm."""
    axes = [
        start + spacing * torch.arange(count, dtype=torch.float32)
        for start, count in zip(origin, shape, strict=True)
    ]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)


def rotation_matrix(degrees: tuple[float, float, float]) -> NDArray[np.float64]:
    """Rotation about x, then y, then z."""
    result = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        i, j = [(1, 2), (2, 0), (0, 1)][axis]
        turn = np.eye(3)
        turn[i, i] = turn[j, j] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        result = turn @ result
    return result


def to_template(parameters: SubjectParameters, points: torch.Tensor) -> torch.Tensor:
    """Points of the scanner's space (... x 3, mm) by the inverse pose and scale."""
    matrix = np.diag(1 / np.array(parameters.scale)) @ rotation_matrix(parameters.rotation).T
    turned = torch.from_numpy(matrix.T.astype(np.float32))
    return (points - torch.tensor(parameters.shift, dtype=torch.float32)) @ turned


def sample(field: Field, points: torch.Tensor) -> torch.Tensor:
    """Values of a field at points (X x Y x Z x 3, mm), trilinear, zero outside; C x X x Y x Z."""
    values = torch.from_numpy(field.values)
    sizes = torch.tensor(values.shape[1:], dtype=torch.float32)
    index = (points - torch.tensor(field.origin, dtype=torch.float32)) / field.spacing
    # grid_sample wants the last array axis first and coordinates in [-1, 1].
    unit = (2 * index / (sizes - 1) - 1).flip(-1)
    return torch.nn.functional.grid_sample(
        values[None], unit[None], mode="bilinear", padding_mode="zeros", align_corners=True
    )[0]
