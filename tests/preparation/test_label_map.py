"""A label map follows the slices to the voxel, or it is refused; it is never guessed."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from made_heads import head_volume
from popgan.preparation.label_map import (
    MOST_LABELS,
    Place,
    TooManyLabelsError,
    distinct_values,
    label_planes,
    nearest_slices,
)
from popgan.preparation.resample import resample_slices
from popgan.preparation.visit import SliceChoice, prepare_visit
from popgan.scans import Scan, ScanError


def scan(data: np.ndarray, affine: np.ndarray, *, spacing_known: bool = True) -> Scan:
    whole = data.astype(np.float32)
    return Scan("s", None, "T1w", whole, affine, Path("x"), None, "0" * 64, spacing_known)


def oblique(shape: tuple[int, ...], spacing: float, degrees: tuple[float, ...]) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix() * spacing
    affine[:3, 3] = -affine[:3, :3] @ (np.array(shape) / 2) + (3, -4, 5)
    return affine


def follow(found: Scan, prepared, place: Place | None = None):
    return label_planes(
        found,
        place or prepared.place,
        spacing=prepared.spacing[:2],
        centre=prepared.centre,
        extent=prepared.extent,
    )


def values_of(result) -> np.ndarray:
    return np.array(result.values)[result.planes]


@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (-1, -1, 1), (1, -1, -1)])
def test_on_an_oblique_grid_every_sample_has_the_label_of_its_own_voxel(flips):
    # Voxels whose brightness is their label: so the scan itself says what the map must say.
    data = head_volume(1)
    labels = np.digitize(data, np.quantile(data[data > 0], np.linspace(0.1, 0.9, 9)))
    affine = oblique(data.shape, 5.0, (11, -7, 14)) @ np.diag([*flips, 1.0])
    choice = SliceChoice(count=7, keep_skull=True, bias_field="off")
    prepared = prepare_visit([scan(data, affine)], choice)
    result = follow(scan(labels, affine), prepared)
    fact = prepared.facts[0].intensity
    levels = np.digitize(
        prepared.planes[:, 0] * fact.scale + fact.offset,
        np.quantile(data[data > 0], np.linspace(0.1, 0.9, 9)) - 0.3,
    )
    below_full = prepared.planes[:, 0] < 1
    above_none = prepared.planes[:, 0] > 0
    inside = below_full & above_none
    assert inside.mean() > 0.2
    np.testing.assert_array_equal(values_of(result)[inside], levels[inside])
    assert result.valid.all()


def test_a_map_on_another_grid_is_what_scipy_samples():
    rng = np.random.default_rng(0)
    data = head_volume(2)
    affine = oblique(data.shape, 5.0, (5, 3, -9))
    prepared = prepare_visit(
        [scan(data, affine)], SliceChoice(count=5, keep_skull=True, bias_field="off")
    )
    shape = (61, 75, 70)
    own = oblique(shape, 3.7, (-8, 12, 20))
    labels = ndimage.zoom(rng.integers(0, 5, (16, 19, 18)), 3.9, order=0)[:61, :75, :70]
    result = follow(scan(labels, own), prepared)
    grid = np.indices(prepared.place.shape).reshape(2, -1)
    matrix = np.linalg.inv(own) @ prepared.place.affine
    for plane, index in zip(values_of(result), prepared.place.indices, strict=True):
        points = np.vstack([grid, np.full(grid.shape[1], index), np.ones(grid.shape[1])])
        voxels = (matrix @ points)[:3]
        expected = ndimage.map_coordinates(labels, voxels, order=0, mode="grid-constant")
        agree = plane.ravel() == expected
        # A sample between two voxels may go either way; there are none here but by chance.
        near = np.abs(voxels - np.floor(voxels) - 0.5).min(axis=0) < 1e-5
        assert (agree | near).all()


def test_a_transform_moves_the_map_with_the_scan():
    data = head_volume(3)
    affine = np.diag([5.0, 5, 5, 1])
    labels = (data > 400).astype(np.uint8)
    prepared = prepare_visit(
        [scan(data, affine)], SliceChoice(count=5, keep_skull=True, bias_field="off")
    )
    straight = follow(scan(labels, affine), prepared)
    # Planes that lie 10 mm to the right in a space of their own, and the way back to the scan.
    moved = prepared.place.affine.copy()
    moved[0, 3] += 10
    back = np.eye(4)
    back[0, 3] = -10
    place = Place(prepared.place.shape, moved, prepared.place.indices, back)
    result = follow(scan(labels, affine), prepared, place)
    np.testing.assert_array_equal(result.planes, straight.planes)
    unmoved = Place(prepared.place.shape, moved, prepared.place.indices)
    shifted = follow(scan(labels, affine), prepared, unmoved)
    np.testing.assert_array_equal(shifted.planes[:, :-2], straight.planes[:, 2:])


def test_labels_go_to_the_grid_of_the_store_exactly_as_the_slices_do():
    rng = np.random.default_rng(0)
    codes = ndimage.zoom(rng.integers(0, 4, (3, 9, 11)), (1, 5, 5), order=0).astype(np.uint8)
    grid = {"spacing": (2.0, 1.5), "centre": (40.0, 45.0), "field": (120.0, 120.0)}
    # Coarse blocks seen through a finer grid: away from their borders both ways agree.
    sampled = nearest_slices(codes, **grid, shape=(90, 90))
    certain = 0
    for code in range(1, 4):
        share = resample_slices((codes == code).astype(np.float32), **grid, shape=(90, 90))
        assert (sampled[share > 1 - 1e-5] == code).all()
        assert (sampled[share < 1e-5] != code).all()
        certain += int((share > 1 - 1e-5).sum())
    assert certain > 0.2 * sampled.size


def test_what_lies_outside_the_planes_has_no_label():
    sampled = nearest_slices(
        np.full((1, 4, 4), 3, np.uint8),
        spacing=(1, 1),
        centre=(1.5, 1.5),
        field=(8, 8),
        shape=(8, 8),
        fill=1,
    )
    expected = np.ones((8, 8))
    expected[2:6, 2:6] = 3
    np.testing.assert_array_equal(sampled[0], expected)


def test_slices_that_the_map_does_not_cover_are_unknown_not_empty():
    data, affine = head_volume(1), np.diag([5.0, 5, 5, 1])
    prepared = prepare_visit(
        [scan(data, affine)], SliceChoice(count=10, keep_skull=True, bias_field="off")
    )
    middle = int(prepared.place.indices[5])
    lower = (data[:, :, :middle] > 400).astype(np.uint8)
    result = follow(scan(lower, affine), prepared)
    np.testing.assert_array_equal(result.valid, prepared.place.indices < middle)
    assert result.areas[result.valid].min() > 0
    assert result.areas[~result.valid].max() == 0


def test_a_map_that_lies_elsewhere_is_refused():
    data, affine = head_volume(1), np.diag([5.0, 5, 5, 1])
    prepared = prepare_visit(
        [scan(data, affine)], SliceChoice(count=4, keep_skull=True, bias_field="off")
    )
    far = affine.copy()
    far[:3, 3] = 900
    with pytest.raises(ScanError, match="covers no slice"):
        follow(scan((data > 400).astype(np.uint8), far), prepared)


def test_the_mask_of_a_picture_must_have_its_size():
    rng = np.random.default_rng(0)
    affine = np.array([[0, -1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], float)
    picture = np.zeros((60, 50, 1))
    picture[10:50, 10:40] = rng.uniform(50, 200, (40, 30, 1))
    prepared = prepare_visit(
        [scan(picture, affine, spacing_known=False)], SliceChoice(keep_skull=True, bias_field="off")
    )
    mask = np.zeros((60, 50, 1))
    mask[20:25, 12:20] = 255
    result = follow(scan(mask, affine, spacing_known=False), prepared)
    assert result.areas.tolist() == [40]
    assert result.values == (0, 255)
    with pytest.raises(ScanError, match="another size than its picture"):
        follow(scan(mask[:-1], affine, spacing_known=False), prepared)


def test_more_labels_than_the_store_holds_are_refused_as_a_kind():
    data, affine = head_volume(1), np.diag([5.0, 5, 5, 1])
    prepared = prepare_visit(
        [scan(data, affine)], SliceChoice(count=4, keep_skull=True, bias_field="off")
    )
    labels = np.arange(data.size).reshape(data.shape) % (MOST_LABELS + 1)
    with pytest.raises(TooManyLabelsError, match="65 different values, more than 64"):
        follow(scan(labels, affine), prepared)
    assert len(follow(scan(labels % MOST_LABELS, affine), prepared).values) == MOST_LABELS


def test_a_map_without_zero_or_with_negative_values_keeps_its_values():
    data, affine = head_volume(1), np.diag([5.0, 5, 5, 1])
    prepared = prepare_visit(
        [scan(data, affine)], SliceChoice(count=4, keep_skull=True, bias_field="off")
    )
    result = follow(scan(np.where(data > 400, 7, -1), affine), prepared)
    assert result.values == (-1, 0, 7)
    assert set(np.unique(values_of(result))) == {-1, 7}


@pytest.mark.parametrize("spread", [5, 2**21])
def test_different_values_are_those_that_numpy_finds(spread):
    data = np.random.default_rng(0).integers(-spread, spread, (9, 8, 7)).astype(np.float32)
    np.testing.assert_array_equal(distinct_values(data), np.unique(data))


@pytest.mark.realdata
def test_grey_values_of_real_heads_are_ordered_fluid_grey_matter_white_matter(real_data):
    from popgan.scans import read_scan
    from popgan.scans.scan import Found

    folders = sorted((real_data / "ixi_t1_2mm").glob("sub-*"))[::4]
    assert len(folders) == 10
    for folder in folders:
        t1, tissue = (
            read_scan(Found(path, "", "nifti", "s", None, "T1w", labels=labels))
            for path, labels in ((folder / "t1.nii.gz", False), (folder / "tissue.nii.gz", True))
        )
        prepared = prepare_visit([t1], SliceChoice(keep_skull=True, bias_field="off"))
        drawn = values_of(follow(tissue, prepared))
        fluid, grey, white = (prepared.planes[:, 0][drawn == value].mean() for value in (1, 2, 3))
        assert fluid < grey < white, folder.name
        image = nib.load(folder / "tissue.nii.gz")
        whole = np.asarray(image.dataobj)[:, :, prepared.place.indices]
        np.testing.assert_array_equal(drawn, np.moveaxis(whole, 2, 0))
