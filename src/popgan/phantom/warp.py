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
GRID_ORIGIN = (-112.0, -148.0, -128.0)
GRID_SHAPE = (57, 68, 62)
_SMOOTHNESS = 26.0  # mm, standard deviation of the kernel that makes the warp smooth


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
    smooth = random_field(rng, GRID_SHAPE, smoothness=_SMOOTHNESS / GRID, channels=3)
    push = sample(template.ventricles, grid_points(GRID_ORIGIN, GRID, GRID_SHAPE)).numpy()
    ventricles = np.float32(parameters.ventricles) * push
    field: NDArray[np.float32] = np.float32(parameters.warp) * _mixed(smooth, parameters.asymmetry)
    field = field + ventricles
    while float(jacobian(field, GRID).min()) < LEAST_JACOBIAN:
        field = field * np.float32(0.9)
    return Field(field, GRID_ORIGIN, GRID)


def _mixed(field: NDArray[np.float32], asymmetry: float) -> NDArray[np.float32]:
    """Mix a displacement with its mirror image: heads differ more than their two sides do."""
    mirror = field[:, ::-1] * np.array([-1, 1, 1], np.float32)[:, None, None, None]
    symmetric, odd = (field + mirror) / np.sqrt(2), (field - mirror) / np.sqrt(2)
    mixed = np.sqrt(1 - asymmetry) * symmetric + np.sqrt(asymmetry) * odd
    return np.asarray(mixed, dtype=np.float32)


def jacobian(field: NDArray[np.float32], spacing: float) -> NDArray[np.float32]:
    """Determinant of the Jacobian of x -> x + field(x), for field 3 x X x Y x Z in mm."""
    (a, b, c), (d, e, f), (g, h, i) = (np.gradient(part, spacing) for part in field)
    a, e, i = a + 1, e + 1, i + 1
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


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
    matrix, offset = inverse_pose(parameters)
    return points @ matrix.T + offset


def inverse_pose(parameters: SubjectParameters) -> tuple[torch.Tensor, torch.Tensor]:
    """Matrix (3 x 3) and offset (3, mm) from the scanner's space to template space."""
    matrix = np.diag(1 / np.array(parameters.scale)) @ rotation_matrix(parameters.rotation).T
    offset = -matrix @ np.array(parameters.shift)
    return torch.from_numpy(matrix.astype(np.float32)), torch.from_numpy(offset.astype(np.float32))


def sample(field: Field, points: torch.Tensor) -> torch.Tensor:
    """Values of a field at points (... x 3, mm), trilinear, zero outside; C x ..."""
    values = torch.from_numpy(field.values)
    sizes = torch.tensor(values.shape[1:], dtype=torch.float32)
    # grid_sample wants the last array axis first and coordinates in [-1, 1].
    factor = 2 / (field.spacing * (sizes - 1))
    start = torch.tensor(field.origin, dtype=torch.float32) * factor + 1
    unit = (points * factor - start).flip(-1).reshape(1, 1, 1, -1, 3)
    found = torch.nn.functional.grid_sample(
        values[None], unit, mode="bilinear", padding_mode="zeros", align_corners=True
    )
    return found.reshape(values.shape[0], *points.shape[:-1])
