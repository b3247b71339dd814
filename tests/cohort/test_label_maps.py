"""Label maps of a cohort: they lie on the slices, and what nobody drew is marked as unknown."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from popgan.cohort import Cohort, IngestOptions, reading
from popgan.errors import UserError

SMALL = IngestOptions(resolution=32, slices=6, keep_skull=True, bias_field="off")


def ingest(source, run, **options):
    return Cohort.from_folder(source, run, options=SMALL.model_copy(update=options), workers=0)


def save_map(path, labels, affine):
    nib.save(nib.Nifti1Image(labels, affine), path)


def bright(path):
    """A map of the bright right half: what lies on the subject's right, and on both sides."""
    image = nib.load(path)
    data = np.asarray(image.dataobj)
    labels = (data > 350).astype(np.uint8)
    labels[data.shape[0] // 2 + 3 :] *= 4  # RAS: the upper half of axis 0 is the right side
    return labels, image.affine


@pytest.fixture
def drawn(heads):
    """Eight subjects; all but one have a mask of their bright voxels, the right half as 4."""
    for folder in sorted(heads.iterdir()):
        labels, affine = bright(folder / "t1.nii.gz")
        save_map(folder / "tissue.nii.gz", labels, affine)
    (heads / "Mueller5" / "tissue.nii.gz").unlink()
    return heads


def test_the_stored_map_lies_on_the_stored_slices(drawn, tmp_path):
    cohort = ingest(drawn, tmp_path / "run")
    assert cohort.label_map == "tissue"
    rows = cohort.indices("train")
    found = cohort.label_maps(rows)
    assert found.values == (0, 1, 4)
    assert found.codes.dtype == np.uint8
    assert found.codes.shape == (len(rows), 32, 32)
    images = cohort.images("train")[:, 0][found.valid]
    codes = found.codes[found.valid]
    # Bright where something was drawn, dark where nothing was.
    assert images[codes > 0].mean() > images[codes == 0].mean() + 1
    overlap = (images > -0.4) & (codes > 0)
    assert 2 * overlap.sum() / ((images > -0.4).sum() + (codes > 0).sum()) > 0.9
    # The subject's right is on the left of the picture.
    assert (codes[:, :, :14] == 2).sum() > 100
    assert (codes[:, :, 18:] == 2).sum() == 0


def test_a_visit_without_map_is_unknown_and_told(drawn, tmp_path):
    cohort = ingest(drawn, tmp_path / "run")
    key = json.loads((tmp_path / "run/private/subjects.json").read_text())["subjects"]
    for info in cohort.slices:
        assert info.mapped == (key[info.subject]["source_id"] != "Mueller5")
    every = cohort.label_maps(np.arange(len(cohort.slices)))
    assert every.codes[~every.valid].max() == 0
    assert (~every.valid).sum() == 6
    assert any("1 of 8 visits have no usable label map" in n for n in cohort.quality()["notes"])
    summary = cohort.fingerprint["label_map"]
    assert summary == {"name": "tissue", "values": [0, 1, 4], "visits": 7, "slices": 42}


def test_masks_are_the_membership_of_each_label(drawn, tmp_path):
    cohort = ingest(drawn, tmp_path / "run")
    places = np.arange(len(cohort.indices("train")))[::2]
    masks = cohort.masks("train", places, [4, 1])
    maps = cohort.label_maps(cohort.indices("train")[places])
    assert masks.dtype == np.float32
    assert masks.shape == (len(places), 2, 32, 32)
    np.testing.assert_array_equal(masks[:, 0] > 0, maps.codes == 2)
    np.testing.assert_array_equal(masks[:, 1] > 0, maps.codes == 1)
    assert set(np.unique(masks)) == {-1, 1}
    with pytest.raises(ValueError):
        cohort.masks("train", places, [3])


def test_the_mapped_slices_are_a_cohort_of_their_own(drawn, tmp_path):
    cohort = ingest(drawn, tmp_path / "run", label="map")
    mapped = cohort.mapped()
    lost = {info.subject for info in cohort.slices if not info.mapped}
    (split,) = {info.split for info in cohort.slices if info.subject in lost}
    kept = [i for i in cohort.indices(split) if cohort.slices[i].mapped]
    assert mapped.indices(split).tolist() == kept
    assert len(kept) == len(cohort.indices(split)) - 6
    assert len(mapped.images(split)) == len(mapped.labels(split)) == len(kept)
    assert not lost & set(mapped.subjects(split))
    assert mapped.hash == cohort.hash
    mapped.check_splits()
    np.testing.assert_array_equal(mapped.batch(split, np.arange(len(kept))), mapped.images(split))


def test_labels_are_called_what_a_table_beside_the_maps_calls_them(drawn, tmp_path):
    (drawn / "tissue.tsv").write_text("index\tname\n1\tbrain\n4\tright half\n7\tnone\n")
    cohort = ingest(drawn, tmp_path / "run")
    assert cohort.label_names == {1: "brain", 4: "right half"}


def test_classes_of_slices_come_from_the_map_by_area(heads, tmp_path):
    for folder in sorted(heads.iterdir()):
        image = nib.load(folder / "t1.nii.gz")
        labels = np.zeros(image.shape, np.uint8)
        labels[20:24, 20:24, :28] = 1  # the lower half of the head
        save_map(folder / "lesion_mask.nii.gz", labels, image.affine)
    empty = np.zeros(image.shape, np.uint8)
    save_map(folder / "lesion_mask.nii.gz", empty, image.affine)
    cohort = ingest(heads, tmp_path / "run", label="map")
    every = cohort.label_maps(np.arange(len(cohort.slices)))
    shown = every.codes.any(axis=(1, 2))
    assert [info.label for info in cohort.slices] == [
        "present" if flag else "absent" for flag in shown
    ]
    assert 10 < shown.sum() < 38
    assert every.valid.all()  # a map without any label is a map
    assert cohort.fingerprint["labels"] == {"absent": 48 - shown.sum(), "present": shown.sum()}


def test_with_two_kinds_the_user_chooses(drawn, tmp_path):
    for folder in sorted(drawn.iterdir()):
        labels, affine = bright(folder / "t1.nii.gz")
        save_map(folder / "mueller_brain_mask.nii.gz", (labels > 0).astype(np.uint8), affine)
    cohort = ingest(drawn, tmp_path / "run")
    assert cohort.label_map is None
    with pytest.raises(UserError, match="holds no label maps"):
        cohort.label_maps(cohort.indices("train"))
    note = next(n for n in cohort.quality()["notes"] if "kinds of label maps" in n)
    assert "brain_mask (8 visits), tissue (7 visits)" in note
    assert ingest(drawn, tmp_path / "run", label_map="Brain_Mask").label_map == "brain_mask"
    assert (tmp_path / "run/cache/label_maps.npy").exists()
    assert ingest(drawn, tmp_path / "run", label_map="none").label_map is None
    assert not (tmp_path / "run/cache/label_maps.npy").exists()
    assert not (tmp_path / "run/cache/label_maps").exists()
    with pytest.raises(UserError, match=r"no label map 'seg'; take one of brain_mask"):
        ingest(drawn, tmp_path / "run", label_map="seg")
    with pytest.raises(UserError, match="--label map: there is no label map"):
        ingest(drawn, tmp_path / "run", label_map="none", label="map")


def test_a_map_of_too_many_labels_is_an_error_only_where_it_was_asked_for(heads, tmp_path):
    for folder in sorted(heads.iterdir()):
        image = nib.load(folder / "t1.nii.gz")
        labels = (np.arange(np.prod(image.shape)) % 200).reshape(image.shape).astype(np.int16)
        save_map(folder / "aseg.nii.gz", labels, image.affine)
    with pytest.raises(UserError, match=r"aseg has 200 different values.*--label-map"):
        ingest(heads, tmp_path / "run", label_map="aseg")
    cohort = ingest(heads, tmp_path / "run")
    assert cohort.label_map is None
    assert any("200 different values" in note for note in cohort.quality()["notes"])


def test_labels_of_different_subjects_that_are_too_many_together_are_told(heads, tmp_path):
    for number, folder in enumerate(sorted(heads.iterdir())):
        image = nib.load(folder / "t1.nii.gz")
        labels = (np.arange(np.prod(image.shape)) % 10).reshape(image.shape) + 10 * number
        save_map(folder / "seg.nii.gz", labels.astype(np.int16), image.affine)
    with pytest.raises(UserError, match="seg has 80 different values in all"):
        ingest(heads, tmp_path / "run", label_map="seg")


def test_bad_maps_are_set_aside_with_a_reason_and_their_scans_stay(drawn, tmp_path):
    image = nib.load(drawn / "Mueller0" / "t1.nii.gz")
    labels, affine = bright(drawn / "Mueller0" / "t1.nii.gz")
    holes = labels.astype(np.float32)
    holes[3, 3, 3] = np.nan
    save_map(drawn / "Mueller0" / "tissue.nii.gz", holes, affine)
    save_map(drawn / "Mueller1" / "tissue.nii.gz", labels * np.float32(0.3), affine)
    (drawn / "Mueller2" / "tissue.nii.gz").write_bytes(b"damaged")
    save_map(drawn / "Mueller3" / "tissue.nii.gz", labels, np.diag([1, 1, 1, 1.0]) * 9)
    # Whole numbers stored as floats are labels, and another shape is no harm.
    coarse = bright(drawn / "Mueller4" / "t1.nii.gz")[0][::2, ::2, ::2].astype(np.float32)
    save_map(drawn / "Mueller4" / "tissue.nii.gz", coarse, image.affine @ np.diag([2, 2, 2, 1]))
    # A scan that cannot be used takes its map along.
    (drawn / "Mueller6" / "t1.nii.gz").write_bytes(b"damaged")
    cohort = ingest(drawn, tmp_path / "run")
    assert cohort.fingerprint["subjects"] == 7
    assert cohort.fingerprint["label_map"]["visits"] == 2
    reasons = sorted(item["reason"] for item in cohort.quality()["quarantined"])
    assert len(reasons) == 5
    for word in ("NaN voxels", "not whole numbers", "(a label map) is not a NIfTI"):
        assert any(word in reason for reason in reasons), (word, reasons)
    assert any("covers no slice" in r or "orientation" in r for r in reasons), reasons
    with pytest.raises(UserError, match="--strict"):
        Cohort.from_folder(drawn, tmp_path / "strict", options=SMALL, workers=0, strict=True)


def test_maps_are_read_once_and_again_only_when_they_change(drawn, tmp_path, monkeypatch):
    seen = []
    handle = reading.handle

    def counted(body, ask):
        seen.append(body["task"])
        return handle(body, ask)

    monkeypatch.setattr(reading, "handle", counted)
    first = ingest(drawn, tmp_path / "run", keep_ids=True)
    assert (seen.count("visit"), seen.count("labels")) == (8, 7)
    seen.clear()
    assert ingest(drawn, tmp_path / "run", keep_ids=True).hash == first.hash
    assert seen == []
    labels, affine = bright(drawn / "Mueller2" / "t1.nii.gz")
    save_map(drawn / "Mueller2" / "tissue.nii.gz", labels[:, ::-1].copy(), affine)
    assert ingest(drawn, tmp_path / "run", keep_ids=True).hash != first.hash
    assert seen == ["labels"]


def test_the_same_maps_come_out_whatever_the_workers(drawn, tmp_path):
    options = SMALL.model_copy(update={"keep_ids": True})
    hashes = set()
    for workers in (0, 2):
        run = tmp_path / str(workers)
        hashes.add(Cohort.from_folder(drawn, run, options=options, workers=workers).hash)
    assert len(hashes) == 1


def test_a_changed_or_missing_store_of_maps_is_refused(drawn, tmp_path):
    ingest(drawn, tmp_path / "run")
    path = tmp_path / "run/cache/label_maps.npy"
    store = np.lib.format.open_memmap(path, mode="r+")
    store[0, 3, 3] += 1
    store.flush()
    del store
    with pytest.raises(UserError, match=r"label_maps\.npy: was changed"):
        Cohort.open(tmp_path / "run")
    path.unlink()
    with pytest.raises(UserError, match=r"label_maps\.npy: does not exist"):
        Cohort.open(tmp_path / "run")


def test_masks_of_pictures_lie_on_their_pictures(tmp_path):
    rng = np.random.default_rng(0)
    grid = np.indices((60, 60)) - 30
    for i in range(45):
        radius = np.hypot(grid[0] / 26, grid[1] / 21)
        pixels = np.where(radius < 1, 60 + rng.uniform(0, 60, radius.shape), 0)
        mask = np.zeros((60, 60), np.uint8)
        if i % 3:
            mask[20 : 30 + i % 7, 15:25] = 255
        pixels[mask > 0] = 250
        for kind, data in (("images", pixels.astype(np.uint8)), ("masks", mask)):
            path = tmp_path / "d" / kind / "a" / f"{i:03d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(data).convert("1" if kind == "masks" and i % 2 else "L").save(path)
    cohort = ingest(tmp_path / "d", tmp_path / "run", label="map")
    assert cohort.label_map == "masks"
    every = cohort.label_maps(np.arange(45))
    # Masks of one bit say 1, those of eight bits 255: both are told as they stand.
    assert every.values == (0, 1, 255)
    assert sum(info.label == "present" for info in cohort.slices) == 30
    shown = [row for row, info in enumerate(cohort.slices) if info.label == "present"]
    inner = np.array([cohort.image(row)[0] for row in shown]) > 0.4
    drawn = every.codes[shown] > 0
    assert 2 * (inner & drawn).sum() / (inner.sum() + drawn.sum()) > 0.9
