"""An uneven scan is evened out, an even one is left alone, and nothing odd makes it fail."""

from __future__ import annotations

import numpy as np
import pytest
from made_volumes import brain_of, person, volume

from popgan.preparation.bias import correct, divide, estimate_field, field_plane
from popgan.preparation.coarse import MOST_SIDE, in_blocks


def variation(data: np.ndarray, where: np.ndarray) -> float:
    return float(data[where].std() / data[where].mean())


@pytest.fixture
def coarse(monkeypatch):
    """Larger blocks: a sixth of the time, and almost as good."""
    monkeypatch.setattr("popgan.preparation.bias._EDGE", 10.0)


def test_a_known_field_is_taken_out_of_white_matter(coarse):
    subject = person(3, bias=0.3)
    head, white = volume(subject.scans["T1w"], subject.affine), subject.fraction("wm") > 0.9
    data, field, step = correct(head, brain_of(subject), "auto", simulated=False)
    assert step.choice == "n4"
    assert step.figures["unevenness"] == field.unevenness > 0.1
    assert variation(data, white) < 0.5 * variation(head.data, white)


@pytest.mark.parametrize("contrast", ["T1w", "T2w", "FLAIR"])
def test_a_flat_field_is_left_alone_bit_for_bit(contrast):
    subject = person(1)
    head = volume(subject.scans[contrast], subject.affine, contrast)
    data, field, step = correct(head, brain_of(subject), "auto", simulated=False)
    assert data is head.data
    assert field is None
    assert (step.choice, step.source) == ("none", "rule")
    assert step.figures["first_look"] < 0.055


def test_the_same_scan_gives_the_same_field(coarse):
    subject = person(3, bias=0.3)
    head, brain = volume(subject.scans["T1w"], subject.affine), brain_of(subject)
    one, two = (estimate_field(head.data, head.spacing, brain, floor=0) for _ in range(2))
    np.testing.assert_array_equal(one.log, two.log)


@pytest.mark.parametrize(
    ("choice", "simulated", "says"),
    [("off", False, "--bias-field off"), ("auto", True, "phantom")],
)
def test_what_is_not_wanted_is_not_looked_at(choice, simulated, says, monkeypatch):
    monkeypatch.setattr("popgan.preparation.bias.estimate_field", None)
    subject = person(3, bias=0.3)
    head = volume(subject.scans["T1w"], subject.affine)
    data, _, step = correct(head, None, choice, simulated=simulated)
    assert data is head.data
    assert says in step.reason


def test_pictures_and_stacks_are_not_corrected():
    subject = person(3, bias=0.3)
    for count, says in ((1, "single slice"), (8, "few slices")):
        part = subject.scans["T1w"][:, :, 24 : 24 + count]
        data, field, step = correct(volume(part, subject.affine), None, "auto", simulated=False)
        assert field is None
        assert data.shape == part.shape
        assert says in step.reason


def test_division_undoes_multiplication_and_keeps_floor_and_background():
    rng = np.random.default_rng(0)
    grid = np.indices((20, 24, 18)) / 10
    from popgan.preparation.bias import BiasField

    log = (0.3 * np.sin(np.indices((5, 6, 6)).sum(axis=0) / 4)).astype(np.float32)
    field = BiasField(log, (4, 4, 3), (0, 0, 0), 0.1)
    planes = np.stack([field_plane(field, (20, 24, 18), k) for k in range(18)], axis=2)
    truth = (50 + rng.random((20, 24, 18)) * 100 + grid[0]).astype(np.float32)
    uneven = ((truth - 7) * np.exp(planes) + 7).astype(np.float32)
    uneven[:3] = -4  # a constant background
    back = divide(uneven, field, floor=7, blank=-4)
    np.testing.assert_allclose(back[3:], truth[3:], rtol=1e-4)
    assert (back[:3] == -4).all()


@pytest.mark.parametrize("values", [0.0, 5.0, np.nan])
def test_volumes_without_tissue_have_no_field(values):
    data = np.full((30, 30, 30), values, np.float32)
    for mask in (np.zeros(data.shape, bool), np.ones(data.shape, bool)):
        field = estimate_field(data, np.full(3, 4.0), mask, floor=0)
        assert field is None or field.unevenness < 1e-3


def test_however_large_a_volume_its_blocks_are_few():
    long = np.zeros((2048, 9, 8), np.float32)
    blocks = in_blocks(long, np.array([50.0, 0.01, 4.0]), 4.0)
    assert max(blocks.values.shape) <= MOST_SIDE
    assert blocks.values.shape == (128, 1, 8)


def test_blocks_are_means_at_their_own_place():
    data = np.arange(7 * 4 * 4, dtype=np.float32).reshape(7, 4, 4)
    affine = np.diag([2.0, 2, 2, 1])
    blocks = in_blocks(data, np.full(3, 2.0), 4.0)
    assert blocks.values.shape == (3, 2, 2)
    assert blocks.values[1, 0, 1] == data[2:4, 0:2, 2:4].mean()
    np.testing.assert_allclose(blocks.affine(affine) @ [1, 0, 1, 1], [5, 1, 5, 1])
