"""The first pass: nothing is read twice, an interruption loses nothing, a bad file is named."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from made_dicom import T1, head, write_series
from popgan.child import Crash
from popgan.cohort import Cohort, IngestOptions, reading
from popgan.cohort.reading import InProcess
from popgan.errors import UserError

SMALL = IngestOptions(resolution=16, slices=4, keep_ids=True, keep_skull=True, bias_field="off")


@pytest.fixture
def asked(monkeypatch):
    """What was read: one entry a visit or a header."""
    seen: list[str] = []
    handle = reading.handle

    def counted(body, ask):
        if body["task"] == "headers":
            seen.extend(body["paths"])
        else:
            seen.extend(item["path"] for item in body["scans"])
        return handle(body, ask)

    monkeypatch.setattr(reading, "handle", counted)
    return seen


def ingest(source: Path, run: Path, **more) -> Cohort:
    return Cohort.from_folder(source, run, options=SMALL, workers=0, **more)


def bytes_of(run: Path) -> str:
    names = ("dataset/manifest.json", "dataset/qc.json", "cache/slices.npy")
    return "".join(hashlib.sha256((run / name).read_bytes()).hexdigest() for name in names)


def test_only_changed_files_are_read_again(heads, tmp_path, asked, write_head):
    ingest(heads, tmp_path / "run")
    assert len(asked) == 8
    asked.clear()
    ingest(heads, tmp_path / "run")
    assert asked == []
    changed = write_head(heads / "Mueller3" / "t1.nii.gz", 77)
    write_head(heads / "New" / "t1.nii.gz", 78)
    ingest(heads, tmp_path / "run")
    assert sorted(asked) == [str(changed), str(heads / "New" / "t1.nii.gz")]
    # And the result is that of a folder read for the first time.
    ingest(heads, tmp_path / "fresh")
    assert bytes_of(tmp_path / "run") == bytes_of(tmp_path / "fresh")


def test_other_options_read_everything_again(heads, tmp_path, asked):
    ingest(heads, tmp_path / "run")
    asked.clear()
    other = SMALL.model_copy(update={"slices": 5})
    Cohort.from_folder(heads, tmp_path / "run", options=other, workers=0)
    assert len(asked) == 8


def test_an_interrupted_ingest_goes_on_where_it_was(heads, tmp_path, asked, monkeypatch):
    counted = reading.handle

    def stopped(body, ask):
        if len(asked) == 5:
            raise KeyboardInterrupt
        return counted(body, ask)

    monkeypatch.setattr(reading, "handle", stopped)
    with pytest.raises(KeyboardInterrupt):
        ingest(heads, tmp_path / "run")
    monkeypatch.setattr(reading, "handle", counted)
    asked.clear()
    ingest(heads, tmp_path / "run")
    assert len(asked) == 3
    ingest(heads, tmp_path / "fresh")
    assert bytes_of(tmp_path / "run") == bytes_of(tmp_path / "fresh")


def test_headers_are_remembered_in_private_and_forgotten_when_a_file_changes(tmp_path, asked):
    source, run = tmp_path / "s", tmp_path / "run"
    for number in range(3):
        own = {"PatientID": f"Doe{number}", "SeriesInstanceUID": f"1.{number}"}
        own |= {"StudyInstanceUID": f"2.{number}"}
        write_series(source / str(number), head(seed=number), **own, **T1)
    ingest(source, run)
    kept = run / "private" / "headers.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert len(asked) == 36 + 3
    asked.clear()
    victim = sorted((source / "1").iterdir())[0]
    os.utime(victim, (1, 1))
    ingest(source, run)
    assert asked[0] == str(victim)
    assert len(asked) == 2  # one header, one visit
    hidden = SMALL.model_copy(update={"keep_ids": False})
    Cohort.from_folder(source, run, options=hidden, workers=0)
    public = "".join(path.read_text() for path in (run / "dataset").iterdir())
    assert "Doe" not in public


def test_strict_makes_an_unusable_file_an_error(heads, tmp_path):
    (heads / "Mueller2" / "t1.nii.gz").write_bytes(b"damaged")
    with pytest.raises(UserError, match=r"Mueller2.*not a NIfTI.*--strict"):
        ingest(heads, tmp_path / "run", strict=True)
    assert not (tmp_path / "run" / "dataset" / "manifest.json").exists()
    assert ingest(heads, tmp_path / "run").fingerprint["subjects"] == 7


def test_a_file_that_kills_its_worker_is_quarantined_by_its_name(heads, tmp_path, monkeypatch):
    class Deadly(InProcess):
        def map(self, requests):
            for request in requests:
                path = Path(request.body["scans"][0]["path"])
                if path.parent.name == "Mueller5":
                    yield Crash("crashed its reader (SIGSEGV)", path)
                else:
                    yield from super().map([request])

    monkeypatch.setattr(reading, "InProcess", Deadly)
    assert ingest(heads, tmp_path / "run").fingerprint["subjects"] == 7
    private = json.loads((tmp_path / "run" / "private" / "subjects.json").read_text())
    assert [(q["path"], q["reason"]) for q in private["quarantined"]] == [
        (str(heads / "Mueller5" / "t1.nii.gz"), "crashed its reader (SIGSEGV)")
    ]


def test_a_start_that_fails_leaves_nothing_parked(heads, tmp_path):
    for number in range(2, 8):
        (heads / f"Mueller{number}" / "t1.nii.gz").unlink()
    with pytest.raises(UserError):
        ingest(heads, tmp_path / "run")
    assert not list((tmp_path / "run").rglob("*.prepared"))
