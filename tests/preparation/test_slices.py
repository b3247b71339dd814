"""The brain's height is found in whole heads, stripped brains and stacks alike."""

import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from popgan.preparation.intensity import Intensity, measure_intensity
from popgan.preparation.orientation import spacing_of, to_ras
from popgan.preparation.slices import choose_slices, find_brain, plane_extent
from popgan.scans import discover, read_scan


def ellipsoid(shape, spacing, centre, axes):
    grids = np.meshgrid(*(np.arange(n) * spacing for n in shape), indexing="ij")
    return sum(((g - c) / a) ** 2 for g, c, a in zip(grids, centre, axes, strict=True)) < 1


def whole_head(spacing=2.0):
    """Head 154 x 192 mm with its top at 210 mm, on a neck that leaves the picture below."""
    shape = tuple(round(n / spacing) for n in (200, 240, 240))
    head = ellipsoid(shape, spacing, (100, 120, 140), (77, 96, 70))
    neck = ellipsoid(shape, spacing, (100, 100, 0), (55, 60, 130))
    return np.where(head | neck, 0.8, 0.02).astype(np.float32)


@pytest.mark.parametrize("spacing", [1.5, 2.0, 4.0])
def test_a_head_holds_an_adult_brain_below_its_top_and_above_its_neck(spacing):
    box = find_brain(whole_head(spacing), np.full(3, spacing), Intensity(0, 1, 0.3, None))
    assert box.kind == "head"
    assert box.top == pytest.approx(210 - 14, abs=4)
    assert box.top - box.bottom == pytest.approx(137, abs=4)


def test_larger_heads_hold_higher_brains():
    small = find_brain(whole_head(), np.full(3, 2.0), Intensity(0, 1, 0.3, None))
    large = find_brain(whole_head(), np.full(3, 2.15), Intensity(0, 1, 0.3, None))
    assert large.top - large.bottom > small.top - small.bottom + 3


def test_a_stripped_brain_is_its_own_foreground():
    data = np.where(ellipsoid((80, 100, 80), 2, (80, 100, 80), (66, 84, 68)), 0.7, 0)
    box = find_brain(data.astype(np.float32), np.full(3, 2.0), Intensity(0, 1, 0.2, 0.0))
    assert box.kind == "brain"
    assert (box.bottom, box.top) == pytest.approx((12, 148), abs=4)


def test_a_flat_stack_is_taken_whole():
    data = np.where(ellipsoid((128, 128, 20), 1, (64, 64, 8), (45, 55, 40)), 0.7, 0)
    box = find_brain(data.astype(np.float32), np.ones(3), Intensity(0, 1, 0.2, 0.0))
    assert box.kind == "stack"
    assert (box.bottom, box.top) == (-0.5, 19.5)


def test_nothing_is_found_in_noise():
    assert (
        find_brain(np.zeros((20, 20, 20), np.float32), np.full(3, 2.0), Intensity(0, 1, 0.2, 0.0))
        is None
    )


def test_slices_lie_evenly_between_the_percentiles():
    box = find_brain(whole_head(), np.full(3, 2.0), Intensity(0, 1, 0.3, None))
    indices, heights = choose_slices(box, depth=120, spacing=2, count=24, percent=(30, 90))
    assert len(indices) == 24
    assert heights[0] == pytest.approx(0.3, abs=0.01)
    assert heights[-1] == pytest.approx(0.9, abs=0.01)
    steps = np.diff(heights)
    assert steps.max() - steps.min() < 2.1 / 137
    np.testing.assert_allclose(heights, (indices * 2 - box.bottom) / (box.top - box.bottom))


def test_a_stack_with_few_slices_gives_each_at_most_once():
    data = np.where(ellipsoid((128, 128, 10), 1, (64, 64, 4), (45, 55, 40)), 0.7, 0)
    box = find_brain(data.astype(np.float32), np.ones(3), Intensity(0, 1, 0.2, 0.0))
    indices, _ = choose_slices(box, depth=10, spacing=1, count=24, percent=(0, 100))
    np.testing.assert_array_equal(indices, np.arange(10))


def test_the_extent_is_that_of_the_head():
    box = find_brain(whole_head(), np.full(3, 2.0), Intensity(0, 1, 0.3, None))
    indices, heights = choose_slices(box, depth=120, spacing=2, count=24, percent=(30, 90))
    centre, size = plane_extent(box, indices, heights)
    assert centre == pytest.approx((100, 120), abs=3)
    assert size == pytest.approx((154, 192), abs=6)


@pytest.mark.realdata
@pytest.mark.skipif("POPGAN_DATA" not in os.environ, reason="POPGAN_DATA is not set")
def test_heights_agree_with_the_tissue_maps_of_real_heads():
    errors, tops = [], []
    for found in discover(Path(os.environ["POPGAN_DATA"]) / "ixi_t1_2mm").scans[::3]:
        scan = read_scan(found)
        data, affine = to_ras(scan.data, scan.affine)
        intensity = measure_intensity(data)
        box = find_brain(data, spacing_of(affine), intensity)
        assert box.kind == "head"
        labels = np.asanyarray(nib.load(found.path.parent / "tissue.nii.gz").dataobj)
        present = np.flatnonzero((labels > 0).any(axis=(0, 1)))
        low, high = (present[0] - 0.5) * 2, (present[-1] + 0.5) * 2
        indices, heights = choose_slices(
            box, depth=data.shape[2], spacing=2, count=24, percent=(30, 90)
        )
        errors.append(np.abs((indices * 2 - low) / (high - low) - heights).mean())
        tops.append(abs(box.top - high))
    assert np.mean(errors) < 0.025
    assert np.mean(tops) < 3
