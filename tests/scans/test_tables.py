"""Tables about people: found, bounded, and honest about what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from popgan.scans import ScanError
from popgan.scans.scan import Found
from popgan.scans.tables import add_visit_tables, read_participants, read_table


def scan(name: str, subject: str = "sub-1", session: str | None = None) -> Found:
    return Found(Path(name), name, "nifti", subject, session, "T1w")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_what_is_said_of_a_scan_goes_before_its_visit_and_that_before_its_subject(tmp_path):
    name = "sub-1/ses-a/anat/sub-1_ses-a_T1w.nii.gz"
    write(tmp_path / "participants.tsv", "participant_id\tage\tsex\tsite\nsub-1\t50\tF\tX\n")
    write(tmp_path / "sub-1/sub-1_sessions.tsv", "session_id\tage\tsite\nses-a\t52\tn/a\n")
    text = "filename\tage\nanat/sub-1_ses-a_T1w.nii.gz\t53\n"
    write(tmp_path / "sub-1/ses-a/sub-1_ses-a_scans.tsv", text)
    tables = read_participants(tmp_path)
    found = [scan(name, session="ses-a")]
    add_visit_tables(tables, tmp_path, found)
    assert tables.columns == ["age", "sex", "site"]
    assert [tables.value(column, found) for column in tables.columns] == ["53", "F", "X"]
    other = [scan("sub-1/ses-b/anat/sub-1_ses-b_T1w.nii.gz", session="ses-b")]
    assert tables.value("age", other) == "50"
    assert tables.problems == []


@pytest.mark.parametrize("own", ["1", "sub-1"])
@pytest.mark.parametrize("asked", ["1", "sub-1"])
def test_the_prefix_of_an_id_makes_no_difference(tmp_path, own, asked):
    write(tmp_path / "participants.tsv", f"participant_id\tage\n{own}\t50\n")
    assert read_participants(tmp_path).value("age", [scan("x", asked)]) == "50"


@pytest.mark.parametrize("word", ["n/a", "", "NaN", " N/A ", "null"])
def test_a_missing_value_stays_missing(tmp_path, word):
    write(tmp_path / "participants.tsv", f"participant_id\tage\nsub-1\t{word}\n")
    assert read_participants(tmp_path).value("age", [scan("x")]) is None


def test_rows_of_one_subject_that_disagree_leave_the_value_open(tmp_path):
    rows = "sub-1\t50\tF\nsub-1\t50\tM\nsub-2\t60\tM\n"
    write(tmp_path / "participants.tsv", "participant_id\tage\tsex\n" + rows)
    tables = read_participants(tmp_path)
    assert tables.value("age", [scan("x")]) == "50"
    assert tables.value("sex", [scan("x")]) is None
    assert tables.conflicts == {"sex": 1}


def test_names_of_levels_and_units_come_from_the_json_beside_it(tmp_path):
    write(tmp_path / "participants.tsv", "participant_id\tsex\tage\nsub-1\t1\t600\n")
    text = '{"sex": {"Levels": {"1": "male", "2": 3}}, "age": {"Units": "months"}, "x": 1}'
    write(tmp_path / "participants.json", text)
    tables = read_participants(tmp_path)
    assert tables.levels == {"sex": {"1": "male"}}
    assert tables.units == {"age": "months"}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"participant_id\tage\nsub-1\t5\x000\n", "NUL bytes"),
        (b"\xff\xfe", "not UTF-8"),
        (b"a\ta\n1\t2\n", "names a column twice"),
        (b"\t".join(b"c%d" % i for i in range(3000)), "3000 columns"),
        (b'a\tb\n"' + b"x" * 200_000, "not a readable table"),
        (b"", "empty"),
    ],
)
def test_a_hostile_table_is_refused_with_a_reason(tmp_path, raw, reason):
    path = tmp_path / "participants.tsv"
    path.write_bytes(raw)
    with pytest.raises(ScanError, match=reason):
        read_table(path)
    tables = read_participants(tmp_path)
    assert tables.subjects == {}
    assert reason in tables.problems[0]


def test_a_table_of_a_gigabyte_is_not_read(tmp_path):
    with (tmp_path / "participants.tsv").open("wb") as handle:
        handle.truncate(2**30)
    assert "too large for a table" in read_participants(tmp_path).problems[0]


def test_a_table_behind_a_link_is_not_followed(tmp_path):
    write(tmp_path / "else/secret.tsv", "participant_id\tage\nsub-1\t50\n")
    (tmp_path / "d").mkdir()
    (tmp_path / "d/participants.tsv").symlink_to(tmp_path / "else/secret.tsv")
    tables = read_participants(tmp_path / "d")
    assert tables.subjects == {}
    assert "symbolic link" in tables.problems[0]


def test_short_and_long_rows_and_windows_line_ends_are_read(tmp_path):
    text = "\ufeffparticipant_id\tage\tsex\r\nsub-1\t50\r\n\r\nsub-2\t60\tM\textra\r\n"
    (tmp_path / "participants.tsv").write_bytes(text.encode())
    tables = read_participants(tmp_path)
    assert tables.subjects == {"sub-1": {"age": "50"}, "sub-2": {"age": "60", "sex": "M"}}
    assert tables.value("sex", [scan("x")]) is None
