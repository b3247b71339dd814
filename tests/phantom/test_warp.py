"""Warps are smooth, keep the order of space, and are what they claim to be."""

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from popgan.phantom.parameters import draw_subject
from popgan.phantom.template import Field, load_template
from popgan.phantom.warp import (
    GRID,
    LEAST_JACOBIAN,
    displacement,
    grid_points,
    jacobian,
    random_field,
    rotation_matrix,
    sample,
    to_template,
)


@pytest.fixture(scope="module")
def template():
    return load_template()


def test_the_jacobian_of_a_linear_map_is_its_determinant():
    matrix = np.array([[0.1, 0.2, 0.0], [-0.1, 0.05, 0.3], [0.0, 0.1, -0.2]])
    points = grid_points((-8, -10, -6), 2.0, (9, 11, 7)).numpy()
    field = np.moveaxis(points @ matrix.T, -1, 0).astype(np.float32)
    np.testing.assert_allclose(jacobian(field, 2.0), np.linalg.det(np.eye(3) + matrix), rtol=1e-4)


@pytest.mark.parametrize("index", range(4))
def test_no_subject_is_folded(template, index):
    field = displacement(draw_subject(0, index), template)
    assert jacobian(field.values, GRID).min() >= LEAST_JACOBIAN


def test_even_an_extreme_subject_is_not_folded(template):
    import dataclasses

    wild = dataclasses.replace(draw_subject(0, 0), warp=30.0, ventricles=25.0)
    assert jacobian(displacement(wild, template).values, GRID).min() >= LEAST_JACOBIAN


def test_displacements_have_their_size(template):
    import dataclasses

    calm = [dataclasses.replace(draw_subject(0, i), ventricles=0.0, warp=2.0) for i in range(6)]
    sizes = [displacement(p, template).values.std() for p in calm]
    assert np.mean(sizes) == pytest.approx(2.0, rel=0.15)


def test_sampling_agrees_with_scipy():
    rng = np.random.default_rng(0)
    field = Field(rng.random((2, 7, 8, 9)).astype(np.float32), (-3.0, 1.0, 2.0), 1.5)
    points = torch.from_numpy(rng.uniform((-3, 1, 2), (6, 11.5, 14), (50, 3)).astype(np.float32))
    index = (points.numpy() - field.origin) / field.spacing
    expected = [map_coordinates(part, index.T, order=1) for part in field.values]
    np.testing.assert_allclose(sample(field, points).numpy(), expected, atol=1e-4)


def test_outside_a_field_is_zero():
    field = Field(np.ones((1, 4, 4, 4), np.float32), (0.0, 0.0, 0.0), 1.0)
    assert sample(field, torch.tensor([[20.0, 0, 0]])).item() == 0


def test_random_fields_are_standard_smooth_and_repeatable():
    fields = [
        random_field(np.random.default_rng(3), (30, 30, 30), smoothness=2, channels=2)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*fields)
    assert fields[0].std(axis=(1, 2, 3)) == pytest.approx(1, abs=1e-3)
    assert np.abs(np.diff(fields[0], axis=1)).mean() < 0.5


def test_rotations_are_rotations():
    matrix = rotation_matrix((10, -20, 30))
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(1)
    np.testing.assert_allclose(rotation_matrix((90, 0, 0)) @ [0, 1, 0], [0, 0, 1], atol=1e-12)


def test_pose_and_scale_are_undone_on_the_way_to_the_template():
    subject = draw_subject(0, 5)
    inner = np.array([12.0, -30, 44])
    outer = rotation_matrix(subject.rotation) @ (np.array(subject.scale) * inner) + subject.shift
    back = to_template(subject, torch.tensor(outer, dtype=torch.float32)[None])
    np.testing.assert_allclose(back[0].numpy(), inner, atol=1e-3)
