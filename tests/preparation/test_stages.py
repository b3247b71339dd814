"""Steps in their order: what is recorded, what becomes of the voxels, what stays untouched."""

from __future__ import annotations

import numpy as np
import pytest
from made_volumes import brain_of, person, scan
from scipy.spatial.transform import Rotation

from popgan.preparation.atlas import load_atlas
from popgan.preparation.visit import SliceChoice, prepare_visit
from popgan.scans import ScanError

PLAIN = SliceChoice(count=6, keep_skull=True, bias_field="off")
STRIP = SliceChoice(count=6, bias_field="off")


@pytest.fixture(autouse=True)
def _larger_voxels(monkeypatch):
    """Phantoms of 4 mm stand for what the network takes."""
    monkeypatch.setattr("popgan.preparation.brain._THICKEST", 4.0)


def outlined(data, contrast):
    """A network that knows the truth."""
    return brain_of(person(1))


def steps_of(prepared, contrast="T1w"):
    (fact,) = [fact for fact in prepared.facts if fact.contrast == contrast]
    return {step.name: step for step in fact.steps}


def of(*contrasts, index=1):
    subject = person(index)
    return [scan(subject.scans[name], subject.affine, name) for name in contrasts]


def test_what_is_outside_the_brain_is_exactly_zero_and_heights_are_the_brains():
    truth = brain_of(person(1))
    prepared = prepare_visit(of("T1w"), STRIP, outlined)
    assert prepared.facts[0].kind == "brain"
    rows = np.round((prepared.positions - person(1).affine[2, 3]) / 4).astype(int)
    for plane, k in zip(prepared.planes[:, 0], rows, strict=True):
        assert (plane[~truth[:, :, k]] == 0).all()
        assert (plane[truth[:, :, k]] > 0).mean() > 0.97
    present = np.flatnonzero(truth.sum(axis=(0, 1)) * 16 > 400)
    low, high = present[0] - 0.5, present[-1] + 0.5
    np.testing.assert_allclose(prepared.heights, (rows - low) / (high - low), atol=0.02)


def test_every_step_says_who_decided_and_why():
    steps = steps_of(prepare_visit(of("T1w"), STRIP, outlined))
    assert list(steps) == ["orientation", "brain", "bias field", "space"]
    assert (steps["brain"].choice, steps["brain"].source) == ("deepbet", "rule")
    assert all(step.reason for step in steps.values())
    kept = steps_of(prepare_visit(of("T1w"), PLAIN))
    assert (kept["brain"].choice, kept["brain"].source) == ("none", "fixed")
    assert "--keep-skull" in kept["brain"].reason


def test_a_phantom_keeps_its_head_and_a_stripped_brain_needs_nothing(monkeypatch):
    monkeypatch.setattr("popgan.preparation.stages.extract_brain", None)
    from dataclasses import replace

    simulated = prepare_visit(of("T1w"), replace(STRIP, simulated=True))
    assert "phantom" in steps_of(simulated)["brain"].reason
    assert simulated.facts[0].kind == "head"
    bare = person(1, skull=False)
    stripped = prepare_visit([scan(bare.scans["T1w"], bare.affine)], STRIP)
    assert "removed before" in steps_of(stripped)["brain"].reason


def test_plain_preparation_touches_no_voxel():
    prepared = prepare_visit(of("T1w", "T2w"), PLAIN)
    subject = person(1)
    rows = np.round((prepared.positions - subject.affine[2, 3]) / 4).astype(int)
    for channel, name in enumerate(("T1w", "T2w")):
        intensity = prepared.facts[channel].intensity
        expected = intensity.apply(subject.scans[name].astype(np.float32)[:, :, rows])
        np.testing.assert_array_equal(prepared.planes[:, channel], np.moveaxis(expected, 2, 0))
        assert not prepared.facts[channel].regridded


def test_the_mask_of_the_t1_is_carried_over_to_a_displaced_contrast():
    subject, truth = person(1), brain_of(person(1))
    moved = np.eye(4)
    moved[:3, :3] = Rotation.from_euler("z", 7, degrees=True).as_matrix()
    moved[:3, 3] = (5, -6, 4)
    first, other = of("T2w", "T1w")
    displaced = scan(other.data, moved @ other.affine, "T1w")
    prepared = prepare_visit([first, displaced], STRIP, outlined)
    assert steps_of(prepared, "T1w")["registration"].choice == "rigid"
    assert steps_of(prepared, "T1w")["brain"].choice == "deepbet"
    assert steps_of(prepared, "T2w")["brain"].choice == "carried over"
    rows = np.round((prepared.positions - subject.affine[2, 3]) / 4).astype(int)
    kept = prepared.planes[:, 0] > 0
    expected = np.moveaxis(truth[:, :, rows], 2, 0)
    assert 2 * (kept & expected).sum() / (kept.sum() + expected.sum()) > 0.95


def test_a_head_that_cannot_be_aligned_is_not_let_through_with_its_face():
    first, other = of("T1w", "T2w")
    away = other.affine.copy()
    away[0, 3] += 5000
    with pytest.raises(ScanError, match="cannot be aligned with the T1w") as caught:
        prepare_visit([first, scan(other.data, away, "T2w")], STRIP, outlined)
    assert caught.value.contrast == "T2w"


@pytest.mark.slow
def test_in_mni_slices_of_one_height_are_alike_and_where_the_template_says():
    from dataclasses import replace

    native, mni = [], []
    choice = replace(STRIP, count=6)
    for index in (1, 2, 3):
        truth = brain_of(person(index))
        for kept, own in ((native, choice), (mni, replace(choice, space="mni"))):
            kept.append(prepare_visit(of("T1w", index=index), own, lambda d, c, t=truth: t))
    low, high = load_atlas().box()
    for visit in mni:
        assert steps_of(visit)["space"].choice == "mni"
        assert visit.centre == mni[0].centre
        np.testing.assert_array_equal(visit.positions, mni[0].positions)
        expected = low[2] + visit.heights * (high[2] - low[2])
        np.testing.assert_allclose(visit.positions, expected, atol=1)
        assert visit.world[0] == pytest.approx((low[0] + high[0]) / 2)
        assert visit.spacing == (1, 1, 1)

    def alike(visits):
        planes = [v.planes[:, 0] for v in visits]
        pairs = [(0, 1), (0, 2), (1, 2)]
        return np.mean([np.corrcoef(planes[a].ravel(), planes[b].ravel())[0, 1] for a, b in pairs])

    assert alike(mni) > alike(native) + 0.05
    picture = mni[0].pictures[-1]
    assert "MNI" in picture.title
    assert max(picture.pixels.shape) <= 2 * 112


def test_pictures_cannot_be_in_mni_and_say_so():
    from dataclasses import replace

    single = scan(person(1).scans["T1w"][:, :, 30:31], person(1).affine)
    with pytest.raises(ScanError, match="--space mni"):
        prepare_visit([single], replace(STRIP, space="mni"))
    prepared = prepare_visit([single], STRIP)
    assert "single slice" in steps_of(prepared)["brain"].reason


def test_each_step_has_a_small_picture(monkeypatch):
    monkeypatch.setattr("popgan.preparation.bias._EDGE", 12.0)
    from dataclasses import replace

    choice = replace(STRIP, bias_field="n4")
    prepared = prepare_visit(of("T1w", "T2w"), choice, outlined)
    titles = [picture.title for picture in prepared.pictures]
    for word in ("as scanned", "brain mask", "bias corrected", "bias field", "registered"):
        assert any(word in title for title in titles)
    for picture in prepared.pictures:
        assert picture.pixels.dtype == np.uint8
        assert max(picture.pixels.shape) <= 2 * 112
        assert picture.pixels.max() > picture.pixels.min()


def test_how_much_of_a_head_was_read_is_measured_before_it_is_masked():
    subject = person(1)
    (whole,) = prepare_visit(of("T1w"), STRIP, outlined).facts
    assert whole.quality.height > 150
    truth = brain_of(subject)
    low = int(np.flatnonzero(truth.any(axis=(0, 1)))[0])
    cut = slice(low + 5, low + 20)  # 15 slices of 4 mm, as a slab that somebody cut out
    for data in (subject.scans["T1w"], np.where(truth, subject.scans["T1w"], 0)):
        (slab,) = prepare_visit([scan(data[:, :, cut], subject.affine)], PLAIN).facts
        assert slab.quality.height == 60
    single = scan(subject.scans["T1w"][:, :, low + 5 : low + 6], subject.affine)
    assert prepare_visit([single], PLAIN).facts[0].quality.height is None


@pytest.mark.parametrize("shape", [(40, 40, 1), (12, 40, 40), (40, 40, 9)])
def test_shapes_at_the_edge_end_in_slices_or_in_a_reason(shape):
    data = np.random.default_rng(0).uniform(50, 60, shape)
    data[:2] = data[-2:] = 0
    for choice in (STRIP, SliceChoice(bias_field="n4"), SliceChoice(space="mni")):
        try:
            prepared = prepare_visit([scan(data, np.diag([4.0, 4, 4, 1]))], choice)
        except ScanError as error:
            assert str(error)
        else:
            assert np.isfinite(prepared.planes).all()
