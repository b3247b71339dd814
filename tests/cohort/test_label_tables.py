"""Names of labels come from the nearest table, and from no place above the scans."""

from __future__ import annotations

from pathlib import Path

import pytest

from popgan.cohort.label_tables import LONGEST, label_names

TABLE = "index\tname\n1\tCSF\n2\tgrey matter\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A source with one map, and a table above it that is none of its business."""
    anat = tmp_path / "source" / "derivatives" / "x" / "sub-1" / "anat"
    anat.mkdir(parents=True)
    (tmp_path / "dseg.tsv").write_text("index\tname\n1\tof somebody else\n")
    return anat / "sub-1_space-orig_dseg.nii.gz"


def names(tmp_path: Path, place: Path, values: tuple[int, ...] = (1, 2)) -> dict[int, str]:
    return label_names(tmp_path / "source", place, values)


def test_a_table_belongs_to_all_maps_below_its_folder(tmp_path: Path, place: Path) -> None:
    assert names(tmp_path, place) == {}
    (tmp_path / "source" / "dseg.tsv").write_text(TABLE)
    assert names(tmp_path, place) == {1: "CSF", 2: "grey matter"}


def test_the_nearest_table_wins_and_only_wanted_labels_are_named(
    tmp_path: Path, place: Path
) -> None:
    (tmp_path / "source" / "dseg.tsv").write_text(TABLE)
    (place.parent.parent.parent / "dseg.tsv").write_text("index\tname\tcolor\n2\tGM\t#fff\n9\tx\n")
    assert names(tmp_path, place) == {2: "GM"}
    (place.parent / "sub-1_space-orig_dseg.tsv").write_text("index\tname\n1\town\n")
    assert names(tmp_path, place) == {1: "own"}


@pytest.mark.parametrize(
    "content", [b"", b"\0\0", b"\xff\xfe", b"value\tname\n1\tx\n", b"index\tname\n1\t \n", b"index"]
)
def test_a_table_that_says_nothing_names_nothing(
    tmp_path: Path, place: Path, content: bytes
) -> None:
    (tmp_path / "source" / "dseg.tsv").write_bytes(content)
    assert names(tmp_path, place) == {}


def test_names_are_one_short_line_and_differ(tmp_path: Path, place: Path) -> None:
    text = f"index\tname\n1\ttwo  words\x07 \n2\tsame\n3\tsame\n4\t{'long' * 40}\n"
    (tmp_path / "source" / "dseg.tsv").write_text(text)
    found = names(tmp_path, place, (1, 2, 3, 4))
    assert found[1] == "two words"
    assert (found[2], found[3]) == ("same 2", "same 3")
    assert len(found[4]) == LONGEST


def test_a_link_is_not_followed(tmp_path: Path, place: Path) -> None:
    (tmp_path / "source" / "dseg.tsv").symlink_to(tmp_path / "dseg.tsv")
    assert names(tmp_path, place) == {}
