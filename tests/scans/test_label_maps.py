"""Label maps find the scans they belong to, by name and place; others are told, not guessed."""

from __future__ import annotations

import pytest

from popgan.scans import discover
from popgan.scans.label_names import picture_key, picture_map_kind, volume_map_meaning


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


def maps_of(result):
    return {scan.name: {found.name: found.file for found in scan.maps} for scan in result.scans}


@pytest.mark.parametrize(
    ("name", "subject", "session", "kind"),
    [
        ("s/dlmuse.nii.gz", "s", None, "dlmuse"),
        ("s/lesion_change_mask.nii.gz", "s", None, "lesion_change_mask"),
        ("s/visit2/s_tumour_auto.nii.gz", "s", "visit2", "tumour_auto"),
        ("BraTS_001/BraTS_001_seg.nii.gz", "BraTS_001", None, "seg"),
        ("p3/rater1_lesion.nii", "p3", None, "rater1_lesion"),
        ("IXI002-Guys-0828-brain_mask.nii.gz", "IXI002-Guys-0828", None, "brain_mask"),
        ("masks/p7.nii.gz", "p7", None, "masks"),
        ("p7/masks/t1.nii.gz", "p7", None, "masks"),
        ("Mueller/Mueller_old_mask.nii.gz", "Mueller", None, "mask"),
        ("sub-1/ses-2/anat/sub-1_ses-2_run-1_T1w_dseg.nii.gz", "sub-1", "ses-2", "dseg"),
        (
            "derivatives/fs/sub-1/ses-2/anat/sub-1_ses-2_desc-aseg_dseg.nii.gz",
            "sub-1",
            "ses-2",
            "desc-aseg_dseg",
        ),
        (
            "derivatives/x/sub-1/anat/sub-1_space-T1w_desc-brain_mask.nii.gz",
            "sub-1",
            None,
            "desc-brain_mask",
        ),
    ],
)
def test_subject_visit_and_kind_of_a_map(name, subject, session, kind):
    meaning = volume_map_meaning(name)
    assert (meaning.subject, meaning.session, meaning.kind) == (subject, session, kind)


@pytest.mark.parametrize(
    "name",
    [
        "derivatives/x/sub-1/anat/sub-1_space-MNI152NLin6Asym_dseg.nii.gz",
        "derivatives/x/sub-1/anat/sub-1_label-WM_probseg.nii.gz",
    ],
)
def test_probabilities_and_maps_in_another_space_belong_to_no_scan(name):
    assert volume_map_meaning(name) is None


@pytest.mark.parametrize(
    ("picture", "mask", "kind"),
    [
        ("images/glioma/0209.jpg", "masks/glioma/0209.png", "masks"),
        ("a/TCGA_10.tif", "a/TCGA_10_mask.tif", "mask"),
        ("images/image_3.png", "labels/label_3.png", "label"),
        ("x/3.png", "x/3_lesion_mask.png", "lesion_mask"),
        ("train/images/3.png", "train/masks/3.png", "masks"),
    ],
)
def test_a_picture_and_its_mask_have_one_key(picture, mask, kind):
    assert picture_key(picture) == picture_key(mask)
    assert picture_map_kind(mask) == kind


def test_pictures_of_other_folders_and_names_have_other_keys():
    keys = {picture_key(f"{f}/{n}.png") for f in ("a", "b") for n in ("head_1", "brain_1", "2")}
    assert len(keys) == 6


def test_maps_go_to_every_contrast_of_their_visit_and_to_no_other(tmp_path):
    touch(
        tmp_path,
        "sub-1/ses-1/anat/sub-1_ses-1_T1w.nii.gz",
        "sub-1/ses-1/anat/sub-1_ses-1_T2w.nii.gz",
        "sub-1/ses-2/anat/sub-1_ses-2_T1w.nii.gz",
        "derivatives/m/sub-1/ses-1/anat/sub-1_ses-1_dseg.nii.gz",
        "derivatives/m/sub-1/ses-1/anat/sub-1_ses-1_space-MNI_dseg.nii.gz",
        "derivatives/m/sub-9/anat/sub-9_dseg.nii.gz",
        "dataset_description.json",
    )
    result = discover(tmp_path)
    told = maps_of(result)
    dseg = {"dseg": "derivatives/m/sub-1/ses-1/anat/sub-1_ses-1_dseg.nii.gz"}
    assert [told[name] for name in sorted(told)] == [dseg, dseg, {}]
    assert len(result.label_maps) == 3
    assert any("another space" in note for note in result.notes)
    assert "1 label maps belong to no scan" in result.notes


def test_maps_of_probabilities_are_told_only_where_there_is_no_map_of_labels(tmp_path):
    anat = "sub-1/anat/sub-1"
    touch(tmp_path, f"{anat}_T1w.nii.gz", f"derivatives/m/{anat}_label-GM_probseg.nii.gz")
    assert "1 maps hold probabilities, not labels: not attached" in discover(tmp_path).notes
    touch(tmp_path, f"derivatives/m/{anat}_dseg.nii.gz")
    assert discover(tmp_path).notes == []


def test_a_subject_with_one_visit_needs_no_visit_in_the_name_of_its_map(tmp_path):
    touch(tmp_path, "sub-1/ses-1/anat/sub-1_ses-1_T1w.nii.gz", "sub-1/sub-1_mask.nii.gz")
    assert maps_of(discover(tmp_path)) == {
        "sub-1/ses-1/anat/sub-1_ses-1_T1w.nii.gz": {"mask": "sub-1/sub-1_mask.nii.gz"}
    }
    touch(tmp_path, "sub-1/ses-2/anat/sub-1_ses-2_T1w.nii.gz")
    assert all(found == {} for found in maps_of(discover(tmp_path)).values())


def test_flat_folders_pair_by_what_is_left_of_the_name(tmp_path):
    touch(tmp_path, "a-1-T1.nii", "a-1-lesion_mask.nii", "a-2-T1.nii", "a-2-lesion_mask.nii")
    assert maps_of(discover(tmp_path)) == {
        f"a-{i}-T1.nii": {"lesion_mask": f"a-{i}-lesion_mask.nii"} for i in (1, 2)
    }


def test_a_volume_becomes_a_map_by_the_users_word_but_a_contrast_never(tmp_path):
    touch(tmp_path, "p/t1.nii.gz", "p/structures.nii.gz")
    assert len(discover(tmp_path).scans) == 2
    result = discover(tmp_path, label_map="structures")
    assert maps_of(result) == {"p/t1.nii.gz": {"structures": "p/structures.nii.gz"}}
    assert len(discover(tmp_path, label_map="T1w").scans) == 2


def test_two_maps_of_one_kind_and_visit_leave_one_with_a_note(tmp_path):
    touch(tmp_path, "p/t1.nii", "p/x_mask.nii", "p/y_mask.nii")
    result = discover(tmp_path)
    assert maps_of(result)["p/t1.nii"] == {"mask": "p/x_mask.nii"}
    assert any("already taken" in note for note in result.notes)


def test_maps_keep_to_their_pictures_when_a_rule_names_the_subjects(tmp_path):
    names = [f"p{i}_{k}" for i in range(3) for k in range(2)]
    touch(tmp_path, *[f"{n}.png" for n in names], *[f"{n}_mask.png" for n in names])
    result = discover(tmp_path, subjects=r"^(p\d)_")
    assert {scan.subject for scan in result.scans} == {"p0", "p1", "p2"}
    assert maps_of(result) == {f"{n}.png": {"mask": f"{n}_mask.png"} for n in names}
