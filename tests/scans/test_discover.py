"""What a folder holds, and one clear line where it holds nothing of use."""

import pytest

from popgan.errors import UserError
from popgan.scans import discover


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


def test_bids_with_visits_gadolinium_and_derivatives(tmp_path):
    touch(
        tmp_path,
        "dataset_description.json",
        "sub-1/ses-1/anat/sub-1_ses-1_T1w.nii.gz",
        "sub-1/ses-2/anat/sub-1_ses-2_T1w.nii.gz",
        "sub-1/ses-2/anat/sub-1_ses-2_ce-gadolinium_T1w.nii.gz",
        "sub-1/ses-2/func/sub-1_ses-2_task-rest_bold.nii.gz",
        "derivatives/fs/sub-1/anat/sub-1_T1w.nii.gz",
    )
    found = {(s.subject, s.session, s.contrast) for s in discover(tmp_path).scans}
    assert found == {
        ("sub-1", "ses-1", "T1w"),
        ("sub-1", "ses-2", "T1w"),
        ("sub-1", "ses-2", "T1wCE"),
    }


def test_plain_folders_with_label_maps_and_hidden_files(tmp_path):
    touch(tmp_path, "a/t1.nii.gz", "a/mask.nii.gz", "a/.t1.nii.gz", ".git/t1.nii.gz", "b/T1.nii")
    result = discover(tmp_path)
    assert [s.name for s in result.scans] == ["a/t1.nii.gz", "b/T1.nii"]
    assert result.label_maps == ["a/mask.nii.gz"]


def test_a_second_run_of_a_contrast_is_left_out_with_a_note(tmp_path):
    touch(tmp_path, "sub-1/anat/sub-1_run-1_T1w.nii.gz", "sub-1/anat/sub-1_run-2_T1w.nii.gz")
    result = discover(tmp_path)
    assert [s.path.name for s in result.scans] == ["sub-1_run-1_T1w.nii.gz"]
    assert "left out" in result.notes[0]


def test_links_are_set_aside_not_followed(tmp_path):
    touch(tmp_path / "else", "t1.nii.gz")
    touch(tmp_path / "data", "a/t1.nii.gz")
    (tmp_path / "data" / "b").symlink_to(tmp_path / "else")
    (tmp_path / "data" / "a" / "t2.nii.gz").symlink_to(tmp_path / "else" / "t1.nii.gz")
    result = discover(tmp_path / "data")
    assert len(result.scans) == 1
    assert len(result.quarantined) == 2
    assert all("symbolic link" in item.reason for item in result.quarantined)


def test_picture_classes_are_subfolders_and_masks_are_known(tmp_path):
    names = [f"images/{c}/{i:04d}.jpg" for c in ("glioma", "pituitary") for i in range(45)]
    touch(tmp_path / "t1ce", *names, *[n.replace("images", "masks") for n in names])
    result = discover(tmp_path / "t1ce")
    assert {s.label for s in result.scans} == {"glioma", "pituitary"}
    assert {s.contrast for s in result.scans} == {"T1wCE"}
    assert len(result.label_maps) == 90
    # 45 names a class make blocks of 20, 20 and 5; no block reaches into the other class.
    blocks = {}
    for scan in result.scans:
        blocks.setdefault(scan.subject, set()).add(scan.label)
    assert len(blocks) == 6
    assert all(len(labels) == 1 for labels in blocks.values())
    assert any("leakage" in note for note in result.notes)


def test_many_subfolders_of_pictures_are_subjects_and_no_label(tmp_path):
    touch(tmp_path, *[f"Doe{i:02d}/{k}.png" for i in range(25) for k in range(3)])
    result = discover(tmp_path)
    assert {s.label for s in result.scans} == {None}
    assert len({s.subject for s in result.scans}) == 25


def test_a_pattern_groups_pictures_into_subjects(tmp_path):
    touch(tmp_path, *[f"p{i}_slice{k}.png" for i in range(4) for k in range(3)])
    result = discover(tmp_path, subjects=r"^(p\d+)_")
    assert sorted({s.subject for s in result.scans}) == ["p0", "p1", "p2", "p3"]
    assert result.notes == []
    assert len({(s.subject, s.session) for s in result.scans}) == 12


def test_a_table_groups_files_and_sets_the_others_aside(tmp_path):
    touch(tmp_path / "d", "1.png", "2.png", "3.png")
    (tmp_path / "s.tsv").write_text("file\tsubject\n1.png\tanna\n2.png\tanna\n")
    result = discover(tmp_path / "d", subjects=str(tmp_path / "s.tsv"))
    assert [s.subject for s in result.scans] == ["anna", "anna"]
    assert [q.path.name for q in result.quarantined] == ["3.png"]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("(", "not a valid regular expression"),
        ("p", "0 groups"),
        ("(a)(b)", "2 groups"),
        ("^(zzz)", "fits none"),
        ("missing.tsv", "does not exist"),
    ],
)
def test_a_useless_rule_for_subjects_is_one_clear_line(tmp_path, rule, message):
    touch(tmp_path, "1.png")
    with pytest.raises(UserError, match=message):
        discover(tmp_path, subjects=rule)


def test_a_table_without_its_columns_is_refused(tmp_path):
    touch(tmp_path / "d", "1.png")
    (tmp_path / "s.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(UserError, match="`file` and `subject`"):
        discover(tmp_path / "d", subjects=str(tmp_path / "s.tsv"))


def test_a_missing_folder_and_a_file_are_named(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        discover(tmp_path / "nope")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="not a folder"):
        discover(tmp_path / "file")


def test_an_empty_folder_is_called_empty(tmp_path):
    with pytest.raises(UserError, match="is empty"):
        discover(tmp_path)


def test_a_folder_without_images_says_what_is_wanted(tmp_path):
    touch(tmp_path, "notes.txt", "table.csv")
    with pytest.raises(UserError, match=r"holds no scans \(2 files.*subject/contrast.nii.gz"):
        discover(tmp_path)


def test_a_folder_of_masks_only_is_told_so(tmp_path):
    touch(tmp_path, "a/mask.nii.gz")
    with pytest.raises(UserError, match="only label maps"):
        discover(tmp_path)


@pytest.mark.parametrize("name", ["1.dcm", "IM0001", "1.png"])
def test_dicom_that_is_no_scan_is_known_by_its_content_and_named(tmp_path, name):
    (tmp_path / name).write_bytes(bytes(128) + b"DICM" + bytes(100))
    with pytest.raises(UserError, match=r"1 unusable; .* begins with a network command"):
        discover(tmp_path)
