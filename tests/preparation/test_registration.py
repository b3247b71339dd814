"""A displaced contrast is brought back, one in place is not touched, nonsense is refused."""

from __future__ import annotations

import numpy as np
import pytest
from made_volumes import person
from scipy.spatial.transform import Rotation

from popgan.preparation.atlas import load_atlas
from popgan.preparation.registration import Placed, align, to_template


def placed(contrast: str, index: int = 1) -> Placed:
    subject = person(index)
    return Placed(subject.scans[contrast].astype(np.float32), subject.affine)


@pytest.mark.parametrize(
    ("contrast", "degrees", "shift"),
    [("T2w", (6, -3, 4), (4, -6, 5)), ("FLAIR", (0, 0, -9), (-8, 3, 0))],
)
def test_a_known_displacement_is_found_to_a_millimetre_and_a_degree(contrast, degrees, shift):
    moved = np.eye(4)
    moved[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    moved[:3, 3] = shift
    scan = placed(contrast)
    found = align(placed("T1w"), Placed(scan.data, moved @ scan.affine))
    assert found.applied
    left = found.world @ moved
    assert np.rad2deg(Rotation.from_matrix(left[:3, :3]).magnitude()) < 1
    middle = np.array([0.0, -17, 20, 1])
    assert np.linalg.norm((left @ middle - middle)[:3]) < 1
    assert found.figures["information_after"] > 1.5 * found.figures["information_before"]
    expected = np.rad2deg(Rotation.from_matrix(moved[:3, :3]).magnitude())
    assert found.figures["rotation_deg"] == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("contrast", ["T2w", "FLAIR"])
def test_what_lies_in_place_stays_there(contrast):
    found = align(placed("T1w"), placed(contrast))
    assert not found.applied
    assert found.sound
    np.testing.assert_array_equal(found.world, np.eye(4))
    assert "as good" in found.reason


def test_scans_that_do_not_meet_are_not_moved():
    scan = placed("T2w")
    away = scan.affine.copy()
    away[0, 3] += 5000
    found = align(placed("T1w"), Placed(scan.data, away))
    assert not found.applied
    assert not found.sound


@pytest.mark.parametrize("shape", [(8, 8, 1), (30, 30, 30)])
@pytest.mark.parametrize("value", [0.0, 3.0])
def test_flat_volumes_are_not_moved(shape, value):
    flat = Placed(np.full(shape, value, np.float32), np.diag([4.0, 4, 4, 1]))
    for pair in ((flat, flat), (placed("T1w"), flat), (flat, placed("T1w"))):
        found = align(*pair)
        assert not found.applied
        np.testing.assert_array_equal(found.world, np.eye(4))


def test_a_stretched_template_is_found_again():
    atlas = load_atlas()
    stretched = np.diag([0.9, 0.95, 1.05, 1.0]) @ atlas.affine
    stretched[:3, 3] += (4, -3, 5)
    world = to_template(
        Placed(atlas.values, stretched),
        Placed(atlas.values, atlas.affine),
        np.eye(4),
        fixed_mask=atlas.near,
    )
    some = np.array(np.nonzero(atlas.brain))[:, ::5000]
    inside = np.vstack([some, np.ones(some.shape[1])])
    places = atlas.affine @ inside
    error = np.linalg.norm((world @ stretched @ inside - places)[:3], axis=0)
    assert error.max() < 2


def test_the_atlas_keeps_all_of_the_brain_and_no_eye():
    atlas = load_atlas()
    assert atlas.keep[atlas.brain].all()
    for eye in ((33, 58, -38), (-33, 58, -38), (0, 85, -50), (0, 70, -80)):
        x, y, z = np.round(np.linalg.inv(atlas.affine) @ [*eye, 1])[:3].astype(int)
        inside = all(0 <= v < side for v, side in zip((x, y, z), atlas.keep.shape, strict=True))
        assert not (inside and atlas.keep[x, y, z])


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [-20, 20])
def test_a_nodding_brain_is_brought_upright(degrees):
    atlas = load_atlas()
    nod = np.eye(4)
    nod[:3, :3] = Rotation.from_euler("x", degrees, degrees=True).as_matrix()
    nodding = nod @ atlas.affine
    scan, template = Placed(atlas.values, nodding), Placed(atlas.values, atlas.affine)
    world = to_template(scan, template, np.eye(4), fixed_mask=atlas.near)
    some = np.array(np.nonzero(atlas.brain))[:, ::5000]
    inside = np.vstack([some, np.ones(some.shape[1])])
    error = np.linalg.norm((world @ nodding @ inside - atlas.affine @ inside)[:3], axis=0)
    assert error.max() < 2
