"""`popgan translate` on the command line: results for people and machines, one line an error."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import pytest

from small_runs import call, leavings, snapshot
from whole_cohorts import ingested, with_model, write_subject

pytestmark = pytest.mark.xdist_group("whole volumes")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `scans` and `run`; not to be changed."""
    folder = tmp_path_factory.mktemp("cli")
    cohort = ingested(folder)
    with_model(cohort)
    return folder


def test_scans_in_a_data_set_out(home, tmp_path) -> None:
    before = snapshot(home / "run")
    out = tmp_path / "out"
    answer = call(
        *("translate", home / "run", "--from", "T1w,T2w", "--to", "FLAIR"),
        *(home / "scans/Person0", home / "scans/Person1", "-o", out, "--workers", "1"),
    )
    assert answer.status == 0, answer
    assert answer.out.splitlines()[0] == "2 visits translated"
    assert str(out) in answer.out
    assert "not for diagnosis" in answer.out
    image = nib.load(out / "sub-Person0/anat/sub-Person0_desc-synthetic_FLAIR.nii.gz")
    assert image.shape == (40, 48, 14)
    assert leavings(out) == []
    # Nothing of these scans is kept in the run folder.
    assert snapshot(home / "run") == before


def test_machines_get_everything_as_json(home, tmp_path) -> None:
    write_subject(tmp_path / "s/A", 1, ["T1w", "T2w"])
    bad = tmp_path / "s/B/t1.nii.gz"
    bad.parent.mkdir()
    bad.write_bytes(b"no volume")
    command = ("translate", home / "run", tmp_path / "s", "-o", tmp_path / "out", "--workers", "0")
    answer = call(*command, "--json", "--no-uncertainty")
    assert answer.status == 0, answer
    (visit,) = answer.result["visits"]
    assert (visit["subject"], visit["session"], visit["unchanged"]) == ("A", None, False)
    assert visit["half_width"] is None
    assert Path(visit["image"]).exists()
    (aside,) = answer.result["set_aside"]
    assert (aside["subject"], aside["file"]) == ("B", str(bad))
    assert all(json.loads(line) for line in answer.err.splitlines())
    again = call(*command, "--no-uncertainty")
    assert again.out.splitlines()[0] == "0 visits translated, 1 unchanged, 1 set aside"
    quiet = call(*command, "--no-uncertainty", "--quiet")
    assert (quiet.status, quiet.err) == (0, "")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["{tmp}/nowhere"], "does not exist"),
        (["{home}/scans", "--to", "T2w"], "translates to FLAIR, not to T2w"),
        (["{home}/scans", "--from", "T1w,PDw"], "not from PDw"),
        (["{home}/scans", "--name", "other"], "holds no model 'other'"),
        (["{home}/scans", "--workers", "many"], "--workers many is not possible"),
    ],
)
def test_a_slip_of_the_pen_is_one_line(home, tmp_path, words, says) -> None:
    given = [word.format(home=home, tmp=tmp_path) for word in words]
    answer = call("translate", home / "run", *given, "-o", tmp_path / "out")
    assert answer.status == 2
    assert says in answer.line
    assert answer.out == ""
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_run_is_told_at_once(tmp_path) -> None:
    answer = call("translate", tmp_path, tmp_path, "-o", tmp_path / "out")
    assert (answer.status, "is not a run folder" in answer.line) == (2, True)
