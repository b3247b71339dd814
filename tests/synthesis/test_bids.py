"""The BIDS writer: valid, marked, exact, deterministic, whole or absent."""

import errno
import gzip
import json
import os
import shutil
import struct
import subprocess
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from popgan.config.masks import MaskLabel
from popgan.errors import UserError
from popgan.synthesis.bids import LEVELS, bids_writer, to_stored, write_bids
from popgan.synthesis.bids_metadata import bids_name
from popgan.synthesis.participants import subject_id

# A stand-in for the cohort's geometry: row 0 = anterior, column 0 = the subject's right.
SPACING = (3.0, 2.0, 5.0)
AFFINE = np.array([[2.0, 0, 0, -30], [0, 3.0, 0, -40], [0, 0, 5.0, 12], [0, 0, 0, 1]])
CONTRASTS = ["T1w", "T1wCE", "FLAIR"]


def to_volume(image):
    return image[::-1, ::-1].T[:, :, None]


ABOUT = {
    "contrasts": CONTRASTS,
    "to_volume": to_volume,
    "affine": AFFINE,
    "spacing": SPACING,
    "model": "popgan",
    "seed": 7,
    "provenance": {"versions": {"popgan": "x"}},
    "plan_hash": "a" * 64,
    "weights_hash": "b" * 64,
}


def write(folder, images=None, **changes):
    if images is None:
        images = np.random.default_rng(0).uniform(-1, 1, (3, 3, 16, 12)).astype(np.float32)
    return write_bids(folder, images, **(ABOUT | changes))


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    "contrasts", [["T1w", "T1wCE", "FLAIR"], ["T2w", "PDw", "odd name-1"]], ids=["known", "unknown"]
)
def test_the_bids_validator_finds_no_error(tmp_path, contrasts):
    validator = shutil.which("bids-validator-deno")
    if validator is None:
        pytest.skip("bids-validator-deno is not installed")
    folder = write(tmp_path / "set", contrasts=contrasts, labels=["a", "b\tc", ""])
    ran = subprocess.run(
        [validator, "--format", "json", str(folder)], capture_output=True, text=True, timeout=60
    )
    issues = json.loads(ran.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
    assert ran.returncode == 0
    # The validator did look at the images: it counts one subject each.
    assert len(json.loads(ran.stdout)["summary"]["subjects"]) == 3


MASKS = [
    MaskLabel(value=value, name=name, slices=9, left=0.5)
    for value, name in ((2, "lesion"), (1035, "left insula"), (17, "tab\tand <tag>"))
]


def with_masks(folder, masks=MASKS, **changes):
    images = np.random.default_rng(0).uniform(-1, 1, (3, 3, 16, 12)).astype(np.float32)
    codes = np.random.default_rng(1).integers(0, 4, (3, 16, 12)).astype(np.uint8)
    return write(folder, images, codes=codes, masks=masks, **changes), codes


def test_the_bids_validator_finds_no_error_in_label_maps(tmp_path):
    validator = shutil.which("bids-validator-deno")
    if validator is None:
        pytest.skip("bids-validator-deno is not installed")
    folder, _ = with_masks(tmp_path / "set")
    ran = subprocess.run(
        [validator, "--format", "json", str(folder)], capture_output=True, text=True, timeout=60
    )
    issues = json.loads(ran.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
    assert ran.returncode == 0


def test_a_label_map_lies_on_its_image_with_the_values_of_the_source(tmp_path):
    folder, codes = with_masks(tmp_path / "set")
    values = np.array([0, 2, 1035, 17])
    for k in range(3):
        stem = folder / f"sub-syn000{k + 1}/anat/sub-syn000{k + 1}_desc-synthetic_dseg"
        image = nib.load(f"{stem}.nii.gz")
        assert image.get_data_dtype() == np.int16
        np.testing.assert_array_equal(np.asarray(image.dataobj), to_volume(values[codes[k]]))
        np.testing.assert_allclose(image.affine, AFFINE)
        assert image.header.get_intent()[0] == "label"
        assert image.header["descrip"].item().startswith(b"SYNTHETIC popgan")
        sidecar = json.loads(Path(f"{stem}.json").read_text())
        assert sidecar["Synthetic"] is True
        assert sidecar["Manual"] is False
        assert (sidecar["Seed"], sidecar["Index"]) == (7, k)
        assert sidecar["LabelMap"]["1035"] == "left insula"
    rows = [line.split("\t") for line in (folder / "dseg.tsv").read_text().splitlines()]
    assert rows[0] == ["index", "name", "color"]
    assert [row[:2] for row in rows[1:]] == [
        ["2", "lesion"],
        ["1035", "left insula"],
        ["17", "tab and <tag>"],
    ]
    assert "nobody has\n  outlined it" in (folder / "README").read_text()


def test_values_beyond_sixteen_bits_are_kept(tmp_path):
    big = [MASKS[0].model_copy(update={"value": value}) for value in (-5, 70_000, 3)]
    folder, codes = with_masks(tmp_path / "set", masks=big)
    image = nib.load(next((folder / "sub-syn0001").rglob("*dseg.nii.gz")))
    assert image.get_data_dtype() == np.int32
    expected = to_volume(np.array([0, -5, 70_000, 3])[codes[0]])
    np.testing.assert_array_equal(np.asarray(image.dataobj), expected)


def test_the_images_are_the_same_bytes_with_masks_and_without(tmp_path):
    folder, _ = with_masks(tmp_path / "with")
    plain = write(tmp_path / "without")
    for path in plain.rglob("*.nii.gz"):
        assert (folder / path.relative_to(plain)).read_bytes() == path.read_bytes()
    assert not (plain / "dseg.tsv").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"masks": MASKS},
        {"codes": np.zeros((3, 16, 12), np.uint8)},
        {"masks": MASKS, "codes": np.zeros((3, 12, 16), np.uint8)},
        {"masks": MASKS, "codes": np.full((3, 16, 12), 4, np.uint8)},
    ],
)
def test_label_maps_that_do_not_belong_to_the_images_are_refused(tmp_path, changes):
    with pytest.raises(ValueError):
        write(tmp_path / "set", **changes)
    assert not (tmp_path / "set").exists()


def test_the_bids_validator_does_notice_a_wrong_name(tmp_path):
    validator = shutil.which("bids-validator-deno")
    if validator is None:
        pytest.skip("bids-validator-deno is not installed")
    folder = write(tmp_path / "set")
    image = next(folder.rglob("*FLAIR.nii.gz"))
    image.rename(image.with_name(image.name.replace("desc-", "")))
    ran = subprocess.run([validator, "--format", "json", str(folder)], capture_output=True)
    assert ran.returncode != 0


def test_every_place_says_that_the_image_is_synthetic(tmp_path):
    folder = write(tmp_path / "set")
    name = "sub-syn0002/anat/sub-syn0002_ce-gadolinium_desc-synthetic_T1w"
    header = nib.load(folder / f"{name}.nii.gz").header
    assert header["descrip"].item().startswith(b"SYNTHETIC popgan")
    assert b"index 1" in header["descrip"].item()
    assert header["intent_name"].item() == b"synthetic"
    sidecar = json.loads((folder / f"{name}.json").read_text())
    assert sidecar["Synthetic"] is True
    assert (sidecar["Model"], sidecar["Seed"], sidecar["Index"]) == ("popgan", 7, 1)
    description = json.loads((folder / "dataset_description.json").read_text())
    assert description["DatasetType"] == "derivative"
    assert description["Synthetic"] is True
    assert "ynthetic" in description["Name"]
    assert "SYNTHETIC" in (folder / "README").read_text()
    rows = [line.split("\t") for line in (folder / "participants.tsv").read_text().splitlines()]
    assert rows[0] == ["participant_id", "synthetic", "model", "seed", "index", "label"]
    assert rows[2] == ["sub-syn0002", "true", "popgan", "7", "1", "n/a"]
    assert set(json.loads((folder / "participants.json").read_text())) == set(rows[0])


def test_masks_with_a_margin_are_described_and_others_are_not(tmp_path):
    for margins in (False, True):
        folder = write(tmp_path / str(margins), margins=margins, skull_stripped=not margins)
        sidecar = json.loads(next(folder.rglob("sub-*.json")).read_text())
        assert ("skull and scalp may show" in sidecar["Description"]) is margins
        assert sidecar["SkullStripped"] is not margins


def test_pixels_and_geometry_come_back(tmp_path):
    images = np.random.default_rng(1).uniform(-1, 1, (2, 1, 16, 12)).astype(np.float32)
    folder = write(tmp_path / "set", images, contrasts=["T1w"])
    image = nib.load(next((folder / "sub-syn0002").rglob("*.nii.gz")))
    assert image.shape == (12, 16, 1)
    np.testing.assert_allclose(image.affine, AFFINE)
    np.testing.assert_allclose(image.header.get_qform(), AFFINE, atol=1e-5)
    assert nib.aff2axcodes(image.affine) == ("R", "A", "S")
    assert image.header.get_zooms() == (2.0, 3.0, 5.0)
    assert image.header.get_xyzt_units()[0] == "mm"
    expected = (to_volume(images[1, 0]) + 1) / 2
    np.testing.assert_allclose(image.get_fdata(), expected, atol=0.5001 / LEVELS)


def test_front_and_right_of_a_cohort_slice_stay_front_and_right(tmp_path):
    from popgan.cohort.geometry import slice_affine, to_volume

    spacing, centre = (3.0, 2.0, 5.0), (1.0, -4.0, 20.0)
    image = np.full((1, 1, 16, 12), -1, np.float32)
    image[0, 0, 0, 0] = 1  # front of the head, subject's right
    folder = write(
        tmp_path / "set",
        image,
        contrasts=["T1w"],
        to_volume=to_volume,
        affine=slice_affine((16, 12), spacing, centre),
        spacing=spacing,
    )
    volume = nib.load(next(folder.rglob("*.nii.gz")))
    voxel = np.argwhere(volume.get_fdata() > 0.5)[0]
    position = nib.affines.apply_affine(volume.affine, voxel)
    # RAS+: x grows to the right, y to the front; half of 11 columns and of 15 rows from the centre.
    np.testing.assert_allclose(position, [1 + 5.5 * 2, -4 + 7.5 * 3, 20])


@settings(deadline=None)
@given(arrays(np.float32, (4, 5), elements=st.floats(-3, 3, width=32)))
def test_storing_clips_rounds_and_keeps_order(values):
    stored = to_stored(values)
    assert stored.min() >= 0
    assert stored.max() <= LEVELS
    back = stored / LEVELS * 2 - 1
    assert np.abs(back - np.clip(values, -1, 1)).max() <= 1.001 / LEVELS
    order = np.argsort(values, axis=None)
    assert (np.diff(stored.ravel()[order].astype(int)) >= 0).all()


def test_more_than_256_grey_levels_survive(tmp_path):
    ramp = np.linspace(-1, 1, 64 * 64, dtype=np.float32).reshape(1, 1, 64, 64)
    folder = write(tmp_path / "set", ramp, contrasts=["T1w"])
    data = nib.load(next(folder.rglob("*.nii.gz"))).get_fdata()
    assert len(np.unique(data)) == 4096


def test_the_same_images_give_the_same_bytes(tmp_path):
    first = files(write(tmp_path / "one"))
    second = files(write(tmp_path / "two"))
    assert first == second
    packed = next(data for name, data in first.items() if name.endswith(".nii.gz"))
    flags, time, system = packed[3], struct.unpack("<I", packed[4:8])[0], packed[9]
    assert (flags, time, system) == (0, 0, 255)
    assert gzip.decompress(packed)[344:348] == b"n+1\0"


def test_an_image_has_the_same_name_and_bytes_wherever_its_block_starts(tmp_path):
    images = np.random.default_rng(2).uniform(-1, 1, (5, 3, 8, 8)).astype(np.float32)
    whole = files(write(tmp_path / "whole", images))
    tail = files(write(tmp_path / "tail", images[3:], first_index=3))
    shared = {name for name in tail if name.startswith("sub-")}
    assert len(shared) == 2 * 3 * 2
    assert all(whole[name] == tail[name] for name in shared)


def test_labels_cannot_break_the_table(tmp_path):
    folder = write(tmp_path / "set", labels=["glioma", "a\tb\nc", " "])
    lines = (folder / "participants.tsv").read_text().splitlines()
    assert len(lines) == 4
    assert [line.split("\t")[-1] for line in lines[1:]] == ["glioma", "a b c", "n/a"]


@pytest.mark.parametrize("failing", ["README", "participants.tsv", ".nii.gz"])
def test_a_full_disk_leaves_nothing_and_gives_one_line(tmp_path, monkeypatch, failing):
    def full(self, *args, **kwargs):
        if self.name.endswith(failing):
            raise OSError(errno.ENOSPC, "No space left on device", str(self))
        return original[type(args[0])](self, *args, **kwargs)

    original = {str: Path.write_text, bytes: Path.write_bytes}
    monkeypatch.setattr(Path, "write_text", full)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match="No space left") as caught:
        write(tmp_path / "set")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_the_old_set_untouched(tmp_path):
    folder = write(tmp_path / "set")
    before = files(folder)

    def interrupted(image):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(folder, to_volume=interrupted)
    assert files(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_an_old_set_is_replaced_whole(tmp_path):
    folder = write(tmp_path / "set")
    images = np.zeros((1, 3, 16, 12), np.float32)
    write(folder, images)
    assert [path.name for path in sorted(folder.glob("sub-*"))] == ["sub-syn0001"]
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("name", ["notes.txt", "sub-syn0001/anat/tumour_mask.nii.gz", "code/a.py"])
def test_an_old_set_with_files_of_the_user_is_refused_and_kept(tmp_path, name):
    folder = write(tmp_path / "set")
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("years of work")
    before = files(folder)
    with pytest.raises(UserError, match=f"popgan did not write .{name}."):
        write(folder, np.zeros((1, 3, 16, 12), np.float32))
    assert files(folder) == before
    (folder / name).unlink()
    (folder / ".DS_Store").write_text("of a file browser")
    write(folder, np.zeros((1, 3, 16, 12), np.float32))
    assert [path.name for path in sorted(folder.glob("sub-*"))] == ["sub-syn0001"]


def test_a_folder_with_other_files_is_refused_and_kept(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "thesis.docx").write_text("years of work")
    with pytest.raises(UserError, match="exists already"):
        write(folder)
    assert (folder / "thesis.docx").read_text() == "years of work"


@pytest.mark.parametrize(
    "description",
    [
        '{"Name": "our patients", "BIDSVersion": "1.10.0", "DatasetType": "raw"}',
        '{"Name": "x", "Synthetic": true, "GeneratedBy": [{"Name": "another tool"}]}',
        '{"Name": "x", "GeneratedBy": [{"Name": "popgan"}]}',
        "not json",
        "[]",
    ],
)
def test_a_bids_data_set_of_scans_is_never_replaced(tmp_path, description):
    folder = tmp_path / "patients"
    folder.mkdir()
    (folder / "dataset_description.json").write_text(description)
    (folder / "sub-01_T1w.nii.gz").write_bytes(b"a patient")
    with pytest.raises(UserError, match="exists already"):
        write(folder)
    assert (folder / "sub-01_T1w.nii.gz").read_bytes() == b"a patient"


def test_batches_give_the_same_files_as_one_array(tmp_path):
    images = np.random.default_rng(1).uniform(-1, 1, (5, 1, 16, 12)).astype(np.float32)
    about = {name: value for name, value in ABOUT.items() if name != "contrasts"}
    whole = files(write(tmp_path / "whole", images, contrasts=["T1w"]))
    with bids_writer(tmp_path / "parts", count=5, contrasts=["T1w"], **about) as add:
        add(images[:2])
        add(images[2:])
    assert files(tmp_path / "parts") == whole


def test_a_stream_that_ends_early_leaves_nothing(tmp_path):
    images = np.zeros((2, 3, 16, 12), np.float32)
    with (
        pytest.raises(ValueError, match="2 images came where 3"),
        bids_writer(tmp_path / "set", count=3, **ABOUT) as add,
    ):
        add(images)
    assert list(tmp_path.iterdir()) == []


def test_leavings_of_a_killed_process_are_swept(tmp_path):
    dead = subprocess.Popen(["true"])
    dead.wait()
    (tmp_path / f".part-{dead.pid}-set" / "sub-syn0001").mkdir(parents=True)
    other = tmp_path / f".part-{os.getppid()}-set"
    other.mkdir()
    write(tmp_path / "set")
    assert {path.name for path in tmp_path.iterdir()} == {"set", other.name}


def test_values_that_are_not_finite_are_refused(tmp_path):
    images = np.zeros((2, 3, 16, 12), np.float32)
    images[1, 2, 3, 4] = np.nan
    with pytest.raises(UserError, match="not finite"):
        write(tmp_path / "set", images)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"contrasts": ["T1w"]},
        {"labels": ["one"]},
        {"spacing": (2.0, 3.0, 5.0)},
        {"contrasts": ["T1w", "a-b", "ab"]},
    ],
    ids=["contrasts", "labels", "spacing", "equal names"],
)
def test_values_that_do_not_fit_are_refused(tmp_path, changes):
    with pytest.raises(ValueError, match=r"not|labels for"):
        write(tmp_path / "set", **changes)
    assert list(tmp_path.iterdir()) == []


def test_a_contrast_without_bids_name_keeps_its_own(tmp_path):
    assert bids_name("T1wCE") == ("ce-gadolinium_", "T1w")
    assert bids_name("../odd name") == ("", "oddname")
    assert bids_name("...") == ("", "MRI")


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_subject_names_are_unique_and_sort_like_their_index(one, two):
    digits = 7
    assert (subject_id(one, digits) < subject_id(two, digits)) == (one < two)
    assert subject_id(0) == "sub-syn0001"
