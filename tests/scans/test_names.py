"""What file names mean, for the layouts people really use."""

import pytest

from popgan.scans.names import (
    contrast_in,
    is_label_map,
    is_other_data,
    normalise_contrast,
    picture_class,
    volume_meaning,
)


@pytest.mark.parametrize(
    ("name", "subject", "session", "contrast"),
    [
        ("sub-01/anat/sub-01_T1w.nii.gz", "sub-01", None, "T1w"),
        ("sub-01/ses-a/anat/sub-01_ses-a_run-2_FLAIR.nii", "sub-01", "ses-a", "FLAIR"),
        ("sub-01/anat/sub-01_ce-gadolinium_T1w.nii.gz", "sub-01", None, "T1wCE"),
        ("sub-IXI013/t1.nii.gz", "sub-IXI013", None, "T1w"),
        ("patient7/t1ce.nii.gz", "patient7", None, "T1wCE"),
        ("patient7/baseline/t2.nii.gz", "patient7", "baseline", "T2w"),
        ("BraTS_001/BraTS_001_flair.nii.gz", "BraTS_001", None, "FLAIR"),
        ("BraTS_001/BraTS_001_t1gd.nii.gz", "BraTS_001", None, "T1wCE"),
        ("IXI002-Guys-0828-T1.nii.gz", "IXI002-Guys-0828", None, "T1w"),
        ("train/p3/pd.nii.gz", "p3", None, "PDw"),
        ("p3/T2_FLAIR.nii.gz", "p3", None, "FLAIR"),
        ("p3/swi.nii.gz", "p3", None, "swi"),
        ("p3/0001.nii.gz", "p3", None, "unknown"),
        ("T1/p3.nii.gz", "T1", None, "T1w"),
    ],
)
def test_subject_visit_and_contrast_of_a_volume(name, subject, session, contrast):
    meaning = volume_meaning(name)
    assert (meaning.subject, meaning.session, meaning.contrast) == (subject, session, contrast)


@pytest.mark.parametrize(
    "name",
    [
        "s/dlmuse.nii.gz",
        "s/tissue.nii.gz",
        "s/mask.nii.gz",
        "s/lesion_change_mask.nii.gz",
        "s/BraTS_001_seg.nii.gz",
        "s/tumour_auto.nii.gz",
        "masks/glioma/0001.png",
        "TCGA_CS_5393_10_mask.tif",
        "sub-1/anat/sub-1_desc-brain_mask.nii.gz",
        "sub-1/anat/sub-1_label-WM_probseg.nii.gz",
    ],
)
def test_label_maps_are_known_by_name(name):
    assert is_label_map(name)


@pytest.mark.parametrize(
    "name", ["s/t1.nii.gz", "images/glioma/1.jpg", "lesion/0001.png", "tumour/0001.png"]
)
def test_scans_and_classes_are_not_taken_for_label_maps(name):
    assert not is_label_map(name)


def test_contrast_names_are_normalised():
    table = {"t1": "T1w", "T2": "T2w", "flair": "FLAIR", "pd": "PDw", "t1ce": "T1wCE"}
    table |= {"t1gd": "T1wCE", "T1w": "T1w", "T1wCE": "T1wCE", "swi": "swi", "a_b": "ab"}
    assert {name: normalise_contrast(name) for name in table} == table


def test_words_tell_the_contrast_only_where_there_is_one():
    assert contrast_in("cheng_t1ce_axial") == "T1wCE"
    assert contrast_in("brain pictures") is None


def test_functional_and_derived_data_are_left_alone():
    assert is_other_data("sub-1/func/sub-1_task-rest_bold.nii.gz")
    assert is_other_data("derivatives/x/sub-1/anat/sub-1_T1w.nii.gz")
    assert not is_other_data("sub-1/anat/sub-1_T1w.nii.gz")


def test_the_class_of_a_picture_is_its_first_telling_folder():
    assert picture_class(["train", "glioma"]) == "glioma"
    assert picture_class(["glioma", "p1"]) == "glioma"
    assert picture_class(["sub-1"]) is None
    assert picture_class([]) is None
